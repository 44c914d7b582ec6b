"""Bring things back gradually: many tasks restarted at once after an outage overload what they all depend on.

PythonAnywhere, 2023-10-09: the always-on tasks of all users had to be restarted gradually. Slack, 2022-02-22: caches
that came back empty all at once overloaded the database.
"""

from __future__ import annotations

import math
import os
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from typing import Any, TypeVar

from guardrails.gradual.looking import HealthCheck, Looking, Unhealthy, Waiting
from guardrails.gradual.progress import Progress
from guardrails.health import numbers

Item = TypeVar("Item")


class RampStopped(Exception):
    """The health check stayed false for longer than `patience_s`; `left` are the items that were not yielded."""

    def __init__(self, left: list[Any], seconds: float, why: str) -> None:
        super().__init__(
            f"stopped with {len(left)} items left: the health check has been false for {seconds:.0f} s ({why}); find "
            "out what is overloaded, then continue with the items in `left`"
        )
        self.left = left
        self.seconds = seconds
        self.why = why

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.left, self.seconds, self.why)


def ramp(
    items: Iterable[Item],
    *,
    healthy: HealthCheck | None = None,
    start: int = 1,
    factor: float = 2.0,
    interval_s: float = 10.0,
    max_batch: int | None = None,
    patience_s: float = 600.0,
    on_wait: Waiting | None = None,
    resume: str | os.PathLike[str] | None = None,
    key: Callable[[Item], str] | None = None,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> Iterator[Item]:
    """Yield the items in batches that grow while `healthy()` is true.

    The check runs before anything is yielded. The first batch has `start` items. Every `interval_s` seconds the check
    runs again; if it is true, a batch `factor` times as large (at most `max_batch`) follows. While it is false, nothing
    is yielded, and the next batch is half as large as the last. An exception in the check counts as false. Without a
    check, batches follow by time alone. `guardrails.health` has ready-made checks. `on_wait` is called with the reason
    for waiting. Raises ValueError at once for numbers out of range, and RampStopped when the check has been false for
    `patience_s` seconds in a row.

    With `resume`, the path of a file, a script that was killed goes on where it was: an item is done once the next one
    is asked for, and does not come again. The one under way then does. `key` returns a string that identifies an item;
    without it, items must be something that JSON can express. A file of another list is a ValueError.
    """
    numbers.check("ramp", "start", start, 1, whole=True)
    numbers.check("ramp", "factor", factor, 1)
    numbers.check("ramp", "interval_s", interval_s, 0)
    numbers.check("ramp", "patience_s", patience_s, 0, endless=True)
    if max_batch is not None:
        numbers.check("ramp", "max_batch", max_batch, 1, whole=True)
    looking = Looking(healthy, interval_s, patience_s, on_wait, clock, sleep)
    return _batches(Progress(list(items), resume, key), _Pace(start, factor, max_batch), looking)


class _Pace:
    """How large the next batch is."""

    def __init__(self, start: int, factor: float, max_batch: int | None) -> None:
        self._factor = factor
        self._max_batch = max_batch
        self.size = min(start, max_batch or start)

    def grow(self) -> None:
        # By at least one: 1 times 1.2, rounded down, would stay 1 forever.
        larger = self.size if self._factor == 1 else max(self.size + 1, math.floor(self.size * self._factor))
        self.size = min(larger, self._max_batch or larger)

    def shrink(self) -> None:
        self.size = max(1, self.size // 2)


def _batches(progress: Progress[Item], pace: _Pace, looking: Looking) -> Iterator[Item]:
    items, done = progress.left, 0
    try:
        while done < len(items):
            failed = _failed(pace, looking, first=done == 0)
            if failed is not None:
                raise RampStopped(items[done:], failed.seconds, failed.why)
            for item in items[done : done + pace.size]:
                progress.given(sys._getframe().f_back)
                yield item
                # It was started once the script asks for the next one.
                progress.done([item])
                done += 1
    finally:
        progress.close()


def _failed(pace: _Pace, looking: Looking, *, first: bool) -> Unhealthy | None:
    """None when the next batch may follow; what the check said when patience ran out."""
    if not first:
        looking.sleep(looking.interval_s)
    health = looking.now()
    if health:
        if not first:
            pace.grow()
        return None
    pace.shrink()
    return looking.patiently(health, f"the next batch will have {pace.size} items")
