"""The arithmetic of a token bucket. A level below zero is what earlier calls have reserved and are waiting for."""

from __future__ import annotations

from guardrails.values import frozen


@frozen
class Bucket:
    """A bucket of `size` tokens that is refilled with `rate` tokens a second."""

    name: str
    size: float
    rate: float

    def part(self, share: float) -> Bucket:
        """A share (0 to 1) of the bucket."""
        return Bucket(self.name, self.size * share, self.rate * share)


@frozen
class Draw:
    """A call takes `amount` tokens. One that needs more than the bucket holds goes alone, when the bucket is full."""

    bucket: Bucket
    amount: int

    @property
    def needed(self) -> float:
        """The tokens that must be there before the call may go."""
        return min(self.amount, self.bucket.size)


@frozen
class Level:
    """How many tokens were in a bucket at a time (seconds since the epoch)."""

    tokens: float
    at: float


def refilled(level: Level, bucket: Bucket, now: float) -> Level:
    """The bucket at `now`. A clock that goes backwards neither adds tokens nor takes any."""
    if now <= level.at:
        return level
    return Level(min(bucket.size, level.tokens + (now - level.at) * bucket.rate), now)


def taken(level: Level, amount: float) -> Level:
    """The bucket without `amount` tokens."""
    return Level(level.tokens - amount, level.at)


def delay(level: Level, rate: float, now: float) -> float:
    """Seconds from `now` until an overdrawn bucket is back at zero."""
    return max(0.0, level.at - now - level.tokens / rate) if level.tokens < 0 else 0.0
