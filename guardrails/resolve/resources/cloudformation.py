"""CloudFormation: stacks and stack sets are made of resources, which other resolvers follow.

A stack is read with ListStackResources, which has no limit. Change sets are in cloudformation_changes.py.
https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_ListStackResources.html
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from attrs import evolve

from guardrails.aws import resource_ids, templates
from guardrails.aws.cloudformation import places, properties, readable, refs, table
from guardrails.resolve.machine import Machine
from guardrails.resolve.resources import cloudformation_new, machines
from guardrails.resolve.resources.resolver import (
    Answers,
    Context,
    Item,
    Part,
    Resolver,
    merged,
    named,
    one_each,
    tags_of,
)
from guardrails.values import Call, Lookup, Target, TargetRef

# AWS refuses a stack that does not exist with ValidationError.
RESOURCES = Lookup("cloudformation", "ListStackResources", "StackResourceSummaries", empty_on=("ValidationError",))
_STACKS = Lookup("cloudformation", "DescribeStacks", "Stacks", empty_on=("ValidationError",))
_INSTANCES = Lookup("cloudformation", "ListStackInstances", "Summaries")
# It may fail: then nothing is known to stay.
_TEMPLATE = Lookup("cloudformation", "GetTemplate", "TemplateBody", optional=True)
STACK = "AWS::CloudFormation::Stack"
# In these states nothing is there (any more).
_ABSENT = ("DELETE_COMPLETE", "DELETE_SKIPPED")
_UNMADE = ("CREATE_FAILED", "CREATE_IN_PROGRESS", "IMPORT_FAILED", "DELETE_IN_PROGRESS", "DELETE_FAILED")


def part_of(kind: str, name: str, siblings: Iterable[str], *, changed: bool = False, stack: str = "") -> Part | None:
    """A resource by type and physical id; None where losing it, or having it `changed`, hurts no machine.

    `stack` is the name of the stack that it is in, where that is known.
    """
    label, row = f"{kind} {name}", table().types.get(kind)
    if row is None:
        # What a custom resource does, only its own program knows.
        if kind in table().harmless or not kind.startswith("AWS::"):
            return None
        inside = (TargetRef(other, what) for other, what in resource_ids.in_text(name).items() if other != name)
        return Part(label, (TargetRef(name, "cfn-resource", values=(kind,)), *inside), {"StackName": stack})
    if row.later and not changed:
        return None
    values = properties(row, name)
    targets = tuple(ref for ref in refs(row, values) if readable(ref))
    if kind == "AWS::Route53::RecordSet" and not targets:
        return Part(label, (TargetRef(name, "dns-name"),))
    # What says nothing of its own belongs to something beside it in the stack.
    if not targets and {*row.within} & {*siblings}:
        return None
    # Which resource a name of any kind means, its service shows.
    deletes = row.delete if any(ref.type == "tagged" for ref in targets) else ""
    return Part(label, targets, places(values), deletes=deletes)


def listed(stack: str, answers: Answers) -> tuple[Item, ...] | None:
    """What is in a stack; None where no look-up has answered that."""
    answer = answers.get(RESOURCES.about(StackName=stack).key())
    return None if answer is None else tuple(item for item in answer.items if item.get("ResourceStatus") not in _ABSENT)


def _template(stack: str) -> Lookup:
    return _TEMPLATE.about(StackName=stack, TemplateStage="Processed")


def _followups(call: Call, answers: Answers) -> tuple[Lookup, ...]:
    """The template of a stack that is to be deleted: it says what stays."""
    if call.operation == "UpdateStack":
        return cloudformation_new.followups(call, answers)
    stacks = named(call, "cfn-stack") if call.operation == "DeleteStack" else ()
    return tuple(_template(stack) for stack in stacks if listed(stack, answers))


def _kept(ref: TargetRef, call: Call, answers: Answers) -> frozenset[str]:
    """The logical ids of what stays: AWS keeps RetainResources, or refuses the call."""
    answer = answers.get(_template(ref.id).key()) if call.operation == "DeleteStack" else None
    by_template = templates.kept(answer.items[0]) if answer and answer.items else frozenset()
    return by_template | {*(call.params.get("RetainResources") or ())}


def _resources(ref: TargetRef, call: Call, answers: Answers) -> tuple[Part, ...]:
    items = listed(ref.id, answers) or ()
    siblings = {item["ResourceType"] for item in items}
    kept = _kept(ref, call, answers)
    found = []
    for item in items:
        name, logical = item.get("PhysicalResourceId") or "", item.get("LogicalResourceId") or ""
        if logical in kept or (not name and item.get("ResourceStatus") in _UNMADE):
            continue
        found.append(
            part_of(item["ResourceType"], name, siblings, stack=stack_name(ref.id))
            if name
            else Part(f"{item['ResourceType']} {logical}")
        )
    made = cloudformation_new.parts(call, answers) if call.operation == "UpdateStack" else ()
    return (*(part for part in found if part is not None), *made)


def _lookups(call: Call, keys: tuple[str, ...]) -> tuple[Lookup, ...]:
    made = cloudformation_new.lookups(call) if call.operation == "UpdateStack" else ()
    tags_count = call.operation == "DeleteStack" or call.tags is not None
    own = one_each(_STACKS, "StackName", "cfn-stack")(call, keys) if tags_count else ()
    return (*one_each(RESOURCES, "StackName", "cfn-stack")(call, keys), *own, *made)


def _stack(ref: TargetRef, context: Context) -> Target:
    items = context.answers.get(RESOURCES.about(StackName=ref.id).key())
    members: dict[str, Machine] = {}
    for tag in (f"aws:cloudformation:stack-name={stack_name(ref.id)}", f"aws:cloudformation:stack-id={ref.id}"):
        members.update((machine.id, machine) for machine in context.inventory.on("tag", tag))
    for name in _kept(ref, context.call, context.answers):
        for machine in context.inventory.on("tag", f"aws:cloudformation:logical-id={name}"):
            members.pop(machine.id, None)
    # A machine of the stack shows that it exists, not what else is in it.
    target = evolve(machines.target(ref, ref.type, members.values()), resolved=bool(items and items.items))
    own = context.answers.get(_STACKS.about(StackName=ref.id).key())
    if own is None:
        return target
    tags = {key: value for item in own.items for key, value in tags_of(item).items()}
    ours = [] if _keeps(tags, context) else [context.inventory.ownership.named(tags)]
    return evolve(target, clusters=merged(target.clusters, ours), tags=tags)


def _keeps(tags: Mapping[str, str], context: Context) -> bool:
    """Whether an update leaves the stack the cluster that its own tags name; what it changes else is judged itself."""
    change = context.call.tags
    if change is None:
        return context.call.operation != "DeleteStack"
    return all(change.set.get(key) == tags.get(key) for key in context.inventory.ownership.tags)


def stack_name(stack: str) -> str:
    """NAME of ``arn:…:stack/NAME/ID``, or the name itself."""
    return stack.split("/")[1] if stack.startswith("arn:") and stack.count("/") == 2 else stack


# -- stack sets -------------------------------------------------------------------------------------------------------


# What is in the template of the set may be made by these.
_MAKE = ("UpdateStackInstances", "UpdateStackSet")


def _instances(name: str, call: Call) -> Lookup:
    as_whom = {"CallAs": call.params["CallAs"]} if call.params.get("CallAs") else {}
    return _INSTANCES.about(StackSetName=name, **as_whom)


def _of_sets(call: Call, keys: tuple[str, ...]) -> tuple[Lookup, ...]:
    made = cloudformation_new.lookups(call, keys) if call.operation in _MAKE else ()
    return (*(_instances(name, call) for name in named(call, "cfn-stack-set")), *made)


def _stacks(ref: TargetRef, call: Call, answers: Answers) -> tuple[Part, ...]:
    """The stacks of a set, as far as the call means them; those of another region are not followed."""
    answer = answers.get(_instances(ref.id, call).key())
    found = []
    for item in answer.items if answer else ():
        stack, region, account = item.get("StackId") or "", item.get("Region"), item.get("Account")
        meant = region in (call.params.get("Regions") or [region]) and account in (
            call.params.get("Accounts") or [account]
        )
        if stack and meant:
            targets = (TargetRef(stack, "cfn-stack"),) if region == call.region else ()
            found.append(Part(f"{STACK} {stack}", targets))
    made = cloudformation_new.parts(call, answers) if call.operation in _MAKE else ()
    return (*found, *made)


def _stack_set(ref: TargetRef, context: Context) -> Target:
    answer = context.answers.get(_instances(ref.id, context.call).key())
    return Target(ref.id, ref.type, ref.role, resolved=bool(answer and answer.items))


RESOLVERS = {
    "cfn-stack": Resolver(
        _stack, (RESOURCES, _STACKS, _TEMPLATE, *cloudformation_new.ASKS), _lookups, _followups, parts=_resources
    ),
    "cfn-stack-set": Resolver(
        _stack_set,
        (_INSTANCES, RESOURCES, *cloudformation_new.ASKS),
        _of_sets,
        lambda call, answers: cloudformation_new.followups(call, answers) if call.operation in _MAKE else (),
        parts=_stacks,
    ),
}
