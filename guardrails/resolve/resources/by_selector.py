"""Targets that select machines: a selector of Systems Manager, the whole region, and where an automation runs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from attrs import evolve

from guardrails.aws.resource_ids import GIVEN_AS
from guardrails.resolve import caller_identity
from guardrails.resolve.inventory import Inventory
from guardrails.resolve.machine import Machine
from guardrails.resolve.resources import machines
from guardrails.resolve.resources.machines import of_machines
from guardrails.resolve.resources.resolver import Context, Resolver, merged, named, unknown
from guardrails.values import Call, Lookup, Target, TargetRef

_TAG = "tag:"
# Services whose filters name a tag without saying that it is one.
_TAGS_ONLY = ("autoscaling-plans",)
# It runs on machines that meet the selectors of every key. Of no other operation AWS says so.
# https://docs.aws.amazon.com/systems-manager/latest/userguide/send-commands-multiple.html
_NARROWING = ("ssm", "SendCommand")
# A region without machines does not show whose it is. This needs no permission; where it fails, every account counts as
# another one.
_WHO = evolve(caller_identity.WHO, optional=True)
# Runbooks of AWS's call a database an instance, too.
_NO_MACHINES = ("db", "rds", "cloudformationstack")
_ELSE = "what else carries this tag"
_HERE = "the machines there are those that the guard looks at"


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
    if key == "AWS::EC2::Instance" and "*" in values:
        return _everything(inventory)
    return None


def _selector(ref: TargetRef, context: Context) -> Target:
    """``tag:Cluster=blue,green``."""
    if not ref.values:
        return unknown(ref, "tag-selector")
    key, *values = ref.values
    if context.call.service in _TAGS_ONLY:
        key = _TAG + key
    selected = _selected(key, values, context.inventory)
    meant = selected if selected is None else _narrowed(selected, key, context)
    target = evolve(machines.target(ref, "tag-selector", meant or ()), resolved=meant is not None)
    if meant is None or not key.startswith(_TAG) or _gets_machines(context.call.params):
        return target
    # Whatever carries the cluster tag is of that cluster; what else has another tag cannot be seen from here.
    if key.removeprefix(_TAG) in context.inventory.ownership.tags[:1] and "*" not in values:
        return evolve(target, clusters=merged(target.clusters, values))
    return evolve(target, facts={**target.facts, "unread": [_ELSE]})


def _gets_machines(params: Any) -> bool:
    """Whether what the selectors of a runbook find is passed on to it as machines, by the names of what gets it."""
    if isinstance(params, Mapping):
        names = [str(params.get(name) or "").lower() for name in GIVEN_AS]
        given = next(filter(None, names), "instance")
        runbook = str(params.get("DocumentName") or params.get("Name") or "").lower()
        others = any(word in given + runbook for word in _NO_MACHINES)
        return "instance" in given and not others and all(map(_gets_machines, params.values()))
    return not isinstance(params, list) or all(map(_gets_machines, params))


def _narrowed(selected: list[Machine], key: str, context: Context) -> list[Machine]:
    """Those of the machines that meet the call's selectors of every other key, as far as these can be looked up."""
    if (context.call.service, context.call.operation) != _NARROWING:
        return selected
    groups: dict[str, list[Iterable[Machine] | None]] = {}
    for ref in context.call.targets:
        if ref.type == "tag-selector" and ref.values and ref.values[0] != key:
            groups.setdefault(ref.values[0], []).append(_selected(ref.values[0], [*ref.values[1:]], context.inventory))
    for found in groups.values():
        # A key that is given twice may mean either value.
        known = [each for each in found if each is not None]
        if len(known) == len(found):
            ids = {machine.id for each in known for machine in each}
            selected = [machine for machine in selected if machine.id in ids]
    return selected


def _location(ref: TargetRef, context: Context) -> Target:
    """Accounts or regions that an automation runs in: in another one, the machines cannot be seen from here."""
    here = (context.call.region, context.inventory.account, caller_identity.account(context.answers))
    others = [name for name in _places(ref.id) if name not in here]
    return Target(ref.id, ref.type, ref.role, resolved=True, facts={"unread": others} if others else {"spared": _HERE})


def _places(names: str) -> list[str]:
    """Quick Setup lists them with commas."""
    return [name.strip() for name in names.split(",")]


def _whose(call: Call, _keys: tuple[str, ...]) -> tuple[Lookup, ...]:
    accounts = (name for names in named(call, "location") for name in _places(names) if name.isdecimal())
    return (_WHO,) if any(accounts) else ()


RESOLVERS = {
    "location": Resolver(_location, lookups=_whose),
    "region": of_machines("region", _everything),
    "tag-selector": Resolver(_selector),
}
