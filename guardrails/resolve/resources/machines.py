"""Targets that stand for a set of machines: they carry the clusters of those machines."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from guardrails.resolve.inventory import Inventory
from guardrails.resolve.machine import Machine
from guardrails.resolve.resources.resolver import Context, Resolver, last_part, merged
from guardrails.values import Target, TargetFacts, TargetRef

Find = Callable[[Inventory, str], Iterable[Machine]]


def of_machines(kind: str, find: Find) -> Resolver:
    """A type whose machines the region's inventory shows: `find(inventory, name)`.

    One without machines carries no cluster, whether AWS knows it or not: nothing runs that could be hurt.
    """

    def resolve(ref: TargetRef, context: Context) -> Target:
        return target(ref, kind, find(context.inventory, last_part(ref.id)))

    return Resolver(resolve)


def target(ref: TargetRef, kind: str, machines: Iterable[Machine]) -> Target:
    """A resolved target with these machines."""
    machines = list(machines)
    return Target(ref.id, kind, ref.role, resolved=True, clusters=clusters_of(machines), facts=facts_of(machines))


def clusters_of(machines: Iterable[Machine]) -> tuple[str, ...]:
    """The clusters of the machines, sorted."""
    return merged(machine.cluster for machine in machines)


def taken_by(targets: Iterable[Target]) -> set[str]:
    """The machines that a call names as what it acts on: by their ids, or as members of a target group."""
    acted_on = [target for target in targets if target.role == "target"]
    members = {name for each in acted_on if each.type == "elb-target" for name in each.facts.get("instances", ())}
    return members | {each.id for each in acted_on if each.type == "instance"}


def facts_of(machines: Iterable[Machine]) -> TargetFacts:
    """The ids of the machines, and of those that have no cluster tag: whose they are is not known."""
    existing = [machine for machine in machines if machine.state != "terminated"]
    return {
        "instances": sorted(machine.id for machine in existing),
        "untagged": sorted(machine.id for machine in existing if machine.cluster is None),
    }


def on(kind: str) -> Find:
    """The machines on a resource, or that use one, by a kind of the inventory."""
    return lambda inventory, name: inventory.on(kind, name)


def tagged(*keys: str) -> Find:
    """The machines with the name in one of these tags. A key that ends with a slash is followed by the name."""

    def find(inventory: Inventory, name: str) -> list[Machine]:
        machines: dict[str, Machine] = {}
        for key in keys:
            pairs = [f"{key}{name}={value}" for value in ("owned", "shared")] if key[-1] == "/" else [f"{key}={name}"]
            machines.update((machine.id, machine) for pair in pairs for machine in inventory.on("tag", pair))
        return list(machines.values())

    return find
