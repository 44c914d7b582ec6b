"""The memory of a fleet: the claims, times and buckets of all hosts that use one DynamoDB table.

Every step is one write to one item, so nothing rests on locks, leases or the clocks of hosts.
"""

from __future__ import annotations

import functools
import os
from collections import OrderedDict
from collections.abc import Callable, Collection, Mapping, Sequence
from functools import partial
from typing import Any, Concatenate, ParamSpec, TypeVar

from guardrails.aws.in_time import OutOfTime
from guardrails.memory.buckets import Bucket, Draw
from guardrails.memory.dynamodb import calls, freezes, ledger, lives, turns
from guardrails.memory.dynamodb.at_once import at_once
from guardrails.memory.dynamodb.compacting import compact
from guardrails.memory.dynamodb.membership import Membership
from guardrails.memory.dynamodb.table import Item, Place, Table
from guardrails.memory.events import SENT
from guardrails.memory.store import Asked, Events, Remembered, StateUnavailable
from guardrails.memory.under_way import UnderWay
from guardrails.values import Freeze

# Ledgers of which the size is remembered, and claims whose time of counting is.
_KEPT = 1000
# One request reads so many ledgers of clusters that the call does not name.
_COMPARED = 80

P = ParamSpec("P")
R = TypeVar("R")


def _in_time(step: Callable[Concatenate[DynamoStore, P], R]) -> Callable[Concatenate[DynamoStore, P], R]:
    """All requests of a step end together, `timeout_s` after its start."""

    @functools.wraps(step)
    def bounded(store: DynamoStore, /, *args: P.args, **kwargs: P.kwargs) -> R:
        store.notice_fork()
        with store.table.in_time():
            try:
                return step(store, *args, **kwargs)
            except OutOfTime as error:
                raise store.table.unavailable(str(error)) from error

    return bounded


