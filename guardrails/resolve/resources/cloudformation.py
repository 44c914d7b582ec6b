"""CloudFormation: a stack carries the clusters of its machines and of what its other resources hold.

https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_DescribeStackResources.html and …/API_Change.html
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from guardrails.resolve.inventory import Inventory, Machine
from guardrails.resolve.resources.ec2_instances import machine_facts
from guardrails.resolve.resources.resolver import Context, Resolver, last_part, merged, named
from guardrails.values import Call, Lookup, Target, TargetRef

# What a resource of this type holds, in the words of the inventory.
_HOLDS = {
    "AWS::EC2::Instance": "instance",
    "AWS::EC2::Subnet": "subnet",
    "AWS::EC2::VPC": "vpc",
    "AWS::EC2::NetworkInterface": "eni",
    "AWS::EC2::Volume": "volume",
    "AWS::EC2::SecurityGroup": "security-group",
}
# Tags that AWS writes onto the machines of a group or of a nested stack.
_TAGGED = {
    "AWS::AutoScaling::AutoScalingGroup": "aws:autoscaling:groupName",
    "AWS::CloudFormation::Stack": "aws:cloudformation:stack-id",
    "AWS::EKS::Cluster": "eks:cluster-name",
}
_OF = " of "


def _resources(stack: str) -> Lookup:
    # A stack that is not there is refused by this code.
    return Lookup(
        "cloudformation",
        "DescribeStackResources",
        "StackResources",
        {"StackName": stack},
        empty_on=("ValidationError",),
    )


def _changes(name: str) -> Lookup:
    change_set, _, stack = name.partition(_OF)
    params = {"ChangeSetName": change_set, **({"StackName": stack} if stack else {})}
    return Lookup(
        "cloudformation", "DescribeChangeSet", "Changes", params, empty_on=("ChangeSetNotFound", "ValidationError")
    )


def _held(kind: str, name: str, inventory: Inventory) -> list[Machine]:
    if kind in _TAGGED:
        return inventory.on("tag", f"{_TAGGED[kind]}={name}")
    return inventory.on(_HOLDS[kind], name) if kind in _HOLDS else []


def _machines(resources: list[tuple[str, str]], inventory: Inventory) -> list[Machine]:
    found = {machine.id: machine for kind, name in resources for machine in _held(kind, name, inventory)}
    return list(found.values())


def _stack(ref: TargetRef, context: Context) -> Target:
    items = context.items(_resources(ref.id))
    inventory = context.inventory
    machines = {machine.id: machine for machine in _machines([*map(_resource, items)], inventory)}
    for tag in (f"aws:cloudformation:stack-name={_stack_name(ref.id)}", f"aws:cloudformation:stack-id={ref.id}"):
        machines.update((machine.id, machine) for machine in inventory.on("tag", tag))
    clusters = merged(machine.cluster for machine in machines.values())
    facts = {
        "resources": len(items),
        **machine_facts(machines.values()),
        **_unfollowed(clusters, map(_resource, items)),
    }
    return Target(ref.id, "cfn-stack", ref.role, resolved=bool(items or machines), clusters=clusters, facts=facts)


def _unfollowed(clusters: tuple[str, ...], resources: Iterable[tuple[str, str]]) -> dict[str, Any]:
    """A database or a bucket may be a cluster's, too, and hangs on no machine."""
    others = any(kind not in _HOLDS and kind not in _TAGGED for kind, _ in resources)
    return {"traced": False} if others and not clusters else {}


def _stack_name(stack: str) -> str:
    """``arn:…:stack/NAME/ID`` or the name itself."""
    return stack.split("/")[1] if stack.startswith("arn:") and stack.count("/") == 2 else stack


def _resource(item: Mapping[str, Any]) -> tuple[str, str]:
    return item.get("ResourceType") or "", item.get("PhysicalResourceId") or ""


def _change_set(ref: TargetRef, context: Context) -> Target:
    """What the change set removes or replaces; what it only adds or changes in place hurts nothing."""
    answer = context.items(_changes(ref.id))
    changes = [change.get("ResourceChange") or {} for change in answer]
    gone = [change for change in changes if _goes(change)]
    machines = _machines([_resource(change) for change in gone], context.inventory)
    clusters = merged(machine.cluster for machine in machines)
    return Target(
        ref.id,
        "cfn-change-set",
        ref.role,
        resolved=bool(answer),
        clusters=clusters,
        facts={
            "removes": [_logical(change) for change in gone if change.get("Action") == "Remove"],
            "replaces": [_logical(change) for change in gone if change.get("Action") != "Remove"],
            **machine_facts(machines),
            **_unfollowed(clusters, map(_resource, gone)),
        },
    )


def _goes(change: Mapping[str, Any]) -> bool:
    # "Conditional" is decided while it runs, so it may.
    return change.get("Action") in ("Remove", "Dynamic") or change.get("Replacement") in ("True", "Conditional")


def _logical(change: Mapping[str, Any]) -> str:
    return str(change.get("LogicalResourceId") or last_part(change.get("PhysicalResourceId") or ""))


def _stack_lookups(call: Call, _tag: str) -> tuple[Lookup, ...]:
    return tuple(_resources(name) for name in named(call, "cfn-stack"))


def _change_set_lookups(call: Call, _tag: str) -> tuple[Lookup, ...]:
    return tuple(_changes(name) for name in named(call, "cfn-change-set"))


RESOLVERS = {
    "cfn-stack": Resolver(_stack_lookups, _stack),
    "cfn-change-set": Resolver(_change_set_lookups, _change_set),
}
