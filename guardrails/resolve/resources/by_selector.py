"""Targets that select machines: a selector of Systems Manager, and the whole region."""

from __future__ import annotations

from attrs import evolve

from guardrails.resolve.inventory import Inventory
from guardrails.resolve.machine import Machine
from guardrails.resolve.resources import machines
from guardrails.resolve.resources.machines import of_machines
from guardrails.resolve.resources.resolver import Context, Resolver, unknown
from guardrails.values import Target, TargetRef

_TAG = "tag:"
# Services whose filters name a tag without saying that it is one.
_TAGS_ONLY = ("autoscaling-plans",)


def _everything(inventory: Inventory, _: str = "") -> list[Machine]:
    return [machine for machine in inventory.machines.values() if machine.state != "terminated"]


def _selected(key: str, values: list[str], inventory: Inventory) -> list[Machine] | None:
    """The machines that a selector means, None where only AWS can tell.

    https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_Target.html
    """
    if key.startswith(_TAG) and "*" in values:
        return inventory.on("tag-key", key.removeprefix(_TAG))
    if key.startswith(_TAG):
        return [machine for value in values for machine in inventory.with_tag(key.removeprefix(_TAG), value)]
    if key == "tag-key":
        return [machine for value in values for machine in inventory.on("tag-key", value)]
    if key.lower() in ("instanceids", "instanceid"):
        return _everything(inventory) if "*" in values else [*filter(None, map(inventory.machine, values))]
    return None


def _selector(ref: TargetRef, context: Context) -> Target:
    """``tag:Cluster=blue,green``."""
    if not ref.values:
        return unknown(ref, "tag-selector")
    key, *values = ref.values
    if context.call.service in _TAGS_ONLY:
        key = _TAG + key
    selected = _selected(key, values, context.inventory)
    return evolve(machines.target(ref, "tag-selector", selected or ()), resolved=selected is not None)


RESOLVERS = {"tag-selector": Resolver(_selector), "region": of_machines("region", _everything)}
