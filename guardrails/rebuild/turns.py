"""A run waits for the tokens of a call before it asks the guard, which then takes them and does not refuse."""

from __future__ import annotations

from collections.abc import Callable

from attrs import define, field

from guardrails.memory.buckets import Draw
from guardrails.memory.pacer import Pacer
from guardrails.memory.rate_limits import tokens
from guardrails.rebuild.boot import minutes
from guardrails.rebuild.forecast import Pace
from guardrails.rebuild.levels import levels
from guardrails.values import Call

# So that progress shows, and others who use the buckets meanwhile are noticed.
_STEP_S = 10.0
_SHORTEST_S = 0.05


@define
class Turns:
    """Waiting for tokens. `pacer` has the buckets that guards share, None without a memory.

    `takes` is true where the guard takes no tokens, because its mode blocks nothing. `refused` counts refusals by AWS
    in a row.
    """

    pacer: Pacer | None
    scope: str
    takes: bool
    share: float
    clock: Callable[[], float]
    sleep: Callable[[float], None]
    tell: Callable[[str], None]
    refused: int = 0
    _own: Pace | None = field(default=None)

    def wait(self, call: Call) -> None:
        """Wait until the tokens for this call are there."""
        if self.pacer is None:
            self._own = self._own or Pace(self.share, {})
            self.sleep(self._own.wait(call, self.clock()))
            return
        while (short := self._short(call))[0] > _SHORTEST_S:
            seconds, name = short
            if seconds > 1:
                self.tell(f"waiting {minutes(seconds)} for AWS's rate limit ({name})")
            self.sleep(min(seconds, _STEP_S))
        if self.takes:
            self.pacer.take(self.scope, call, self.clock())

    def back_off(self, call: Call) -> None:
        """AWS has just refused a call for its rate: the bucket is empty, and others take from it as well."""
        if self.pacer is not None:
            self.pacer.drained(self.scope, call, self.clock())
        self.refused += 1
        seconds = min(60.0, 2.0**self.refused)
        self.tell(f"AWS's rate limit was reached by others; trying again in {minutes(seconds)}")
        self.sleep(seconds)

    def levels(self, calls: list[Call]) -> dict[str, float]:
        """The tokens that are there, by bucket."""
        limits = {limit.name: limit for call in calls for limit, _ in tokens(call)}
        return levels(self.pacer, self.scope, [*limits.values()], self.clock()) or {}

    def _short(self, call: Call) -> tuple[float, str]:
        """The seconds until the tokens are there, and the bucket that has too few."""
        pacer = self.pacer
        assert pacer is not None
        known = self.levels([call])
        waits = [(0.0, "")]
        for limit, amount in tokens(call):
            bucket = pacer.bucket(limit)
            missing = Draw(bucket, amount).needed - known.get(limit.name, bucket.size)
            waits.append((missing / bucket.rate, limit.name))
        return max(waits)
