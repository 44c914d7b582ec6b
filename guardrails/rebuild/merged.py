"""The snapshots of a day as one: each machine by the newest one that has it, without those that others have replaced.

A single snapshot does not do: the last may have been taken after the loss, and one from the middle of a rolling
deployment has old machines beside the new ones that took their places.
"""

from __future__ import annotations

from collections.abc import Sequence

from attrs import define, evolve

from guardrails.rebuild.machine import Machine
from guardrails.rebuild.snapshot import Snapshot

# Not one of AWS's states: it is not there, and was not lost either.
REPLACED = "replaced"


@define
class _Seen:
    """A machine of the cluster: what the newest snapshot with it says, and when the first and the last had it."""

    machine: Machine
    first: float
    last: float


def merged(snapshots: Sequence[Snapshot], cluster: str) -> Snapshot:
    """One snapshot of all that these have of a cluster. At least one has a machine of it; the oldest comes first.

    A group has the largest size that they know. A machine that vanished from a later snapshot counts as replaced by one
    of the same role that came after it: of the same Auto Scaling group, or of the same type and name.
    """
    seen: dict[str, _Seen] = {}
    newest = snapshots[-1]
    groups: dict[str, dict[str, object]] = {}
    for snapshot in snapshots:
        newest = snapshot if snapshot.of(cluster) else newest
        for machine in snapshot.of(cluster):
            first = seen[machine.id].first if machine.id in seen else snapshot.taken_at
            seen[machine.id] = _Seen(machine, first, snapshot.taken_at)
        for name, group in snapshot.groups.items():
            before = int(str(groups.get(name, group)["desired"]))
            groups[name] = {**group, "desired": max(before, int(group["desired"]))}
    replaced = _replaced([*seen.values()], newest.taken_at)
    machines = [
        evolve(each.machine, state=REPLACED) if name in replaced else each.machine for name, each in seen.items()
    ]
    others = [machine for machine in newest.machines if machine.id not in seen]
    return evolve(newest, machines=(*machines, *others), groups=groups)


def _replaced(seen: list[_Seen], now: float) -> set[str]:
    """The ids of machines whose place another one took. Each takes the place of one machine."""
    taken, replaced = set[str](), set[str]()
    newcomers = sorted(seen, key=lambda each: (each.first, each.machine.launched_at))
    for old in sorted(seen, key=lambda each: (each.last, each.first)):
        if old.last >= now:
            continue
        for new in newcomers:
            later = new.first > old.first and new.machine.launched_at >= old.machine.launched_at
            if later and new.machine.id not in taken and _role(new.machine) == _role(old.machine):
                taken.add(new.machine.id)
                replaced.add(old.machine.id)
                break
    return replaced


def _role(machine: Machine) -> tuple[str, ...]:
    return (machine.group,) if machine.group else (machine.type, machine.tags.get("Name", ""))
