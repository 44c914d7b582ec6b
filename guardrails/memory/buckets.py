"""The arithmetic of a token bucket. A level below zero is what earlier calls have reserved and are waiting for."""

from __future__ import annotations

from attrs import frozen


@frozen
class Level:
    """How many tokens were in a bucket at a time (seconds since the epoch)."""

    tokens: float
    at: float


def refilled(level: Level, size: float, rate: float, now: float) -> Level:
    """The bucket at `now`. A clock that goes backwards neither adds tokens nor takes any."""
    if now <= level.at:
        return level
    return Level(min(size, level.tokens + (now - level.at) * rate), now)


def taken(level: Level, amount: float) -> Level:
    """The bucket without `amount` tokens."""
    return Level(level.tokens - amount, level.at)


def delay(level: Level, rate: float, now: float) -> float:
    """Seconds from `now` until an overdrawn bucket is back at zero."""
    return max(0.0, level.at - now - level.tokens / rate) if level.tokens < 0 else 0.0
