"""What a host remembers, beside what all hosts do: of a time when they shared nothing, or the table did not answer."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping

from attrs import evolve

from guardrails.memory.events import Event, counts_longer
from guardrails.memory.liveness import Liveness
from guardrails.memory.store import Remembered

# The table counts old events, calls and launches by time: to the end of their minute, by a clock up to 30 s apart.
_BEFORE_S, _AFTER_S = 30.0, 90.0


def with_own(shared: Remembered, own: Remembered) -> Remembered:
    """What the table answered, and what only this host knows."""
    ahead_s = shared.now - own.now
    # What is being decided here has its claim in the table.
    events = [event._replace(at=event.at + ahead_s) for event in own.events if event.state]
    return evolve(
        shared,
        events=tuple(_together(shared.events, events)),
        times=_times(shared.times, own.times),
        taken_out=_taken_out(shared, own),
    )


def as_copied(shared: Liveness, own: Liveness) -> Liveness:
    """The times of a copy that has gone on by itself; since when a cluster is what it says, the table knows better."""
    live = {name: shared.live_since.get(name, at) for name, at in own.live_since.items()}
    retired = {name: shared.retired_at.get(name, at) for name, at in own.retired_at.items()}
    known = {*live, *retired, *own.mistaken}
    return evolve(
        own,
        live_since=live | {name: at for name, at in shared.live_since.items() if name not in known},
        retired_at=retired | {name: at for name, at in shared.retired_at.items() if name not in known},
        was_live_until={**own.was_live_until, **shared.was_live_until},
    )


def _together(shared: Iterable[Event], own: Iterable[Event]) -> list[Event]:
    named = {(event.kind, event.name): event for event in shared if event.name}
    counted = sorted((event for event in shared if not event.name), key=lambda event: event.at)
    left: dict[tuple[str, str], deque[Event]] = {}
    for event in counted:
        left.setdefault((event.kind, event.cluster), deque()).append(event)
    for event in sorted(own, key=lambda event: event.at):
        before = named.get((event.kind, event.name))
        if before is None and _is_counted(event, left.get((event.kind, event.cluster), deque())):
            continue
        if before is None or counts_longer(event, before):
            named[event.kind, event.name] = event
    return [*named.values(), *counted]


def _is_counted(event: Event, counted: deque[Event]) -> bool:
    """Whether an event is one of those that are only counted, the oldest first. Each of them is one event's."""
    while counted and counted[0].at < event.at - _BEFORE_S:
        counted.popleft()
    if not counted or counted[0].at > event.at + _AFTER_S:
        return False
    counted.popleft()
    return True


def _times(shared: Liveness, own: Liveness) -> Liveness:
    return evolve(
        shared,
        live_since={**_unknown(own.live_since, shared), **shared.live_since},
        retired_at={**_unknown(own.retired_at, shared), **shared.retired_at},
        was_live_until={**_unknown(own.was_live_until, shared), **shared.was_live_until},
    )


def _taken_out(shared: Remembered, own: Remembered) -> Mapping[str, Mapping[str, float]]:
    """Of a cluster that the table knows, it knows when something left; a naming by mistake is no cluster's."""
    united = {name: dict(times) for name, times in shared.taken_out.items()}
    for name, times in own.taken_out.items():
        for cluster, at in times.items():
            if cluster not in shared.times.mistaken:
                united.setdefault(name, {}).setdefault(cluster, at)
    return united


def _unknown(own: Mapping[str, float], shared: Liveness) -> dict[str, float]:
    known = {*shared.live_since, *shared.retired_at, *shared.mistaken}
    return {cluster: at for cluster, at in own.items() if cluster not in known}
