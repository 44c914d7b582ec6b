"""The guard's own read-only requests to AWS: as the caller, in parallel, each at most once per `max_age_s`."""

from __future__ import annotations

import os
import threading
from collections import OrderedDict
from collections.abc import Collection, Iterable, Mapping
from concurrent.futures import Future
from contextlib import nullcontext
from typing import Any, Protocol

from attrs import evolve

from guardrails.resolve.connection import Connection, failure
from guardrails.resolve.kept_answers import KeptAnswers, Watch
from guardrails.resolve.own_requests import OwnRequests
from guardrails.resolve.second_looks import SecondLooks
from guardrails.resolve.turns import at_hand, turns_of
from guardrails.values import Answer, Lookup, LookupFailure, Origin, frozen
from guardrails.waiting import deadline
from guardrails.waiting.deadline import Deadline
from guardrails.waiting.interruptions import wait_for

# How many connections (credentials, region, endpoint) are kept: a process uses a few, not many.
_CONNECTIONS = 16
# Up to which part of `max_age_s` an answer is used again: it must not grow too old before the decision is made.
USED_AGAIN = 0.8


@frozen
class Fetched:
    """The answers by `Lookup.key()`, what failed, and how many requests were made now (not served from memory)."""

    answers: Mapping[str, Answer]
    failures: tuple[LookupFailure, ...]
    requests: int

    @property
    def required_failures(self) -> tuple[LookupFailure, ...]:
        """The failures of look-ups that are not optional."""
        return tuple(failure for failure in self.failures if not failure.optional)

    def only(self, keys: Collection[str]) -> Fetched:
        """What is known of these look-ups. One that failed, and was asked again with success, did not fail."""
        answers = {key: answer for key, answer in self.answers.items() if key in keys}
        failed = {*map(hash, keys)} - {*map(hash, answers)}
        failures = tuple(each for each in self.failures if each.key in failed)
        return Fetched(answers, failures, self.requests)

    def with_more(self, other: Fetched) -> Fetched:
        """Both rounds as one."""
        return Fetched(
            {**self.answers, **other.answers}, self.failures + other.failures, self.requests + other.requests
        )


class Answering(Protocol):
    """Anything that answers look-ups: AWS, or a snapshot of it."""

    def fetch(self, lookups: Iterable[Lookup], origin: Origin, /) -> Fetched:
        """Answer every look-up; never raises, what fails is in `failures`."""
        ...


class Lookups:
    """Makes look-ups with the credentials, region and endpoint of the intercepted call.

    The guard does not judge them: no look-up is in the catalogue of governed operations.
    """

    def __init__(
        self, max_age_s: float, timeout_s: float, loader: Any, own: OwnRequests, watch: Watch = nullcontext
    ) -> None:
        """`loader` is botocore's loader of service models: each takes a tenth of a second to read.

        `watch` goes around each look-up, in the thread that makes it.
        """
        self.own = own
        self._watch = watch
        self._max_age_s = max_age_s
        self._timeout_s = timeout_s
        self._loader = loader
        self._start_over()

    def _start_over(self) -> None:
        self._pid = os.getpid()
        self._memories: OrderedDict[tuple[Any, ...], KeptAnswers] = OrderedDict()
        self._second_looks = SecondLooks()
        self._lock = threading.Lock()

    def fetch(self, lookups: Iterable[Lookup], origin: Origin) -> Fetched:
        """Answer every look-up, from memory if the answer is recent enough, otherwise by parallel requests.

        Never raises: what fails is in `failures`, and so is what has no answer at the deadline that is under way, or
        after `timeout_s`. The requests end then, too.
        """
        self._notice_fork()
        memory = self._memory(origin)
        wanted = {lookup.key(): lookup for lookup in lookups}
        place = origin.identity, origin.where
        answers = at_hand(wanted, place, memory, self.own, self._max_age_s * USED_AGAIN)
        until = Deadline(deadline.left(self._timeout_s))
        missing = [lookup for key, lookup in wanted.items() if key not in answers]
        with deadline.within(until):
            turns = turns_of(missing, place, memory, self.own)
        asked = [(each, *memory.ask(each, until.left(), pause)) for each, pause in turns.pauses]
        failures = [*turns.refused]
        for lookup, future, _ in asked:
            result = _result(lookup, future, until, self._timeout_s)
            if isinstance(result, LookupFailure):
                # Another thread may have asked the same, and do without an answer.
                failures.append(evolve(result, optional=lookup.optional))
                memory.give_up(lookup, future)
            else:
                answers[lookup.key()] = result
        return Fetched(answers, tuple(failures), sum(ours for *_, ours in asked))

    def forget(self, lasting: Collection[str] = (), spare: Collection[str] = ()) -> None:
        """Drop the remembered answers: a call that changes the world is about to be sent, or has come back.

        Those of the look-ups in `lasting` (``service:Operation``) stay. Those in `spare` are used again where asking
        anew would have to wait.
        """
        self._notice_fork()
        with self._lock:
            memories = list(self._memories.values())
        for memory in memories:
            memory.clear(lasting, spare=spare)

    def look_again(self, origin: Origin, since: float) -> bool:
        """Use no answer again that was asked for before `since` (a time of `monotonic`); false where it is too soon."""
        self._notice_fork()
        if not self._second_looks.take():
            return False
        self._memory(origin).clear(since=since)
        return True

    def _notice_fork(self) -> None:
        # A forked child shares the parent's open connections, and its locks may be held by threads that the child does
        # not have.
        if self._pid != os.getpid():
            self.own = self.own.afresh()
            self._start_over()

    def _memory(self, origin: Origin) -> KeptAnswers:
        place = (origin.region, origin.home_region, origin.endpoint_url)
        key = (origin.identity, *place, origin.service, repr((origin.verify, origin.proxies, origin.way)))
        with self._lock:
            memory = self._memories.get(key)
            if memory is None:
                # A script may put other keys into its credentials.
                kept = evolve(origin, credentials=origin.keys or origin.credentials)
                connection = Connection(kept, self._timeout_s, self._loader, self.own)
                memory = self._memories[key] = KeptAnswers(connection, self._watch)
                while len(self._memories) > _CONNECTIONS:
                    self._memories.popitem(last=False)
            self._memories.move_to_end(key)
        return memory


def _result(
    lookup: Lookup, future: Future[Answer | LookupFailure], until: Deadline, timeout_s: float
) -> Answer | LookupFailure:
    if wait_for(future, until.left()):
        return future.result()
    return failure(lookup, "Timeout", f"no answer within {timeout_s:g} s (lookup_timeout_s)")
