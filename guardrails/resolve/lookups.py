"""The guard's own read-only requests to AWS: as the caller, in parallel, each at most once per `max_age_s`."""

from __future__ import annotations

import contextvars
import os
import threading
from collections import OrderedDict
from collections.abc import Callable, Collection, Iterable, Mapping
from concurrent.futures import Future
from contextlib import AbstractContextManager, nullcontext
from typing import Any, Protocol, TypeVar

from attrs import evolve

from guardrails.resolve.connection import Connection, failure
from guardrails.resolve.own_requests import OwnRequests
from guardrails.values import Answer, Lookup, LookupFailure, Origin, frozen
from guardrails.waiting import deadline
from guardrails.waiting.clock import monotonic
from guardrails.waiting.deadline import Deadline
from guardrails.waiting.interruptions import is_injected, wait_for

# How many connections (credentials, region, endpoint) are kept: a process uses a few, not many.
_CONNECTIONS = 16
# Up to which part of `max_age_s` an answer is used again: it must not grow too old before the decision is made.
_USED_AGAIN = 0.8
_Kept = TypeVar("_Kept")
Watch = Callable[[Lookup], AbstractContextManager[object]]


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
        self._memories: OrderedDict[tuple[Any, ...], _Memory] = OrderedDict()
        self._lock = threading.Lock()

    def fetch(self, lookups: Iterable[Lookup], origin: Origin) -> Fetched:
        """Answer every look-up, from memory if the answer is recent enough, otherwise by parallel requests.

        Never raises: what fails is in `failures`, and so is what has no answer at the deadline that is under way, or
        after `timeout_s`. The requests end then, too.
        """
        self._notice_fork()
        memory = self._memory(origin)
        wanted = {lookup.key(): lookup for lookup in lookups}
        answers = memory.recent(wanted, self._max_age_s * _USED_AGAIN)
        until = Deadline(deadline.left(self._timeout_s))
        asked = [(lookup, *memory.ask(lookup, until.left())) for key, lookup in wanted.items() if key not in answers]
        failures: list[LookupFailure] = []
        for lookup, future, _ in asked:
            result = _result(lookup, future, until, self._timeout_s)
            if isinstance(result, LookupFailure):
                # Another thread may have asked the same, and do without an answer.
                failures.append(evolve(result, optional=lookup.optional))
                memory.give_up(lookup, future)
            else:
                answers[lookup.key()] = result
        return Fetched(answers, tuple(failures), sum(ours for *_, ours in asked))

    def forget(self, lasting: Collection[str] = ()) -> None:
        """Drop the remembered answers: a call that changes the world is about to be sent, or has come back.

        Those of the look-ups in `lasting` (``service:Operation``) stay.
        """
        self._notice_fork()
        with self._lock:
            memories = list(self._memories.values())
        for memory in memories:
            memory.clear(lasting)

    def _notice_fork(self) -> None:
        # A forked child shares the parent's open connections, and its locks may be held by threads that the child does
        # not have.
        if self._pid != os.getpid():
            self.own = self.own.afresh()
            self._start_over()

    def _memory(self, origin: Origin) -> _Memory:
        place = (origin.region, origin.home_region, origin.endpoint_url)
        key = (origin.identity, *place, origin.service, repr(origin.verify))
        with self._lock:
            memory = self._memories.get(key)
            if memory is None:
                memory = self._memories[key] = _Memory(
                    Connection(origin, self._timeout_s, self._loader, self.own), self._watch
                )
                while len(self._memories) > _CONNECTIONS:
                    self._memories.popitem(last=False)
            self._memories.move_to_end(key)
        return memory


@frozen(eq=False)
class _UnderWay:
    """A look-up that was asked for, and until when someone waits for its answer."""

    future: Future[Answer | LookupFailure]
    until: Deadline


