"""The recent answers of one connection. Threads that ask the same share one request."""

from __future__ import annotations

import contextvars
import threading
import time
from collections.abc import Callable, Collection, Iterable
from concurrent.futures import Future
from contextlib import AbstractContextManager

from attrs import evolve

from guardrails.resolve.connection import Connection, failure
from guardrails.values import Answer, Lookup, LookupFailure, frozen
from guardrails.waiting import deadline, threads
from guardrails.waiting.clock import monotonic
from guardrails.waiting.deadline import Deadline
from guardrails.waiting.interruptions import is_injected

Watch = Callable[[Lookup], AbstractContextManager[object]]


@frozen(eq=False)
class _UnderWay:
    """A look-up that was asked for, and until when someone waits for its answer."""

    future: Future[Answer | LookupFailure]
    until: Deadline
    # When the request leaves, on a clock that is never set.
    asked_at: float


class KeptAnswers:
    """The recent answers of one connection, and the look-ups that are under way."""

    def __init__(self, connection: Connection, watch: Watch) -> None:
        self._connection = connection
        self._watch = watch
        # With the moment at which each was asked for, on that clock.
        self._answers: dict[str, tuple[Answer, float]] = {}
        # From before a call that hardly changed them.
        self._spare: dict[str, tuple[Answer, float]] = {}
        self._under_way: dict[str, _UnderWay] = {}
        self._lock = threading.Lock()

    def recent(self, keys: Iterable[str], max_age_s: float, *, spare: bool = False) -> dict[str, Answer]:
        """The answers at hand that are not older, with `spare` also those from before a call that hardly changed them.

        Others are dropped: a process may always ask for something else. How old one is goes by the clock that is never
        set, and by the wall clock where that says more: the host may have slept, or the wall clock was set ahead.
        """
        now, today = monotonic(), time.time()

        def young(kept: tuple[Answer, float]) -> bool:
            return now - kept[1] <= max_age_s and today - kept[0].observed_at <= max_age_s

        with self._lock:
            self._answers = {key: kept for key, kept in self._answers.items() if young(kept)}
            self._spare = {key: kept for key, kept in self._spare.items() if young(kept)}
            there = {**self._spare, **self._answers} if spare else self._answers
            return {key: _aged(there[key][0], today - (now - there[key][1])) for key in keys if key in there}

    def under_way(self, lookup: Lookup) -> bool:
        """Whether someone asks the same already."""
        with self._lock:
            return _asked_for(lookup) in self._under_way

    def ask(
        self, lookup: Lookup, patience_s: float, pause_s: float = 0.0
    ) -> tuple[Future[Answer | LookupFailure], bool]:
        """The answer that is to come, and whether a request was made for it: threads that ask the same share one.

        The request leaves in `pause_s` seconds, and ends when the last of them has waited for `patience_s` seconds.
        """
        asked: _UnderWay | None = None
        try:
            with self._lock:
                if (key := _asked_for(lookup)) in self._under_way:
                    self._under_way[key].until.extend(patience_s)
                    return self._under_way[key].future, False
                asked = self._under_way[key] = _UnderWay(Future(), Deadline(patience_s), monotonic() + pause_s)
            self._send(lookup, asked)
        except BaseException:
            # Otherwise others would wait for what is never sent.
            if asked is not None:
                self.give_up(lookup, asked.future)
            raise
        return asked.future, True

    def _send(self, lookup: Lookup, asked: _UnderWay) -> None:
        context = contextvars.copy_context()

        def ask() -> None:
            result: Answer | LookupFailure | None = None
            try:
                time.sleep(max(0.0, asked.asked_at - monotonic()))
                with deadline.within(asked.until), self._watch(lookup):
                    result = self._connection.ask(lookup)
            except Exception as error:
                if is_injected(error):
                    raise
                result = failure(lookup, type(error).__name__, str(error))
            finally:
                self._came(lookup, asked, result)

        try:
            # A daemon: an answer that never comes must not keep the program from ending. Tracers find their context.
            threads.start(threading.Thread(target=context.run, args=(ask,), name="guardrails-lookup", daemon=True))
        except RuntimeError:
            # No new threads start while the interpreter shuts down; the calls of an atexit handler are judged anyway.
            ask()

    def _came(self, lookup: Lookup, asked: _UnderWay, result: Answer | LookupFailure | None) -> None:
        try:
            with self._lock:
                # An answer that was asked for before a change is not kept after it.
                if self._under_way.get(key := _asked_for(lookup)) is asked:
                    del self._under_way[key]
                    if isinstance(result, Answer) and result.whole:
                        self._answers[lookup.key()] = result, asked.asked_at
        finally:
            asked.future.set_result(result or failure(lookup, "Interrupted", "it was interrupted"))

    def give_up(self, lookup: Lookup, future: Future[Answer | LookupFailure]) -> None:
        """The answer came too late; the next decision asks again."""
        with self._lock:
            asked = self._under_way.get(_asked_for(lookup))
            if asked is not None and asked.future is future:
                del self._under_way[_asked_for(lookup)]

    def clear(self, lasting: Collection[str] = (), since: float = float("inf"), spare: Collection[str] = ()) -> None:
        """Drop what was asked for before `since`, except the look-ups in `lasting` (``service:Operation``).

        Those in `spare` are put aside.
        """
        with self._lock:
            before = {**self._spare, **self._answers}
            self._spare = {key: kept for key, kept in before.items() if _lasts(key, spare)}
            self._answers = {
                key: kept for key, kept in self._answers.items() if kept[1] >= since or _lasts(key, lasting)
            }
            self._under_way = {
                key: asked for key, asked in self._under_way.items() if asked.asked_at >= since or _lasts(key, lasting)
            }


def _aged(answer: Answer, observed_at: float) -> Answer:
    return evolve(answer, observed_at=observed_at) if observed_at < answer.observed_at else answer


def _asked_for(lookup: Lookup) -> str:
    """The name of a request under way: those who ask for all pages do not share the request for one."""
    return f"{lookup.key()} first page" if lookup.first_page else lookup.key()


def _lasts(key: str, lasting: Collection[str]) -> bool:
    return bool(lasting) and key.partition(" ")[0] in lasting
