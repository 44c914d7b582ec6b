"""What a store of the shared memory must do. sqlite/ does it in a file of one host, dynamodb/ in a table.

Every method raises StateUnavailable where the store cannot answer. Times are in seconds since the epoch.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

from attrs import field

from guardrails.memory.buckets import Bucket, Draw
from guardrails.memory.events import Event
from guardrails.memory.liveness import Liveness
from guardrails.memory.under_way import UnderWay
from guardrails.values import EMPTY, Freeze, Live, frozen

# What a call does: (kind, cluster, name).
Events = tuple[tuple[str, str, str], ...]


class StateUnavailable(Exception):
    """The store cannot be used; the message names it and says how to fix it."""


@frozen
class Asked:
    """What a call has to know, in an account and region (`scope`).

    `events` are the (kind, cluster, name) that are claimed for the call with the id `claim`; none are for a call that
    is only asked about. `seen` maps machines and named resources to the clusters that they carry now; if it is `whole`,
    it has all machines. `operation` is the kind of event that counts calls like this one. Events older than `kept_s`
    seconds are forgotten. `live` is `reused` where an earlier decision was made on some of the same answers.
    """

    scope: str
    claim: str
    operation: str
    live: Live
    now: float
    events: Events = ()
    seen: Mapping[str, frozenset[str]] = EMPTY
    clusters: frozenset[str] = field(factory=frozenset)
    levels: tuple[Bucket, ...] = ()
    window_s: float = 3600.0
    kept_s: float = 86_400.0
    whole: bool = True
    reused: bool = False


@frozen
class Remembered:
    """What the store knew before: events within the window, times of liveness, what was taken out of a live cluster.

    `levels` are the tokens in the buckets that were asked for, `now` is the time by the store's clock. `hosts`,
    `unshared` and `freezes` are those of values.Past.
    """

    events: tuple[Event, ...]
    times: Liveness
    taken_out: Mapping[str, Mapping[str, float]]
    levels: tuple[float, ...]
    now: float
    hosts: int = 1
    unshared: str = ""
    freezes: tuple[Freeze, ...] = ()


class Store(Protocol):
    """Remembers what guards do, and tells other guards."""

    def remember(self, asked: Asked, /) -> Remembered:
        """Claim the call's events, and return what was there before: of two calls at once, the later sees the other."""
        ...

    def settle(self, scope: str, claim: str, events: Events, now: float, /, *, sent: bool) -> None:
        """Keep a claim because its call is sent, or drop it."""
        ...

    def drop(self, scope: str, claim: str, events: Events, /) -> None:
        """Forget a claim that was kept: its call was not sent after all."""
        ...

    def mark(self, scope: str, claim: str, events: Events, state: int, now: float, /) -> None:
        """Note what is known of the outcome: SENT or IN_DOUBT."""
        ...

    def withdraw(self, scope: str, claim: str, events: Events, /) -> None:
        """AWS refused the call: it took nothing away. That it was made still counts."""
        ...

    def take(self, scope: str, draws: Sequence[Draw], max_wait_s: float, now: float, /) -> list[float]:
        """Reserve tokens. Returns the seconds to wait in each bucket; if one exceeds `max_wait_s`, nothing is taken."""
        ...

    def drain(self, scope: str, buckets: Sequence[Bucket], now: float, /) -> None:
        """The buckets are empty now: AWS has just refused a call."""
        ...

    def under_way(self, now: float, /) -> list[UnderWay]:
        """What is being decided, or was sent and is not yet to be seen in AWS, the newest last."""
        ...

    def freezes(self, now: float, /) -> tuple[Freeze, ...]:
        """What is frozen now, the next to end first."""
        ...

    def freeze(self, freeze: Freeze, /) -> Freeze:
        """Begin a freeze, beside others. Returns it with its times by the store's clock."""
        ...

    def lift(self, now: float, /) -> tuple[Freeze, ...]:
        """End every freeze. Returns those that were in force."""
        ...

    def try_it(self) -> None:
        """Use it as a decision does, and leave nothing behind."""
        ...
