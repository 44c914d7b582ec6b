"""How long a rebuild takes: its calls, one after the other, through the token buckets, with the waits in between."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence

from attrs import define, field

from guardrails.memory import buckets
from guardrails.memory.buckets import Bucket, Draw, Level
from guardrails.memory.rate_limits import tokens
from guardrails.rebuild.steps import Step, tags_of
from guardrails.values import Call, frozen

# How often a run looks whether the machines of a wave are running.
INTERVAL_S = 10.0
# From a request to its answer, with the guard's look-ups.
_CALL_S = 1.0


def call_of(step: Step, region: str = "") -> Call:
    """The call of a step, as the rate limits see it."""
    return Call(step.service, step.operation, step.params, region, "")


@define
class Pace:
    """Token buckets in a time of their own: `share` (0 to 1) of AWS's, with the tokens that are in them at the start.

    `waited` is the seconds of waiting so far, by bucket.
    """

    share: float
    levels: Mapping[str, float]
    waited: dict[str, float] = field(factory=dict)
    _now: dict[str, Level] = field(factory=dict)

    def wait(self, call: Call, now: float) -> float:
        """Take the tokens of a call at `now`. Returns the seconds until it may go."""
        longest, why = 0.0, ""
        for limit, amount in tokens(call):
            bucket = limit.part(self.share)
            start = Level(min(self.levels.get(limit.name, bucket.size), bucket.size), 0.0)
            level = buckets.refilled(self._now.get(limit.name, start), bucket, now)
            seconds = buckets.delay(buckets.taken(level, Draw(bucket, amount).needed), bucket.rate, now)
            self._now[limit.name] = buckets.taken(level, amount)
            if seconds > longest:
                longest, why = seconds, limit.name
        if why:
            self.waited[why] = self.waited.get(why, 0.0) + longest
        return longest


@frozen
class Forecast:
    """`seconds` from the first call to the last, `calls` in all, `limits` the seconds of waiting by bucket."""

    seconds: float
    calls: int
    limits: Mapping[str, float]


def forecast(
    waves: Sequence[Sequence[Step]], after: Iterable[Step], pace: Pace, running_s: float, ready_s: float
) -> Forecast:
    """The time that a run takes, where a machine runs `running_s` after its launch and is ready after `ready_s`."""
    now, calls, launched = 0.0, 0, 0.0
    for number, wave in enumerate(waves):
        if number:
            # The next wave starts when a look shows that all of this one are running.
            now += max(1, math.ceil((launched + running_s - now) / INTERVAL_S)) * INTERVAL_S
        for step in wave:
            for each in (step, *tags_of(step, {old: old for old in step.machines})):
                now += pace.wait(call_of(each), now) + _CALL_S
                calls += 1
            launched = now
    if launched:
        now += max(0, math.ceil((launched + ready_s - now) / INTERVAL_S)) * INTERVAL_S
    for step in after:
        now += pace.wait(call_of(step), now) + _CALL_S
        calls += 1
    return Forecast(now, calls, dict(pace.waited))


def limits_of(steps: Iterable[Step]) -> list[Bucket]:
    """The buckets that the calls draw on, each once."""
    every = (step for each in steps for step in (each, *tags_of(each, {old: old for old in each.machines})))
    return list({limit.name: limit for step in every for limit, _ in tokens(call_of(step))}.values())
