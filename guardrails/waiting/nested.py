"""A governed call in the middle of the guard's own work: Python may run a destructor (`__del__`) at any moment.

It would wait for the very look-up or lock that it has interrupted.
"""

from __future__ import annotations

from contextlib import AbstractContextManager
from contextvars import ContextVar

from guardrails.waiting.context import having

# Threads that a decision starts have a copy of it.
_depth: ContextVar[int] = ContextVar("guardrails_at_work", default=0)


def at_work() -> AbstractContextManager[None]:
    """Inside, the guard decides on a call, or notes what came of one."""
    return having(_depth, _depth.get() + 1)


def anew() -> AbstractContextManager[None]:
    """Inside, a signal handler runs at a moment that the guard has chosen, or the guard tests itself."""
    return having(_depth, 0)


def is_nested() -> bool:
    """Whether the work at hand has begun in the middle of other work."""
    return _depth.get() > 1
