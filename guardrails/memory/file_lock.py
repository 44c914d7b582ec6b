"""A lock on an open file that one process at a time holds, whichever processes are forked meanwhile."""

from __future__ import annotations

import errno
import fcntl
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

_STEP_S = 0.005


class HeldElsewhere(OSError):
    """Another process holds it."""


@contextmanager
def held(fd: int, patience_s: float = 0.0) -> Iterator[None]:
    """Raises HeldElsewhere where nobody gives it up within so many seconds."""
    deadline = time.monotonic() + patience_s
    while True:
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            break
        except BlockingIOError:
            if time.monotonic() >= deadline:
                raise HeldElsewhere(errno.EAGAIN, f"another process has locked it for {patience_s:g} s") from None
            time.sleep(_STEP_S)
    try:
        yield
    finally:
        # Not by closing: a process forked meanwhile has the same open file, and would go on holding it.
        with suppress(OSError):
            fcntl.flock(fd, fcntl.LOCK_UN)
