"""Which subnet each machine goes to, what does not fit, and a split over subnets that does."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence

from guardrails.rebuild.machine import Machine
from guardrails.values import EMPTY, frozen


@frozen
class Subnet:
    """A subnet as AWS describes it. `free` is how many addresses are free."""

    id: str
    zone: str
    vpc: str
    free: int


@frozen
class Placement:
    """The subnet of each machine by its id, and how many of the machines do not fit into it.

    `proposal` is how many machines each subnet would take in a split that has room for all; empty where none was found.
    """

    subnet_of: Mapping[str, str]
    count: Mapping[str, int]
    too_many: Mapping[str, int] = EMPTY
    proposal: Mapping[str, int] = EMPTY


def place(
    machines: Sequence[Machine],
    subnets: Mapping[str, Subnet],
    into: Sequence[str],
    offered: Mapping[str, Collection[str]],
) -> Placement:
    """Place the machines in `into`, or each where it was. `offered` are the zones of each type; all where not known."""
    own, over = _fill(machines, subnets, into, offered)
    too_many = Counter(own[machine.id] for machine in over)
    proposal: Mapping[str, int] = {}
    if over:
        networks = {subnets[name].vpc for name in own.values() if name in subnets}
        others = [each.id for each in subnets.values() if each.vpc in networks]
        order = [*dict.fromkeys((*into, *own.values(), *sorted(others, key=lambda name: -subnets[name].free)))]
        split, left = _fill(machines, subnets, [name for name in order if name in subnets], offered)
        proposal = {} if left else Counter(split.values())
    return Placement(own, Counter(own.values()), too_many, proposal)


def _fill(
    machines: Iterable[Machine],
    subnets: Mapping[str, Subnet],
    into: Sequence[str],
    offered: Mapping[str, Collection[str]],
) -> tuple[dict[str, str], list[Machine]]:
    """The subnet of each machine, and the machines for which no candidate has room."""
    free = {name: subnet.free for name, subnet in subnets.items()}
    taken: Counter[str] = Counter()
    placed: dict[str, str] = {}
    left: list[Machine] = []
    for machine in machines:
        names = [name for name in into or [machine.subnet] if name in subnets]
        able = [
            name for name in names if free[name] >= _addresses(machine) and _offers(subnets[name], machine, offered)
        ]
        if not able:
            # It counts where it was meant to go; a subnet that AWS does not know is a problem of its own.
            placed[machine.id] = names[0] if names else (into[0] if into else machine.subnet)
            left += [machine] if names else []
            continue
        # Its own zone first, then evenly.
        best = min(able, key=lambda name: (subnets[name].zone != machine.zone, taken[name], name))
        placed[machine.id] = best
        taken[best] += 1
        free[best] -= _addresses(machine)
    return placed, left


def _addresses(machine: Machine) -> int:
    """A launch takes one address of the subnet; the plan starts each machine with one interface."""
    return 1 if machine.launch else 0


def _offers(subnet: Subnet, machine: Machine, offered: Mapping[str, Collection[str]]) -> bool:
    return machine.type not in offered or subnet.zone in offered[machine.type]


def by_subnet(machines: Iterable[Machine], placement: Placement) -> dict[str, list[Machine]]:
    """The machines of each subnet."""
    found: dict[str, list[Machine]] = defaultdict(list)
    for machine in machines:
        found[placement.subnet_of[machine.id]].append(machine)
    return dict(found)
