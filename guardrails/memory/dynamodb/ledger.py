"""The claims on one cluster: an item in which each call has one attribute, and old ones are only counted.

The update that adds a claim returns what was there before. AWS puts the updates of one item in an order, so of two
calls at once the later one sees the other, without a lock, and whatever the hosts' clocks say.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from guardrails.memory.dynamodb.attributes import starting
from guardrails.memory.events import (
    ABANDONED_S,
    CONFIRMED,
    IN_FLIGHT_S,
    LAUNCH,
    OUT,
    SENT,
    START,
    TAKE,
    Event,
    counts_longer,
    is_under_way,
)
from guardrails.memory.store import Events
from guardrails.memory.under_way import UnderWay
from guardrails.values import frozen

_CLAIM, _COUNTED = "c_", "m_"
# Kinds of events of which the machines are named.
_NAMED = ("terminate", "stop", OUT, START, TAKE)
# How large an item may be, in bytes, before machines are only counted: AWS allows 400 kB, and charges by the size.
_COUNT_OLD, _COUNT_ALL = 64_000, 250_000
# A condition has room for so many claims.
_AT_ONCE = 50


@frozen
class Compaction:
    """Claims to take out of an item, all in one update or not at all, and what to count in their place."""

    claims: tuple[str, ...]
    outdated: tuple[str, ...]
    counts: Mapping[str, int]


def key(scope: str, cluster: str) -> tuple[str, str]:
    """The item with the claims on a cluster; "" is what belongs to none. `scope` is an account and region."""
    return f"led#{scope.replace('/', '#')}#{cluster}", "0"


def attribute(claim: str) -> str:
    """The name of a claim's attribute."""
    return f"{_CLAIM}{claim}"


def by_cluster(events: Events) -> dict[str, Events]:
    """The events that each cluster's item gets."""
    clusters: dict[str, list[tuple[str, str, str]]] = {}
    for event in events:
        if event[0] in _NAMED or event[0] == LAUNCH:
            clusters.setdefault(event[1], []).append(event)
    return {cluster: tuple(events) for cluster, events in clusters.items()}


def claim(events: Events, state: int, at: float, by: Mapping[str, str], *, counted: bool = False) -> dict[str, Any]:
    """The value of a claim's attribute; with `counted`, its machines are not named."""
    names: dict[str, set[str]] = {}
    for kind, _, name in events:
        names.setdefault(kind, set()).add(name)
    value: dict[str, Any] = {"at": at, "s": state, **by}
    for kind, each in names.items():
        value[kind] = len(each) if counted or kind == LAUNCH else each
    return value


def is_large(size: int, events: Events) -> bool:
    """Whether an item of `size` bytes has no room for the names of these machines."""
    return size + sum(len(name) + 3 for kind, _, name in events if kind != LAUNCH) > _COUNT_ALL


def size(item: Mapping[str, Any]) -> int:
    """About how many bytes an item has."""
    return sum(len(name) + _size(value) for name, value in item.items())


def events(cluster: str, item: Mapping[str, Any], now: float, window_s: float) -> tuple[Event, ...]:
    """What an item says that was done to its cluster within the window, each machine once."""
    latest: dict[tuple[str, str], Event] = {}
    nameless: list[Event] = []
    for event in _all(cluster, item, now):
        if event.at <= now - window_s:
            continue
        if not event.name:
            nameless.append(event)
            continue
        before = latest.get((event.kind, event.name))
        if before is None or counts_longer(event, before):
            latest[event.kind, event.name] = event
    return (*latest.values(), *nameless)


def under_way(partition: str, item: Mapping[str, Any], now: float) -> Iterator[UnderWay]:
    """The calls in an item, with the partition key `partition`, that are under way."""
    _, account, region, cluster = partition.split("#", 3)
    for name, value in item.items():
        if not name.startswith(_CLAIM):
            continue
        of_kind: dict[str, list[Event]] = {}
        for event in _of_claim(cluster, value):
            if is_under_way(event, now):
                of_kind.setdefault(event.kind, []).append(event)
        for kind, each in of_kind.items():
            names = tuple(sorted(event.name for event in each if event.name))
            place = (f"{account}/{region}", cluster, kind, names, len(each), value["at"], int(value["s"]))
            yield UnderWay(*place, by=value.get("by", ""), host=value.get("host", ""))


def compaction(cluster: str, item: Mapping[str, Any], now: float, kept_s: float) -> Compaction | None:
    """What to take out of an item; None if it is fine as it is."""
    claims = starting(item, _CLAIM)
    gone = [name for name, value in claims.items() if _is_over(value, now, kept_s)]
    outdated = [name for name in item if name.startswith(_COUNTED) and _minute(name) < now - kept_s]
    old: list[str] = []
    if size(item) > _COUNT_OLD:
        ages = sorted((value["at"], name) for name, value in claims.items() if name not in gone)
        old = [name for at, name in ages if at < now - IN_FLIGHT_S and claims[name]["s"]][:_AT_ONCE]
    if not old and len(gone) + len(outdated) < _AT_ONCE // 2:
        return None
    counts: Counter[str] = Counter()
    started = {name for each in claims.values() if each["s"] == SENT for name in each.get(START, ())}
    for event in _once(event for name in old for event in _of_claim(cluster, claims[name])):
        # One that was started again is not down.
        if event.kind != START and not (event.kind == "stop" and event.name in started):
            counts[f"{_COUNTED}{event.kind}_{event.at // 60:.0f}"] += 1
    # One update cannot remove an attribute and add to it.
    outdated = [name for name in outdated if name not in counts]
    return Compaction((*old, *gone[: _AT_ONCE - len(old)]), tuple(outdated[:_AT_ONCE]), counts)


def _all(cluster: str, item: Mapping[str, Any], now: float) -> Iterator[Event]:
    for name, value in item.items():
        if name.startswith(_CLAIM):
            abandoned = not value["s"] and value["at"] < now - ABANDONED_S
            yield from (each for each in _of_claim(cluster, value) if not abandoned or _is_confirmed(each))
        elif name.startswith(_COUNTED):
            kind = name.split("_")[1]
            # To the end of the minute.
            yield from [Event(kind, "", cluster, _minute(name) + 60.0, SENT)] * int(value)


def _of_claim(cluster: str, value: Mapping[str, Any]) -> Iterator[Event]:
    at, state = value["at"], int(value["s"])
    for kind in (*_NAMED, LAUNCH):
        each = value.get(kind, ())
        for name in [""] * int(each) if isinstance(each, float) else each:
            yield Event(kind, name, cluster, at, state)


def _once(events: Iterable[Event]) -> Iterator[Event]:
    """Each machine once; what has no name, always."""
    seen: set[tuple[str, str]] = set()
    for event in events:
        if not event.name or (event.kind, event.name) not in seen:
            seen.add((event.kind, event.name))
            yield event


def _is_confirmed(event: Event) -> bool:
    """Whether AWS says what became of the machine, so that a call whose process died is known to have been sent."""
    return bool(event.name) and event.kind in CONFIRMED


def _is_over(value: Mapping[str, Any], now: float, kept_s: float) -> bool:
    named = any(not isinstance(value.get(kind, 0.0), float) for kind in CONFIRMED)
    return bool(value["at"] < now - (kept_s if value["s"] or named else ABANDONED_S))


def _minute(name: str) -> float:
    return float(name.rpartition("_")[2]) * 60.0


def _size(value: Any) -> int:
    if isinstance(value, Mapping):
        return size(value) + 3
    if isinstance(value, (frozenset, set, list)):
        return sum(_size(each) + 1 for each in value) + 3
    return len(value) if isinstance(value, str) else 12
