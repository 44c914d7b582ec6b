"""Which machines of a cluster are gone, by what AWS shows now and by a snapshot."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence

from guardrails.rebuild.machine import Machine
from guardrails.rebuild.snapshot import Snapshot
from guardrails.values import frozen


@frozen
class Lost:
    """`gone` are to be rebuilt, `there` run or are stopped; `replaced` counts gone ones in whose place others run.

    `doubts` are sentences about gone ones in whose place others may run.
    """

    gone: tuple[Machine, ...]
    there: tuple[Machine, ...]
    replaced: int = 0
    doubts: tuple[str, ...] = ()


def lost(cluster: str, now: Snapshot, before: Snapshot | None) -> Lost:
    """Compare the two. What a snapshot says of a machine counts more than what AWS says after its termination."""
    there = {machine.id: machine for machine in now.of(cluster)}
    kept = {machine.id: machine for machine in before.of(cluster)} if before else {}
    # What was terminated already when the snapshot was taken was not lost since.
    known = {machine.id for machine in before.machines} if before else set()
    gone = {name: machine for name, machine in kept.items() if name not in there}
    for machine in now.machines:
        if machine.cluster == cluster and not machine.alive and machine.id not in known:
            gone[machine.id] = machine
    newcomers = [
        machine
        for name, machine in there.items()
        if name not in known and (before is not None or _later(machine, gone.values()))
    ]
    left, unmatched = _unpaired([*gone.values()], newcomers, _type_and_name)
    # Of the same type, but with another name: one more of another kind, or a replacement? Only a person knows.
    doubtful = [machine for machine in left if machine not in _unpaired(left, unmatched, _type)[0]]
    doubts = tuple(_doubt(machine, unmatched) for machine in doubtful)
    return Lost(tuple(left), tuple(there.values()), len(gone) - len(left), doubts)


def _later(machine: Machine, gone: Iterable[Machine]) -> bool:
    """True for a machine that was launched after those that are gone: it may be there in place of one of them."""
    return machine.launched_at > max((each.launched_at for each in gone), default=0.0)


def _unpaired(
    gone: Sequence[Machine], new: Sequence[Machine], alike: Callable[[Machine], tuple[str, ...]]
) -> tuple[list[Machine], list[Machine]]:
    """What is left of both when each new machine takes the place of a gone one that is alike."""
    counts, places = Counter(map(alike, new)), Counter(map(alike, gone))
    return _beyond(gone, counts, alike), _beyond(new, places, alike)


def _beyond(
    machines: Iterable[Machine], counts: Counter[tuple[str, ...]], alike: Callable[[Machine], tuple[str, ...]]
) -> list[Machine]:
    """The machines without the first `counts` of each kind."""
    seen: Counter[tuple[str, ...]] = Counter()
    left = []
    for machine in machines:
        seen[alike(machine)] += 1
        if seen[alike(machine)] > counts[alike(machine)]:
            left.append(machine)
    return left


def _doubt(machine: Machine, new: Iterable[Machine]) -> str:
    others = ", ".join(_named(each) for each in new if _type(each) == _type(machine))
    return f"{_named(machine)}: whether {others}, started since and of its type {machine.type}, is in its place"


def _named(machine: Machine) -> str:
    name = machine.tags.get("Name", "")
    return f"{machine.id} ({name})" if name else machine.id


def _type_and_name(machine: Machine) -> tuple[str, ...]:
    return machine.type, machine.tags.get("Name", "")


def _type(machine: Machine) -> tuple[str, ...]:
    return (machine.type,)
