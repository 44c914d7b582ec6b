"""Targets that are no resource but a choice of machines: a selector by tag, and the whole region."""

from __future__ import annotations

from guardrails.resolve.inventory import Inventory, Machine
from guardrails.resolve.resources.ec2_instances import machine_facts
from guardrails.resolve.resources.resolver import Context, Resolver, merged, no_lookups
from guardrails.values import Target, TargetRef

_TAG = "tag:"


def _chosen(key: str, values: list[str], inventory: Inventory) -> list[Machine] | None:
    """The machines that a selector of Systems Manager means, None where only AWS can tell.

    https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_Target.html
    """
    if key.startswith(_TAG):
        return [machine for value in values for machine in inventory.on("tag", f"{key.removeprefix(_TAG)}={value}")]
    if key == "tag-key":
        return [machine for machine in inventory.machines.values() if set(values) & set(machine.tags)]
    if key.lower() in ("instanceids", "instanceid"):
        return _present(inventory) if "*" in values else [*filter(None, map(inventory.machines.get, values))]
    return None


def _present(inventory: Inventory) -> list[Machine]:
    return [machine for machine in inventory.machines.values() if machine.state != "terminated"]


def _selector(ref: TargetRef, context: Context) -> Target:
    key, _, values = ref.id.partition("=")
    machines = _chosen(key, values.split(","), context.inventory)
    return _target(ref, "tag-selector", machines)


def _target(ref: TargetRef, kind: str, machines: list[Machine] | None) -> Target:
    return Target(
        ref.id,
        kind,
        ref.role,
        resolved=machines is not None,
        clusters=merged(machine.cluster for machine in machines or ()),
        facts=machine_facts(machines or ()),
    )


def _region(ref: TargetRef, context: Context) -> Target:
    return _target(ref, "region", _present(context.inventory))


RESOLVERS = {"tag-selector": Resolver(no_lookups, _selector), "region": Resolver(no_lookups, _region)}
