"""A lock on an open file for one process at a time. A process that is forked meanwhile does not inherit it."""

from __future__ import annotations

import errno
import time
from collections.abc import Iterator
from contextlib import contextmanager

from guardrails.system import locks
from guardrails.waiting.clock import monotonic
from guardrails.waiting.interruptions import waiting

_STEP_S = 0.005


class LockedElsewhere(OSError):
    """Another process has the lock."""


@contextmanager
def locked(fd: int, patience_s: float = 0.0) -> Iterator[None]:
    """Wait for the lock for up to `patience_s` seconds. Raises LockedElsewhere after that."""
    deadline = monotonic() + patience_s
    while True:
        try:
            locks.take(fd)
            break
        except BlockingIOError:
            if monotonic() >= deadline:
                raise LockedElsewhere(errno.EAGAIN, f"another process has locked it for {patience_s:g} s") from None
            with waiting():
                time.sleep(_STEP_S)
    try:
        yield
    finally:
        locks.give_back(fd)
