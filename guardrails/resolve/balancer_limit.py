"""How many look-ups of load balancers a decision may make: those whose answers are still fresh when the last one comes.

AWS allows few of them, for the script and the guard together. More would only take the account's limit away, since a
call is denied on evidence that is older than `max_fact_age_s`.
"""

from __future__ import annotations

import math
import time
from collections.abc import Iterable, Iterator, Mapping

from guardrails.config.settings import Settings
from guardrails.memory.rate_limits import BALANCERS
from guardrails.resolve.balancers import IN_SERVICE, REGISTERED
from guardrails.resolve.connection import failure
from guardrails.resolve.lookups import USED_AGAIN
from guardrails.values import Answer, Lookup, LookupFailure

# The part of `max_fact_age_s` in which they have to leave.
_PART = 0.85
# Further sources that ask all balancers, whatever listeners are named.
_ASK_ALL = frozenset(("asg", "dns", "ecs", "accelerator", "traffic"))
_CODE = "TooManyBalancers"
# What most of them ask.
_ABOUT = {"elb": IN_SERVICE, "elbv2": REGISTERED}


class BalancerLimit:
    """The limit of this configuration; none where nothing is paced."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._most = settings.max_fact_age_s * _PART
        share = settings.pacing.share if settings.pacing.enabled else None
        self._buckets = {name: each.part(share) for name, each in BALANCERS.items()} if share else {}

    def within(self, hinted: Iterable[Lookup]) -> Iterator[Lookup]:
        """Hints, without those of load balancers where they are more than a decision may ask."""
        hints = [*hinted]
        over = {name for name in self._buckets if self._seconds(name, [each.key() for each in hints]) > self._most}
        yield from (each for each in hints if each.service not in over)

    def refused(self, asked: Iterable[str]) -> tuple[LookupFailure, ...]:
        """What denies a call that takes the look-ups with these keys; nothing where there are not too many."""
        keys = [*asked]
        for name in self._buckets:
            seconds = self._seconds(name, keys)
            if seconds > self._most:
                return (failure(_ABOUT[name], _CODE, self._sentence(name, _number(name, keys), seconds)),)
        return ()

    def outdated(self, lookups: Iterable[Lookup], answers: Mapping[str, Answer]) -> list[Lookup]:
        """Those of the look-ups whose answers grew old meanwhile; none where load balancers took no time."""
        if not any(self._seconds(name, answers) for name in self._buckets):
            return []
        oldest = time.time() - self._settings.max_fact_age_s * USED_AGAIN
        return [each for each in lookups if each.key() in answers and answers[each.key()].observed_at < oldest]

    def _seconds(self, service: str, keys: Iterable[str]) -> float:
        """How long they leave one after another, from a full bucket."""
        bucket = self._buckets[service]
        return max(0.0, (_number(service, keys) - bucket.size) / bucket.rate)

    def _sentence(self, service: str, number: int, seconds: float) -> str:
        limit, bucket, settings = BALANCERS[service], self._buckets[service], self._settings
        age = math.ceil(seconds / _PART) + 1
        # The bucket may be empty at first.
        wait = math.ceil(bucket.size / bucket.rate + seconds) + 2
        way = f"set max_fact_age_s = {age} and lookup_timeout_s = {max(wait, math.ceil(settings.lookup_timeout_s))}"
        if service == "elbv2" and not settings.live.listeners and not _ASK_ALL & {*settings.live.sources}:
            way = f"name the listeners that users come in by in live.listeners, or {way}"
        return (
            f"to see what the load balancers lead to takes {number} look-ups, which is {seconds:.0f} s: AWS allows "
            f"{limit.size:g} at once, then {limit.rate:g} a second, and the guard uses "
            f"{settings.pacing.share:.0%} of that (pacing.share), but evidence may be {settings.max_fact_age_s:g} s "
            f"old at most; {way}"
        )


def _number(service: str, keys: Iterable[str]) -> int:
    return sum(key.startswith(f"{service}:") for key in keys)
