"""How long a call must wait so that everybody who shares the memory stays within AWS's limits."""

from __future__ import annotations

from guardrails.memory.buckets import Bucket, Draw
from guardrails.memory.rate_limits import tokens
from guardrails.memory.store import Store
from guardrails.values import Call, frozen


@frozen
class Pause:
    """Wait `seconds`, because the bucket `limit` has fewer tokens than the `amount` needed; or give up: `refused`."""

    seconds: float = 0.0
    limit: Bucket | None = None
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
    """The token buckets in a shared memory.

    `share` (0 to 1) of each is used, because others use the account as well. A call that would have to wait for more
    than `max_wait_s` seconds is refused.
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
        for limit, amount in needed:
            if amount > limit.size:
                return Pause(0.0, limit, amount, refused=True)
        if not needed:
            return Pause()
        draws = [Draw(self.bucket(limit), amount) for limit, amount in needed]
        waits = self.store.take(scope, draws, self.max_wait_s, now)
        pauses = [
            Pause(seconds, limit, amount, refused=seconds > self.max_wait_s)
            for seconds, (limit, amount) in zip(waits, needed, strict=True)
        ]
        return max(pauses, key=lambda pause: pause.seconds)

    def drained(self, scope: str, call: Call, now: float) -> None:
        """AWS throttled a call: others in the account use its buckets as well, and they are empty now."""
        buckets = [self.bucket(limit) for limit, _ in tokens(call)]
        if buckets:
            self.store.drain(scope, buckets, now)

    def bucket(self, limit: Bucket) -> Bucket:
        """The share of one of AWS's buckets that is used here."""
        return limit.part(self.share)

    def left(self, limit: Bucket, level: float) -> float:
        """The tokens in one of AWS's buckets, where `level` of the share are left."""
        return level + limit.size * (1 - self.share)
