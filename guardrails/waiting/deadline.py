"""One deadline for a decision: look-ups, locks and servers are all waited for until then, and no longer."""

from __future__ import annotations

from contextlib import AbstractContextManager
from contextvars import ContextVar

from guardrails.waiting.clock import monotonic
from guardrails.waiting.context import having


class Deadline:
    """A moment on the clock of waiting/clock.py, `seconds` from now."""

    def __init__(self, seconds: float) -> None:
        self._at = monotonic() + seconds

    def left(self) -> float:
        """Seconds until then, 0.0 after it."""
        return max(0.0, self._at - monotonic())

    def extend(self, seconds: float) -> None:
        """Someone else waits for the same, for `seconds` from now: not before that."""
        self._at = max(self._at, monotonic() + seconds)


_under_way: ContextVar[Deadline | None] = ContextVar("guardrails_deadline", default=None)


def within(deadline: Deadline) -> AbstractContextManager[None]:
    """What is waited for inside ends at `deadline`."""
    return having(_under_way, deadline)


def left(at_most: float) -> float:
    """For how many seconds something may be waited for: `at_most`, or less where a deadline is under way."""
    deadline = _under_way.get()
    return at_most if deadline is None else min(at_most, deadline.left())
