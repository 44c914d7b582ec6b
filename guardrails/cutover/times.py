"""The clock of a cutover, and its last look at it before a change leaves."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

from attrs import frozen

from guardrails.cutover.kinds import Clients


class TooLate(Exception):
    """A change was held back: by now another host may have taken the cutover over."""


def elapsed() -> float:
    """Seconds that are never set back, and go on while the host sleeps, where the system has such a clock."""
    if not hasattr(time, "clock_gettime"):
        return time.monotonic()
    return time.clock_gettime(getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC))


@frozen
class Times:
    """The clock (in seconds, never set back) and how to wait."""

    clock: Callable[[], float] = elapsed
    sleep: Callable[[float], None] = time.sleep


@contextmanager
def in_time(clients: Clients, check: Callable[[], None]) -> Iterator[Clients]:
    """Clients whose requests are sent only where `check()` raises nothing, which is the last thing before they leave.

    The guard decides before that, and its look-ups take a while; a process may also be stopped, or its host sleep.
    """
    with ExitStack() as stack:

        def last(**_: Any) -> None:
            check()

        def client(service: str) -> Any:
            made = clients(service)
            # Within the same part of the event's handlers, the guard's own came first.
            made.meta.events.register_last("before-send", last)
            stack.callback(made.meta.events.unregister, "before-send", last)
            return made

        yield client