class _Memory:
    """The recent answers of one connection, and the look-ups that are under way."""

    def __init__(self, connection: Connection, watch: Watch) -> None:
        self._connection = connection
        self._watch = watch
        # With the moment at which each was asked for, on a clock that nobody sets.
        self._answers: dict[str, tuple[Answer, float]] = {}
        self._under_way: dict[str, _UnderWay] = {}
        self._lock = threading.Lock()

    def recent(self, keys: Iterable[str], max_age_s: float) -> dict[str, Answer]:
        oldest = monotonic() - max_age_s
        with self._lock:
            kept = {key: self._answers[key] for key in keys if key in self._answers}
        return {key: answer for key, (answer, asked_at) in kept.items() if asked_at >= oldest}

    def ask(self, lookup: Lookup, patience_s: float) -> tuple[Future[Answer | LookupFailure], bool]:
        """The answer that is to come, and whether a request was made for it: threads that ask the same share one.

        The request ends when the last of them has waited for `patience_s` seconds.
        """
        with self._lock:
            if (key := _asked_for(lookup)) in self._under_way:
                self._under_way[key].until.extend(patience_s)
                return self._under_way[key].future, False
            asked = self._under_way[key] = _UnderWay(Future(), Deadline(patience_s))
        try:
            self._send(lookup, asked)
        except BaseException:
            self.give_up(lookup, asked.future)
            raise
        return asked.future, True

    def _send(self, lookup: Lookup, asked: _UnderWay) -> None:
        asked_at, context = monotonic(), contextvars.copy_context()

        def ask() -> None:
            result: Answer | LookupFailure | None = None
            try:
                with deadline.within(asked.until), self._watch(lookup):
                    result = self._connection.ask(lookup)
            except Exception as error:
                if is_injected(error):
                    raise
                result = failure(lookup, type(error).__name__, str(error))
            finally:
                self._came(lookup, asked, asked_at, result)

        try:
            # A daemon: an answer that never comes must not keep the program from ending. Tracers find their context.
            threading.Thread(target=context.run, args=(ask,), name="guardrails-lookup", daemon=True).start()
        except RuntimeError:
            # No new threads start while the interpreter shuts down; the calls of an atexit handler are judged anyway.
            ask()

    def _came(self, lookup: Lookup, asked: _UnderWay, asked_at: float, result: Answer | LookupFailure | None) -> None:
        try:
            with self._lock:
                # An answer that was asked for before a change is not kept after it.
                if self._under_way.get(key := _asked_for(lookup)) is asked:
                    del self._under_way[key]
                    if isinstance(result, Answer) and result.whole:
                        self._answers[lookup.key()] = result, asked_at
        finally:
            asked.future.set_result(result or failure(lookup, "Interrupted", "it was interrupted"))

    def give_up(self, lookup: Lookup, future: Future[Answer | LookupFailure]) -> None:
        """The answer came too late; the next decision asks again."""
        with self._lock:
            asked = self._under_way.get(_asked_for(lookup))
            if asked is not None and asked.future is future:
                del self._under_way[_asked_for(lookup)]

    def clear(self, lasting: Collection[str]) -> None:
        with self._lock:
            self._answers = _only(lasting, self._answers)
            self._under_way = _only(lasting, self._under_way)


def _asked_for(lookup: Lookup) -> str:
    """The name of a request under way: those who ask for all pages do not share the request for one."""
    return f"{lookup.key()} first page" if lookup.first_page else lookup.key()


def _only(lasting: Collection[str], by_key: Mapping[str, _Kept]) -> dict[str, _Kept]:
    return {key: kept for key, kept in by_key.items() if lasting and key.partition(" ")[0] in lasting}


def _result(
    lookup: Lookup, future: Future[Answer | LookupFailure], until: Deadline, timeout_s: float
) -> Answer | LookupFailure:
    if wait_for(future, until.left()):
        return future.result()
    return failure(lookup, "Timeout", f"no answer within {timeout_s:g} s (lookup_timeout_s)")
