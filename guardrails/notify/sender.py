"""All places of a configuration that get notices."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from guardrails import caller
from guardrails.config.places import state_home
from guardrails.config.settings import IN_MEMORY, Settings
from guardrails.memory import configured
from guardrails.notify import notices
from guardrails.notify.grouping import PERIOD_S
from guardrails.notify.notices import Notice
from guardrails.notify.outbox import Making, Outbox
from guardrails.notify.troubles import Troubles
from guardrails.values import Decision
from guardrails.waiting.deadline import Deadline
from guardrails.waiting.own_thread import at_the_end

# How long the end of the program waits for notices.
_AT_EXIT_S = 2.0


class Sender:
    """Sends notices to the places that `[[notify]]` names. No method waits for one of them, or raises."""

    def __init__(self, settings: Settings, period_s: float = PERIOD_S) -> None:
        self._outboxes = _outboxes(settings, period_s) if settings.notify else []
        self._ends_in = 0

    def blocked(self, decision: Decision) -> None:
        """A call was blocked: a save, where it names something live. Another person may be asked to approve it."""
        self._put("save", partial(notices.of_save, decision))
        if decision.approval is not None:
            self._put("approval", partial(notices.of_approval, decision))

    def asked(self, decision: Decision) -> None:
        """A call that is blocked waits until another person approves it."""
        self._put("approval", partial(notices.of_approval, decision))

    def glass_broken(self, announcement: str, glass: Mapping[str, Any]) -> None:
        """Rules are set aside; `glass` is `input.break_glass`."""
        self._put("break_glass", partial(notices.of_glass, announcement, glass, caller.describe(None), time.time()))

    def send(self, notice: Notice) -> None:
        """Send one that is made already."""
        self._put(notice.kind, lambda: notice)

    def flush(self, timeout_s: float = _AT_EXIT_S) -> bool:
        """Wait until what was put before is sent, or for `timeout_s` seconds. False where something still waits."""
        until = Deadline(timeout_s)
        waiting: list[Callable[[float], bool]] = [outbox.flush() for _, outbox in self._outboxes]
        return all(wait(until.left()) for wait in waiting)

    def _put(self, kind: str, making: Making) -> None:
        for kinds, outbox in self._outboxes:
            if kind in kinds:
                self._at_end()
                outbox.put(making)

    def _at_end(self) -> None:
        """Once a process: what waits at its end is still sent, for a moment."""
        if self._ends_in == os.getpid():
            return
        self._ends_in = os.getpid()
        at_the_end(self.flush)


def _outboxes(settings: Settings, period_s: float) -> list[tuple[frozenset[str], Outbox]]:
    """The outbox of each place, with the kinds of notices that it gets."""
    from guardrails.notify import targets  # noqa: PLC0415  (most configurations name no place)

    troubles = Troubles(troubles_file(settings))
    # What a command of ours starts does not start it again. Anyone can set the variable: all else is sent.
    again = targets.MARKER in os.environ
    return [
        (frozenset(place.on), Outbox(targets.name(place), targets.deliverer(place), troubles, period_s))
        for place in settings.notify
        if not (again and place.to == "command")
    ]


def troubles_file(settings: Settings) -> Path:
    """Where the notices that did not arrive are counted."""
    state = configured.state_file(settings)
    return (state_home() if state == IN_MEMORY else state.parent) / "notices.json"
