"""A governed call in the middle of the guard's own work: Python may run a destructor (`__del__`) at any moment.

It would wait for the very look-up or lock that it has interrupted.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

# Threads that a decision starts have a copy of it.
_depth: ContextVar[int] = ContextVar("guardrails_at_work", default=0)


@contextmanager
def at_work() -> Iterator[None]:
    """Inside, the guard decides on a call, or notes what came of one."""
    yield from _with(_depth.get() + 1)


@contextmanager
def anew() -> Iterator[None]:
    """Inside, a signal handler runs at a moment that the guard has chosen, or the guard tests itself."""
    yield from _with(0)


def is_nested() -> bool:
    """Whether the work at hand has begun in the middle of other work."""
    return _depth.get() > 1


def _with(depth: int) -> Iterator[None]:
    before = _depth.get()
    try:
        # Inside: another thread may put an exception in after any call.
        _depth.set(depth)
        yield
    finally:
        _depth.set(before)
