"""Bring things back gradually: many tasks restarted at once after an outage overload what they all depend on.

PythonAnywhere, 2023-10-09: the always-on tasks of all users had to be restarted gradually. Slack, 2022-02-22: caches
that came back empty all at once overloaded the database.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterable, Iterator
from typing import Any, TypeVar

Item = TypeVar("Item")
Waiting = Callable[[str], None]


class RampStopped(Exception):
    """The health check stayed false for longer than `patience_s`; `left` are the items that were not yielded."""

    def __init__(self, left: list[Any], seconds: float) -> None:
        super().__init__(
            f"stopped with {len(left)} items left: the health check has been false for {seconds:.0f} s; find out what "
            "is overloaded, then continue with the items in `left`"
        )
        self.left = left


def ramp(
    items: Iterable[Item],
    *,
    healthy: Callable[[], bool] | None = None,
    start: int = 1,
    factor: float = 2.0,
    interval_s: float = 10.0,
    max_batch: int | None = None,
    patience_s: float = 600.0,
    on_wait: Waiting | None = None,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> Iterator[Item]:
    """Yield the items in batches that grow while `healthy()` is true.

    The check runs before anything is yielded. The first batch has `start` items. Every `interval_s` seconds the check
    runs again; if it is true, a batch `factor` times as large (at most `max_batch`) follows. While it is false, nothing
    is yielded, and the next batch is half as large as the last. An exception in the check counts as false. Without a
    check, batches follow by time alone. `on_wait` is called with the reason for waiting. Raises ValueError at once for
    numbers out of range, and RampStopped when the check has been false for `patience_s` seconds in a row.
    """
    if start < 1 or factor < 1 or interval_s < 0 or patience_s < 0 or (max_batch is not None and max_batch < 1):
        raise ValueError(
            f"ramp(start={start}, factor={factor}, interval_s={interval_s}, max_batch={max_batch}, "
            f"patience_s={patience_s}): start, factor and max_batch must be at least 1, times must not be negative"
        )
    check = _Check(healthy, interval_s, patience_s, on_wait, clock, sleep)
    return _batches(list(items), _Pace(start, factor, max_batch), check)


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


class _Check:
    """Waits between batches until the health check is true."""

    def __init__(
        self,
        healthy: Callable[[], bool] | None,
        interval_s: float,
        patience_s: float,
        on_wait: Waiting | None,
        clock: Callable[[], float],
        sleep: Callable[[float], None],
    ) -> None:
        self._healthy = healthy
        self._interval_s = interval_s
        self._patience_s = patience_s
        self._on_wait = on_wait
        self._clock = clock
        self._sleep = sleep

    def passed(self, pace: _Pace, *, first: bool) -> float | None:
        """None when the next batch may follow; the seconds for which the check was false when patience ran out."""
        if not first:
            self._sleep(self._interval_s)
        if self._is_healthy():
            if not first:
                pace.grow()
            return None
        pace.shrink()
        since = self._clock()
        while (waited := self._clock() - since) < self._patience_s:
            if self._on_wait is not None:
                self._on_wait(f"the health check is false; the next batch will have {pace.size} items")
            # Without an interval this would spin.
            self._sleep(self._interval_s or 1.0)
            if self._is_healthy():
                return None
        return waited

    def _is_healthy(self) -> bool:
        if self._healthy is None:
            return True
        try:
            return bool(self._healthy())
        except Exception:
            # A check that fails to run does not prove health.
            return False


def _batches(items: list[Item], pace: _Pace, check: _Check) -> Iterator[Item]:
    done = 0
    while done < len(items):
        waited = check.passed(pace, first=done == 0)
        if waited is not None:
            raise RampStopped(items[done:], waited)
        batch = items[done : done + pace.size]
        done += len(batch)
        yield from batch
