"""How often a denial may have everything looked up once more.

What another process has just started is not in an answer that is still in use. So a denial that may come from that is
decided again, on answers from after the call was made. A script that makes one such call after the other must not cost
AWS a round of look-ups for each.
"""

from __future__ import annotations

from guardrails.memory import buckets
from guardrails.memory.buckets import Bucket, Level
from guardrails.waiting.clock import monotonic

# More than people and careful scripts need at once; then one a second.
_LIMIT = Bucket("second looks", 20, 1)


class SecondLooks:
    """Those of this process. Without a lock: two threads that take the same token do no harm."""

    def __init__(self) -> None:
        self._level = Level(_LIMIT.size, monotonic())

    def take(self) -> bool:
        """Whether one more may be made now."""
        level = buckets.refilled(self._level, _LIMIT, monotonic())
        if level.tokens < 1:
            return False
        self._level = buckets.taken(level, 1)
        return True
