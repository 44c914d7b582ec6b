"""How long a call must wait so that this host stays within AWS's limits."""

from __future__ import annotations

import sqlite3

from attrs import frozen

from guardrails.memory import Store, buckets
from guardrails.memory.buckets import Level
from guardrails.memory.rate_limits import Limit, tokens
from guardrails.values import Call


@frozen
class Pause:
    """Wait `seconds`, because the bucket `limit` has fewer tokens than the `amount` needed; or give up: `refused`."""

    seconds: float = 0.0
    limit: Limit | None = None
    amount: int = 0
    refused: bool = False

    @property
    def sentence(self) -> str:
        """Why the call waits or is refused, with the numbers."""
        if self.limit is None:
            return ""
        limit = self.limit
        bucket = f"{limit.name}: AWS allows {limit.size:g} at once, then {limit.rate:g} a second"
        if self.amount > limit.size:
            return f"{bucket}; this call alone needs {self.amount}"
        return f"{bucket}; this call needs {self.amount} and must wait {self.seconds:.0f} s"


@frozen
class Pacer:
    """The token buckets that the guards of this host share.

    The host uses `share` (0 to 1) of each, because others use the account as well. A call that would have to wait for
    more than `max_wait_s` seconds is refused.
    """

    store: Store
    share: float = 0.8
    max_wait_s: float = 60.0

    def take(self, scope: str, call: Call, now: float) -> Pause:
        """Reserve the tokens of a call about to be sent.

        `scope` is an account and region, `now` is in seconds since the epoch. Later calls queue behind the reservation,
        in whatever process they are made. A refused call takes nothing. Raises StateUnavailable.
        """
        needed = tokens(call)
        if not needed:
            return Pause()
        with self.store.transaction() as connection:
            levels = [(limit, amount, self._level(connection, scope, limit, now)) for limit, amount in needed]
            pauses = [self._pause(limit, amount, level, now) for limit, amount, level in levels]
            longest = max(pauses, key=lambda pause: (pause.refused, pause.seconds))
            if not longest.refused:
                for limit, amount, level in levels:
                    self._keep(connection, scope, limit, buckets.taken(level, amount))
        return longest

    def drained(self, scope: str, call: Call, now: float) -> None:
        """AWS throttled a call: others in the account use its buckets as well, and they are empty now."""
        with self.store.transaction() as connection:
            for limit, _ in tokens(call):
                level = self._level(connection, scope, limit, now)
                self._keep(connection, scope, limit, Level(min(level.tokens, 0.0), level.at))

    def left(self, scope: str, limit: Limit, now: float) -> float:
        """The tokens in one of AWS's buckets, as far as this host knows."""
        with self.store.transaction() as connection:
            return self._level(connection, scope, limit, now).tokens + limit.size * (1 - self.share)

    def _pause(self, limit: Limit, amount: int, level: Level, now: float) -> Pause:
        # A call that needs more than the share is let through alone, on a full bucket.
        after = buckets.taken(level, min(amount, limit.size * self.share))
        seconds = buckets.delay(after, limit.rate * self.share, now)
        return Pause(seconds, limit, amount, refused=seconds > self.max_wait_s or amount > limit.size)

    def _level(self, connection: sqlite3.Connection, scope: str, limit: Limit, now: float) -> Level:
        size = limit.size * self.share
        row = connection.execute(
            "SELECT tokens, at FROM bucket WHERE scope = ? AND name = ?", (scope, limit.name)
        ).fetchone()
        level = Level(*row) if row else Level(size, now)
        return buckets.refilled(level, size, limit.rate * self.share, now)

    @staticmethod
    def _keep(connection: sqlite3.Connection, scope: str, limit: Limit, level: Level) -> None:
        connection.execute(
            "INSERT OR REPLACE INTO bucket VALUES (?, ?, ?, ?)", (scope, limit.name, level.tokens, level.at)
        )
