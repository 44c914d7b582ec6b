"""AWS's rate limit for one operation, which moto does not have: a token bucket, and an error when it is empty."""

from __future__ import annotations

from attrs import define, field

from guardrails.testing.fault import Fault


@define
class Throttle:
    """A bucket of `size` tokens, refilled with `rate` tokens per second; `refused` counts refused requests."""

    size: float
    rate: float
    refused: int = 0
    _tokens: float = field(init=False)
    _at: float | None = None

    def __attrs_post_init__(self) -> None:
        self._tokens = self.size

    def admit(self, now: float, tokens: int = 1) -> Fault | None:
        """Take tokens at `now` (seconds on any clock); with too few, return AWS's error."""
        if self._at is not None:
            self._tokens = min(self.size, self._tokens + (now - self._at) * self.rate)
        self._at = now
        # The sum of many small refills is not exact.
        if self._tokens >= min(tokens, self.size) - 1e-6:
            self._tokens -= tokens
            return None
        self.refused += 1
        return Fault(503, "RequestLimitExceeded", "Request limit exceeded.")
