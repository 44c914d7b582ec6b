"""A memory that hosts share, and what one of them does while it does not answer.

The host keeps a memory of its own beside it, of what it did itself. Only that is left when the shared one is away: it
keeps what was live, and its part of the bounds and rate limits. What it did then counts on when the shared one is back.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from attrs import evolve

from guardrails.memory.buckets import Bucket, Draw
from guardrails.memory.sqlite import SqliteStore
from guardrails.memory.store import Asked, Events, Remembered, StateUnavailable, Store
from guardrails.memory.under_way import UnderWay
from guardrails.memory.united import as_copied, with_own
from guardrails.values import EMPTY, Freeze, Live, frozen
from guardrails.waiting.program_log import ProgramLog

# Nothing was looked at, so nothing is noted.
_UNSEEN = Live(known=False, disputed=False, clusters=())
_logger = ProgramLog()


@frozen
class FleetStore:
    """The Store of a fleet of `hosts`: `shared`, with `host` beside it.

    With `alone`, a host goes on without the shared one, and keeps its part of every bound.
    """

    shared: Store
    host: SqliteStore
    hosts: int
    alone: bool = False

    def remember(self, asked: Asked) -> Remembered:
        """What all hosts did. While that is unknown, what this one did; `hosts` and `unshared` say so."""
        own = self.host.remember(evolve(asked, levels=tuple(self._part(bucket) for bucket in asked.levels)))
        try:
            shared = self.shared.remember(asked)
        except StateUnavailable as error:
            return evolve(own, hosts=self.hosts if self.alone else 0, unshared=str(error))
        if shared.freezes != own.freezes:
            # For a time when the table does not answer.
            self.host.replace_freezes(shared.freezes, asked.now)
        return with_own(shared, own)

    def beside(self, own: Remembered, asked: Asked) -> Remembered:
        """What all hosts did, read without leaving anything behind, and what a copy of this host's memory knows.

        The copy says what is live: it has gone on by itself, and so has what it knows of the others.
        """
        seen = frozenset(name for clusters in asked.seen.values() for name in clusters)
        question = evolve(
            asked, events=(), live=_UNSEEN, seen=EMPTY, levels=(), whole=False, clusters=asked.clusters | seen
        )
        try:
            shared = self.shared.remember(question)
        except StateUnavailable as error:
            return evolve(own, hosts=self.hosts if self.alone else 0, unshared=str(error))
        return evolve(with_own(shared, own), times=as_copied(shared.times, own.times))

    def settle(self, scope: str, claim: str, events: Events, now: float, *, sent: bool) -> None:
        """Keep a claim because its call is sent, or drop it."""
        self._both(lambda store: store.settle(scope, claim, events, now, sent=sent))

    def drop(self, scope: str, claim: str, events: Events) -> None:
        """Forget a claim that was kept."""
        self._both(lambda store: store.drop(scope, claim, events))

    def mark(self, scope: str, claim: str, events: Events, state: int, now: float) -> None:
        """Note what is known of the outcome: SENT or IN_DOUBT."""
        self._both(lambda store: store.mark(scope, claim, events, state, now))

    def withdraw(self, scope: str, claim: str, events: Events) -> None:
        """Forget what the call took away, not that it was made."""
        self._both(lambda store: store.withdraw(scope, claim, events))

    def take(self, scope: str, draws: Sequence[Draw], max_wait_s: float, now: float) -> list[float]:
        """Reserve tokens; in this host's part of the buckets while the shared memory is away."""
        try:
            return self.shared.take(scope, draws, max_wait_s, now)
        except StateUnavailable as error:
            _logger.warning("%s; until then this host uses a part of AWS's rate limits, 1/%d", error, self.hosts)
            parts = [evolve(draw, bucket=self._part(draw.bucket)) for draw in draws]
            return self.host.take(scope, parts, max_wait_s, now)

    def drain(self, scope: str, buckets: Sequence[Bucket], now: float) -> None:
        """Empty the buckets."""
        try:
            self.shared.drain(scope, buckets, now)
        except StateUnavailable:
            self.host.drain(scope, [self._part(bucket) for bucket in buckets], now)

    def under_way(self, now: float) -> list[UnderWay]:
        """What is under way on all hosts."""
        return self.shared.under_way(now)

    def freezes(self, now: float) -> tuple[Freeze, ...]:
        """What is frozen on all hosts; while that is unknown, what this one last saw."""
        try:
            return self.shared.freezes(now)
        except StateUnavailable as error:
            _logger.warning("what is frozen may have changed: %s", error)
            return self.host.freezes(now)

    def freeze(self, freeze: Freeze) -> Freeze:
        """Begin a freeze on all hosts."""
        return self.shared.freeze(freeze)

    def lift(self, now: float) -> tuple[Freeze, ...]:
        """End every freeze on all hosts."""
        return self.shared.lift(now)

    def try_it(self) -> None:
        """Use both as a decision does."""
        self.host.try_it()
        self.shared.try_it()

    def _part(self, bucket: Bucket) -> Bucket:
        return Bucket(f"{bucket.name} (part)", bucket.size / self.hosts, bucket.rate / self.hosts)

    def _both(self, act: Callable[[Store], None]) -> None:
        try:
            act(self.host)
        finally:
            act(self.shared)
