"""CloudFormation: a stack carries the clusters of its machines and of the machines in or on its other resources.

https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_DescribeStackResources.html and …/API_Change.html
"""

from __future__ import annotations

from collections.abc import Iterable

from attrs import evolve

from guardrails.resolve.inventory import Inventory, Machine
from guardrails.resolve.resources import machines
from guardrails.resolve.resources.resolver import Context, Item, Resolver, last_part, named, one_each
from guardrails.values import Call, Lookup, Target, TargetFacts, TargetRef

# AWS refuses a stack that does not exist with ValidationError.
_RESOURCES = Lookup("cloudformation", "DescribeStackResources", "StackResources", empty_on=("ValidationError",))
_CHANGES = Lookup("cloudformation", "DescribeChangeSet", "Changes", empty_on=("ChangeSetNotFound", "ValidationError"))
# Types of resources that machines are in or on, by the inventory's name for them.
_PLACES = {
    "AWS::EC2::Instance": "instance",
    "AWS::EC2::Subnet": "subnet",
    "AWS::EC2::VPC": "vpc",
    "AWS::EC2::NetworkInterface": "eni",
    "AWS::EC2::Volume": "volume",
    "AWS::EC2::SecurityGroup": "security-group",
}
# Tags that AWS writes on the machines of a group or of a nested stack.
_TAGS = {
    "AWS::AutoScaling::AutoScalingGroup": "aws:autoscaling:groupName",
    "AWS::CloudFormation::Stack": "aws:cloudformation:stack-id",
    "AWS::EKS::Cluster": "eks:cluster-name",
}
_OF = " of "


def _changes(name: str) -> Lookup:
    change_set, _, stack = name.partition(_OF)
    return _CHANGES.about(ChangeSetName=change_set, **({"StackName": stack} if stack else {}))


def _change_set_lookups(call: Call, _tag: str) -> tuple[Lookup, ...]:
    return tuple(_changes(name) for name in named(call, "cfn-change-set"))


def _machines(resources: Iterable[Item], inventory: Inventory) -> dict[str, Machine]:
    """The machines of, in or on resources of a stack, by id."""
    result: dict[str, Machine] = {}
    for resource in resources:
        kind, name = resource.get("ResourceType"), resource.get("PhysicalResourceId") or ""
        if kind in _TAGS:
            members = inventory.on("tag", f"{_TAGS[kind]}={name}")
        else:
            members = inventory.on(_PLACES[kind], name) if kind in _PLACES else []
        result.update((machine.id, machine) for machine in members)
    return result


def _untraced(clusters: tuple[str, ...], resources: Iterable[Item]) -> TargetFacts:
    """A database or a bucket may also belong to a cluster, and no machine shows which."""
    others = any(resource.get("ResourceType") not in {*_PLACES, *_TAGS} for resource in resources)
    return {"traced": False} if others and not clusters else {}


def _stack(ref: TargetRef, context: Context) -> Target:
    resources = context.items(_RESOURCES.about(StackName=ref.id))
    members = _machines(resources, context.inventory)
    for tag in (f"aws:cloudformation:stack-name={_stack_name(ref.id)}", f"aws:cloudformation:stack-id={ref.id}"):
        members.update((machine.id, machine) for machine in context.inventory.on("tag", tag))
    stack = machines.target(ref, "cfn-stack", members.values())
    return evolve(
        stack,
        resolved=bool(resources or members),
        facts={"resources": len(resources), **stack.facts, **_untraced(stack.clusters, resources)},
    )


def _stack_name(stack: str) -> str:
    """``arn:…:stack/NAME/ID`` or the name itself."""
    return stack.split("/")[1] if stack.startswith("arn:") and stack.count("/") == 2 else stack


def _change_set(ref: TargetRef, context: Context) -> Target:
    """What the change set removes or replaces; what it only adds or changes in place hurts nothing."""
    changes = [change.get("ResourceChange") or {} for change in context.items(_changes(ref.id))]
    gone = [change for change in changes if _goes(change)]
    change_set = machines.target(ref, "cfn-change-set", _machines(gone, context.inventory).values())
    return evolve(
        change_set,
        resolved=bool(changes),
        facts={
            "removes": [_logical(change) for change in gone if change.get("Action") == "Remove"],
            "replaces": [_logical(change) for change in gone if change.get("Action") != "Remove"],
            **change_set.facts,
            **_untraced(change_set.clusters, gone),
        },
    )


def _goes(change: Item) -> bool:
    # CloudFormation decides about "Conditional" while it makes the changes.
    return change.get("Action") in ("Remove", "Dynamic") or change.get("Replacement") in ("True", "Conditional")


def _logical(change: Item) -> str:
    return str(change.get("LogicalResourceId") or last_part(change.get("PhysicalResourceId") or ""))


RESOLVERS = {
    "cfn-stack": Resolver(_stack, (_RESOURCES,), one_each(_RESOURCES, "StackName", "cfn-stack")),
    "cfn-change-set": Resolver(_change_set, (_CHANGES,), _change_set_lookups),
}