class DynamoStore:
    """The Store in a DynamoDB table. `by` says who claims, for `guardrails state show`."""

    def __init__(
        self, place: Place, by: Callable[[], Mapping[str, str]] = dict, table: Callable[[Place], Table] = Table
    ) -> None:
        self._make_table = functools.partial(table, place)
        self._by = by
        self._start_over()

    def _start_over(self) -> None:
        self.table = self._make_table()
        self._reached = False
        self._membership = Membership(self.table)
        self._sizes: OrderedDict[tuple[str, str], int] = OrderedDict()
        self._counted_at: OrderedDict[str, float] = OrderedDict()
        # What could not be written of claims: they would be forgotten as those of a process that died.
        self._unsettled: OrderedDict[str, tuple[str, Events, int, float]] = OrderedDict()
        # Last: another thread must not take the parent's for the child's.
        self._pid = os.getpid()

    def notice_fork(self) -> None:
        """A forked child has connections, locks and claims of its own."""
        if self._pid != os.getpid():
            self._start_over()

    @_in_time
    def remember(self, asked: Asked) -> Remembered:
        """Claim and return what was there before: in each cluster's ledger, by one update."""
        table, scope = self.table, asked.scope
        now = self._now(asked.now)
        self._catch_up()
        claimed = ledger.by_cluster(asked.events)
        others = [name for name in _others(asked) if name not in claimed]
        keys = [lives.key(scope), freezes.KEY, *(ledger.key(scope, name) for name in others)]
        keys += [turns.key(scope, bucket) for bucket in asked.levels]
        count = partial(calls.add, table, scope, asked.operation, now) if asked.events else partial(self._calls, asked)
        tasks = [partial(table.items, keys), count]
        tasks += [partial(self._claim, scope, name, asked.claim, each, now) for name, each in claimed.items()]
        items, before, *claims = at_once(tasks)
        if asked.events:
            _keep(self._counted_at, asked.claim, now)
        ledgers = {name: items.get(ledger.key(scope, name), {}) for name in others} | dict(
            zip(claimed, claims, strict=True)
        )
        compact(table, asked, {name: ledgers[name] for name in claimed}, now)
        lived = items.get(lives.key(scope), {})
        times = lives.note(table, asked, lived, now)
        taken_out = self._membership.note(asked, lived.get("members", 0.0), times, now)
        events = [event for name, item in ledgers.items() for event in ledger.events(name, item, now, asked.window_s)]
        levels = [turns.level(items.get(turns.key(scope, bucket), {}), bucket, now) for bucket in asked.levels]
        made = calls.events(asked.operation, before, now)
        frozen = freezes.of_item(table, items.get(freezes.KEY, {}), now)
        return Remembered((*events, *made), times, taken_out, tuple(levels), now, freezes=frozen)

    @_in_time
    def settle(self, scope: str, claim: str, events: Events, now: float, *, sent: bool) -> None:
        """Keep a claim because its call is sent, or drop it."""
        if not sent:
            self.drop(scope, claim, events)
            return
        self.mark(scope, claim, events, SENT, now)

    @_in_time
    def drop(self, scope: str, claim: str, events: Events) -> None:
        """Forget a claim, and that the call was made."""
        self._unsettled.pop(claim, None)
        tasks = self._removals(scope, claim, events)
        counted_at = self._counted_at.pop(claim, None)
        if counted_at is not None:
            tasks.append(partial(calls.take_back, self.table, scope, events[0][0], counted_at))
        at_once(tasks)

    @_in_time
    def mark(self, scope: str, claim: str, events: Events, state: int, now: float) -> None:
        """Write the claim with what is known of its outcome: SENT or IN_DOUBT."""
        _keep(self._unsettled, claim, (scope, events, state, now))
        self._catch_up()

    @_in_time
    def withdraw(self, scope: str, claim: str, events: Events) -> None:
        """Forget what the call took away, not that it was made."""
        self._unsettled.pop(claim, None)
        at_once(self._removals(scope, claim, events))

    @_in_time
    def take(self, scope: str, draws: Sequence[Draw], max_wait_s: float, now: float) -> list[float]:
        """Reserve tokens in all buckets; in none where one of them would take too long."""
        at = self._now(now)
        (waits,) = at_once([partial(self._take, scope, draws, max_wait_s, at)])
        return list(waits)

    def _take(self, scope: str, draws: Sequence[Draw], max_wait_s: float, at: float) -> list[float]:
        waits: list[float] = []
        for number, draw in enumerate(draws):
            waits.append(max(0.0, turns.take(self.table, scope, draw, max_wait_s, at) - at))
            if waits[-1] > max_wait_s:
                for taken in draws[:number]:
                    turns.give_back(self.table, scope, taken)
                return [0.0] * number + waits[number:] + [0.0] * (len(draws) - number - 1)
        return waits

    @_in_time
    def drain(self, scope: str, buckets: Sequence[Bucket], now: float) -> None:
        """Empty the buckets."""
        at = self._now(now)
        at_once([partial(turns.drain, self.table, scope, bucket, at) for bucket in buckets])

    @_in_time
    def under_way(self, now: float) -> list[UnderWay]:
        """What is being decided, or was sent and is not yet to be seen in AWS, on all hosts; the newest last."""
        at = self.table.now(now)
        found = [
            each for (partition, _), item in self.table.scan("led#") for each in ledger.under_way(partition, item, at)
        ]
        return sorted(found, key=lambda each: each.at)

    @_in_time
    def freezes(self, now: float) -> tuple[Freeze, ...]:
        """What is frozen now."""
        at = self._now(now)
        (found,) = at_once([partial(self.table.items, [freezes.KEY])])
        return freezes.of_item(self.table, found.get(freezes.KEY, {}), at)

    @_in_time
    def freeze(self, freeze: Freeze) -> Freeze:
        """Begin a freeze."""
        made: Freeze = at_once([partial(freezes.add, self.table, freeze)])[0]
        return made

    @_in_time
    def lift(self, now: float) -> tuple[Freeze, ...]:
        """End every freeze."""
        lifted: tuple[Freeze, ...] = at_once([partial(freezes.remove, self.table, self._now(now))])[0]
        return lifted

    def try_it(self) -> None:
        """Nothing: a table that does not answer now may do so when it is needed, and calls that need it are denied."""

    def _now(self, local: float) -> float:
        """A time of this host by AWS's clock. The first request to the table may have to look up who this is."""
        if not self._reached:
            at_once([partial(self.table.now, local)])
            self._reached = True
        return self.table.now(local)

    def _catch_up(self) -> None:
        for claim, known in list(self._unsettled.items()):
            scope, events, state, now = known
            at, clusters = self.table.now(now), ledger.by_cluster(events)
            at_once([partial(self._write, scope, name, claim, each, state, at) for name, each in clusters.items()])
            if self._unsettled.get(claim) is known:
                del self._unsettled[claim]

    def _calls(self, asked: Asked) -> Item:
        key = calls.key(asked.scope, asked.operation)
        return self.table.items([key]).get(key, {})

    def _claim(self, scope: str, cluster: str, claim: str, events: Events, now: float) -> Item:
        before = self._write(scope, cluster, claim, events, 0, now, whole=True)
        _keep(self._sizes, (scope, cluster), ledger.size(before))
        before.pop(ledger.attribute(claim), None)
        return before

    def _write(
        self, scope: str, cluster: str, claim: str, events: Events, state: int, at: float, *, whole: bool = False
    ) -> Item:
        key, name = ledger.key(scope, cluster), {"c": ledger.attribute(claim)}
        counted = ledger.is_large(self._sizes.get((scope, cluster), 0), events)
        value = ledger.claim(events, state, at, self._by(), counted=counted)
        try:
            return self.table.update(key, "SET #c = :c", {"c": value}, name, whole=whole, expires=True)
        except StateUnavailable as error:
            if counted or "size" not in str(error):
                raise
            value = ledger.claim(events, state, at, self._by(), counted=True)
            return self.table.update(key, "SET #c = :c", {"c": value}, name, whole=whole, expires=True)

    def _removals(self, scope: str, claim: str, events: Events) -> list[Callable[[], Any]]:
        name = {"c": ledger.attribute(claim)}
        keys = [ledger.key(scope, cluster) for cluster in ledger.by_cluster(events)]
        return [partial(self.table.update, key, "REMOVE #c", {}, name) for key in keys]


def _others(asked: Asked) -> Collection[str]:
    """The clusters of which the claims are read: those that the call concerns, then others of the region."""
    named = dict.fromkeys(("", *asked.clusters, *asked.live.clusters))
    there = sorted({name for clusters in asked.seen.values() for name in clusters})
    return dict.fromkeys((*named, *there[:_COMPARED]))


def _keep(kept: OrderedDict[Any, Any], key: Any, value: Any) -> None:
    kept[key] = value
    while len(kept) > _KEPT:
        kept.popitem(last=False)
