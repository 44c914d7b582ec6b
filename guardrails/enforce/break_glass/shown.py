"""Shows other hosts which rules are set aside here: later, where the table does not answer now."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from typing import Any

from guardrails.memory import StateUnavailable
from guardrails.waiting.own_thread import OwnThread
from guardrails.waiting.program_log import ProgramLog

_logger = ProgramLog()
# Between two attempts.
AGAIN_S = 5.0
# Shows a glass, in the form of `input.break_glass`, and returns what takes it off display.
Post = Callable[[Mapping[str, Any]], Callable[[], None]]


class ShownElsewhere:
    """Shows broken glasses by `post`, which raises StateUnavailable. An emergency does not wait for a table."""

    def __init__(self, post: Post) -> None:
        self._post = post
        self._thread = OwnThread("guardrails-glass", _Waiting, self._again)

    def show(self, glass: Mapping[str, Any]) -> Callable[[], object]:
        """Show it now, or else as soon as that works, until its end. Returns what ends that. Never raises."""
        shown = _Shown(self._post, glass)
        try:
            shown.post()
        except StateUnavailable as error:
            _logger.warning("other hosts do not see that the glass is broken (this is tried again): %s", error)
            self._thread.here.glasses.append(shown)
            self._thread.here.wake.set()
            self._thread.start()
        return shown.end

    def _again(self, waiting: _Waiting) -> None:
        """Until the process ends."""
        while True:
            waiting.wake.wait()
            waiting.wake.clear()
            while waiting.glasses:
                time.sleep(AGAIN_S)
                for shown in waiting.glasses[:]:
                    if _is_done(shown):
                        waiting.glasses.remove(shown)


def _is_done(shown: _Shown) -> bool:
    try:
        shown.post()
    except StateUnavailable:
        return False
    except Exception:
        # A thread that ends would show nothing more.
        _logger.debug("a broken glass could not be shown", exc_info=True)
        return False
    return True


class _Waiting:
    """What the thread of a process still has to show."""

    def __init__(self) -> None:
        self.glasses: list[_Shown] = []
        self.wake = threading.Event()


class _Shown:
    """A broken glass, and what takes it off display once it is on."""

    def __init__(self, post: Post, glass: Mapping[str, Any]) -> None:
        self._post, self._glass = post, glass
        self._end: Callable[[], None] | None = None
        self._over = False
        self._lock = threading.Lock()

    def post(self) -> None:
        """Show it, unless it is over. Raises StateUnavailable."""
        with self._lock:
            if self._end is None and not self._over and time.time() < self._glass["until_s"]:
                self._end = self._post(self._glass)

    def end(self) -> None:
        """It is over. Never raises StateUnavailable."""
        with self._lock:
            self._over = True
        try:
            if self._end is not None:
                self._end()
        except StateUnavailable as error:
            _logger.warning(
                "other hosts still see that the glass is broken, until its time is over: %s",
                error,
            )
