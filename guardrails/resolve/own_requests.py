"""The guard's own requests to AWS: how many there are, and when it is their turn.

AWS's limits for reads hold for the whole account: without a turn, the guard and its script would be throttled together.
Requests to EC2 wait one by one, in many buckets. Look-ups of load balancers share one small bucket, and a decision may
need most of it: all of a round get their turns together, so that no answer is older than it must be.
"""

from __future__ import annotations

import math
import re
import threading
import time
from collections.abc import Hashable, Mapping
from typing import Any

from attrs import define

from guardrails.memory import buckets
from guardrails.memory.buckets import Bucket, Level
from guardrails.memory.rate_limits import BALANCERS, read
from guardrails.waiting import deadline
from guardrails.waiting.clock import monotonic

# The key, region and service that a request is signed for.
_SCOPE = re.compile(r"Credential=([^/]+)/\d+/([^/]+)/([^/]+)/")
_MINUTE_S = 60
_THROTTLED = re.compile("RequestLimitExceeded|Throttl|TooManyRequests")
# Buckets that are kept: a program that assumes roles has a new key for each.
_KEPT = 1000
# Where a request's context says which bucket it took a token from.
_TURN = "guardrails-turn"
# What both of its APIs are signed for.
_BALANCERS = "elasticloadbalancing"


class TooManyLookups(Exception):
    """The look-up's turn in AWS's rate limit would come after the deadline, so it was not sent."""


@define
class _Minutes:
    """Requests in the current minute, and in the busiest one."""

    minute: int = -1
    now: int = 0
    most: int = 0

    def add(self, minute: int) -> None:
        self.now = self.now + 1 if minute == self.minute else 1
        self.minute, self.most = minute, max(self.most, self.now)


class OwnRequests:
    """Every page and every attempt of the guard's look-ups in this process. Threads share it.

    Reads wait for their turn in `share` (0 to 1) of AWS's token buckets; with None nothing waits. The buckets are those
    of an access key and region: the account is not known before the first answer.
    """

    def __init__(self, share: float | None) -> None:
        self._share = share
        self._lock = threading.Lock()
        self._levels: dict[tuple[str, Bucket], Level] = {}
        self._minutes: dict[str, _Minutes] = {}
        # By the place and the service.
        self._balancers: dict[tuple[Hashable, str], Level] = {}
        self.throttled = 0

    def afresh(self) -> OwnRequests:
        """For a forked process, which may have the lock of a thread that it does not have."""
        return OwnRequests(self._share)

    def busiest(self) -> Mapping[str, int]:
        """The most requests in one minute, by ``service:Operation in REGION``; every page and attempt counts."""
        with self._lock:
            return {name: minutes.most for name, minutes in self._minutes.items()}

    def watch(self, client: Any) -> None:
        """Count this client's requests, and let each wait for its turn."""
        client.meta.events.register("request-created", self._leaves)
        client.meta.events.register("response-received", self._came_back)

    def together(self, place: Hashable, service: str, number: int) -> list[float]:
        """In how many seconds each of some look-ups of load balancers may leave, made from `place` (who, and where).

        As many as a full bucket lets go leave together at the end, those before only as fast as it fills: the first
        answers are then no older than they must be, and few are as old as these. Raises TooManyLookups where the last
        would leave after the deadline.
        """
        with self._lock:
            pauses = self._pauses(place, service, number)
            if not pauses or self._share is None:
                return [0.0] * number
            if pauses[-1] > deadline.left(pauses[-1]):
                raise TooManyLookups(self._too_late(BALANCERS[service], self._share, pauses[-1]))
            self._balancers[place, service] = buckets.taken(self._balancers[place, service], number)
        return pauses

    def wait(self, place: Hashable, service: str, number: int) -> float:
        """In how many seconds the last of these would leave."""
        with self._lock:
            return max(self._pauses(place, service, number), default=0.0)

    def _pauses(self, place: Hashable, service: str, number: int) -> list[float]:
        if self._share is None or service not in BALANCERS or not number:
            return []
        bucket, now = BALANCERS[service].part(self._share), monotonic()
        level = buckets.refilled(self._balancers.pop((place, service), Level(bucket.size, now)), bucket, now)
        self._balancers[place, service] = level
        while len(self._balancers) > _KEPT:
            # The oldest; by now it is full again.
            del self._balancers[next(iter(self._balancers))]
        last = max(0.0, (number - level.tokens) / bucket.rate)
        # How many cannot leave with the last.
        before = max(0, math.ceil(number - bucket.size))
        return [max(0.0, last - each / bucket.rate) for each in range(before, 0, -1)] + [last] * (number - before)

    def _leaves(self, request: Any, operation_name: str, **_: Any) -> None:
        # It is signed already; the time of a signature is good for minutes.
        found = _SCOPE.search(str(request.headers.get("Authorization", "")))
        key, region, service = found.groups() if found else ("", "", "")
        with self._lock:
            minutes = self._minutes.setdefault(f"{service}:{operation_name} in {region}", _Minutes())
            minutes.add(int(monotonic() // _MINUTE_S))
        if service == _BALANCERS:
            request.context[_TURN] = _BALANCERS
        if service == "ec2" and self._share is not None:
            turn = f"{key}/{region}", read(operation_name, narrowed=_is_narrowed(request.data))
            request.context[_TURN] = turn
            pause = self._reserve(turn, self._share)
            if pause:
                time.sleep(pause)

    def _reserve(self, turn: tuple[str, Bucket], share: float) -> float:
        """Take a token, and return the seconds until it is there. Raises TooManyLookups where that is too late."""
        limit, now = turn[1], monotonic()
        bucket = limit.part(share)
        with self._lock:
            before = self._levels.get(turn, Level(bucket.size, now))
            level = buckets.taken(buckets.refilled(before, bucket, now), 1)
            pause = buckets.delay(level, bucket.rate, now)
            if pause > deadline.left(pause):
                raise TooManyLookups(self._too_late(limit, share, pause))
            self._levels[turn] = level
            while len(self._levels) > _KEPT:
                # The oldest; by now it is full again.
                del self._levels[next(iter(self._levels))]
        return pause

    @staticmethod
    def _too_late(limit: Bucket, share: float, pause: float) -> str:
        return (
            f"the guard's own {limit.name} would wait {pause:.0f} s, longer than the deadline (lookup_timeout_s): AWS "
            f"allows {limit.size:g} at once, then {limit.rate:g} a second, and the guard uses {share:.0%} of that "
            "(pacing.share); make fewer governed calls at the same time, or set lookup_timeout_s higher"
        )

    def _came_back(self, parsed_response: Any, context: Any, **_: Any) -> None:
        code = str(((parsed_response or {}).get("Error") or {}).get("Code", ""))
        if not _THROTTLED.search(code):
            return
        turn = context.get(_TURN)
        with self._lock:
            self.throttled += 1
            if turn in self._levels:
                # Others in the account use the bucket as well, and it is empty now.
                level = self._levels[turn]
                self._levels[turn] = Level(min(level.tokens, 0.0), level.at)
            for place, level in self._balancers.items() if turn == _BALANCERS else ():
                self._balancers[place] = Level(min(level.tokens, 0.0), level.at)


def _is_narrowed(data: Any) -> bool:
    return isinstance(data, Mapping) and any(name == "MaxResults" or name.startswith("Filter.") for name in data)
