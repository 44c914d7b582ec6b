"""Which machines of a cluster are gone, by what AWS shows now and by a snapshot."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from guardrails.rebuild.machine import Machine
from guardrails.rebuild.snapshot import Snapshot
from guardrails.values import frozen


@frozen
class Lost:
    """`gone` are to be rebuilt, `there` run or are stopped; `replaced` counts gone ones in whose place others run."""

    gone: tuple[Machine, ...]
    there: tuple[Machine, ...]
    replaced: int = 0


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
    left = _without_replaced(gone.values(), newcomers)
    return Lost(tuple(left), tuple(there.values()), len(gone) - len(left))


def _later(machine: Machine, gone: Iterable[Machine]) -> bool:
    """True for a machine that was launched after those that are gone: it may be there in place of one of them."""
    return machine.launched_at > max((each.launched_at for each in gone), default=0.0)


def _without_replaced(gone: Iterable[Machine], newcomers: Iterable[Machine]) -> list[Machine]:
    """The machines for which no other was started since: of the same type and name, else of the same type."""
    left, new = [*gone], [*newcomers]
    for alike in (_type_and_name, _type):
        counts = Counter(map(alike, new))
        still: list[Machine] = []
        replaced: Counter[tuple[str, ...]] = Counter()
        for machine in left:
            if replaced[alike(machine)] < counts[alike(machine)]:
                replaced[alike(machine)] += 1
            else:
                still.append(machine)
        unmatched = []
        for machine in new:
            if replaced[alike(machine)] > 0:
                replaced[alike(machine)] -= 1
            else:
                unmatched.append(machine)
        left, new = still, unmatched
    return left


def _type_and_name(machine: Machine) -> tuple[str, ...]:
    return machine.type, machine.tags.get("Name", "")


def _type(machine: Machine) -> tuple[str, ...]:
    return (machine.type,)
