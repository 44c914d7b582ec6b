"""CloudFormation: stacks, change sets and stack sets are made of resources, which other resolvers follow.

A stack is read with ListStackResources, which has no limit. A change set is what it removes or replaces; what it only
adds or changes in place hurts nothing.
https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_ListStackResources.html
"""

from __future__ import annotations

from collections.abc import Iterable

from attrs import evolve

from guardrails.aws import resource_ids
from guardrails.aws.cloudformation import places, properties, readable, refs, table
from guardrails.resolve.inventory import Machine
from guardrails.resolve.resources import machines
from guardrails.resolve.resources.resolver import Answers, Context, Item, Part, Resolver, last_part, named, one_each
from guardrails.values import Call, Lookup, Target, TargetRef

# AWS refuses a stack that does not exist with ValidationError.
_RESOURCES = Lookup("cloudformation", "ListStackResources", "StackResourceSummaries", empty_on=("ValidationError",))
_CHANGES = Lookup("cloudformation", "DescribeChangeSet", "Changes", empty_on=("ChangeSetNotFound", "ValidationError"))
_INSTANCES = Lookup("cloudformation", "ListStackInstances", "Summaries")
_OF = " of "
_STACK = "AWS::CloudFormation::Stack"
# In these states nothing is there (any more).
_ABSENT = ("DELETE_COMPLETE", "DELETE_SKIPPED")
_UNMADE = ("CREATE_FAILED", "CREATE_IN_PROGRESS", "IMPORT_FAILED", "DELETE_IN_PROGRESS", "DELETE_FAILED")


def _part(kind: str, name: str, siblings: Iterable[str]) -> Part | None:
    """A resource by type and physical id; None where losing it hurts no machine."""
    label, row = f"{kind} {name}", table().types.get(kind)
    if row is None:
        # What a custom resource does, only its own program knows.
        if kind in table().harmless or not kind.startswith("AWS::"):
            return None
        inside = (TargetRef(other, what) for other, what in resource_ids.in_text(name).items() if other != name)
        return Part(label, (TargetRef(name, "cfn-resource", values=(kind,)), *inside))
    if row.later:
        return None
    values = properties(row, name)
    targets = tuple(ref for ref in refs(row, values) if readable(ref))
    if kind == "AWS::Route53::RecordSet" and not targets:
        return Part(label, (TargetRef(name, "dns-name"),))
    # What says nothing of its own belongs to something beside it in the stack.
    return None if not targets and {*row.within} & {*siblings} else Part(label, targets, places(values))


def _listed(stack: str, answers: Answers) -> tuple[Item, ...] | None:
    answer = answers.get(_RESOURCES.about(StackName=stack).key())
    return None if answer is None else tuple(item for item in answer.items if item.get("ResourceStatus") not in _ABSENT)


def _resources(ref: TargetRef, call: Call, answers: Answers) -> tuple[Part, ...]:
    items = _listed(ref.id, answers) or ()
    siblings = {item["ResourceType"] for item in items}
    # AWS keeps these, or refuses the call.
    kept = call.params.get("RetainResources") or ()
    found = []
    for item in items:
        name, logical = item.get("PhysicalResourceId") or "", item.get("LogicalResourceId") or ""
        if logical in kept or (not name and item.get("ResourceStatus") in _UNMADE):
            continue
        found.append(_part(item["ResourceType"], name, siblings) if name else Part(f"{item['ResourceType']} {logical}"))
    return tuple(part for part in found if part is not None)


def _stack(ref: TargetRef, context: Context) -> Target:
    items = context.answers.get(_RESOURCES.about(StackName=ref.id).key())
    members: dict[str, Machine] = {}
    for tag in (f"aws:cloudformation:stack-name={_stack_name(ref.id)}", f"aws:cloudformation:stack-id={ref.id}"):
        members.update((machine.id, machine) for machine in context.inventory.on("tag", tag))
    # A machine of the stack shows that it exists, not what else is in it.
    return evolve(machines.target(ref, ref.type, members.values()), resolved=bool(items and items.items))


def _stack_name(stack: str) -> str:
    """``arn:…:stack/NAME/ID`` or the name itself."""
    return stack.split("/")[1] if stack.startswith("arn:") and stack.count("/") == 2 else stack


# -- change sets ------------------------------------------------------------------------------------------------------


def _changes(name: str) -> Lookup:
    change_set, _, stack = name.partition(_OF)
    return _CHANGES.about(ChangeSetName=change_set, **({"StackName": stack} if stack else {}))


def _stack_of(name: str) -> Lookup:
    """The same request for another member of its answer, told apart by a parameter at its default."""
    lookup = _changes(name)
    return evolve(lookup, items="StackName", params={**lookup.params, "IncludePropertyValues": False})


def _change_set_lookups(call: Call, _tag: str) -> tuple[Lookup, ...]:
    return tuple(_changes(name) for name in named(call, "cfn-change-set"))


def _change_set_followups(call: Call, answers: Answers) -> tuple[Lookup, ...]:
    """The stack, where a change does not say which resource of it is meant."""
    wanted: list[Lookup] = []
    for name in named(call, "cfn-change-set"):
        if any(not change.get("PhysicalResourceId") for change in _gone(name, answers)):
            stack = _stack_changed(name, answers)
            wanted.append(_RESOURCES.about(StackName=stack) if stack else _stack_of(name))
    return tuple(wanted)


def _stack_changed(name: str, answers: Answers) -> str:
    stack = name.partition(_OF)[2]
    answer = answers.get(_stack_of(name).key())
    return stack or (str(answer.items[0]) if answer and answer.items else "")


def _gone(name: str, answers: Answers) -> list[Item]:
    answer = answers.get(_changes(name).key())
    changes = [change.get("ResourceChange") or {} for change in answer.items] if answer else []
    return [change for change in changes if _goes(change)]


def _goes(change: Item) -> bool:
    if change.get("PolicyAction") in ("Retain", "ReplaceAndRetain"):
        return False
    # CloudFormation decides about "Conditional" while it makes the changes. A nested stack has changes of its own.
    nested = change.get("ResourceType") == _STACK and change.get("Action") == "Modify"
    return (
        nested or change.get("Action") in ("Remove", "Dynamic") or change.get("Replacement") in ("True", "Conditional")
    )


def _removed(ref: TargetRef, _call: Call, answers: Answers) -> tuple[Part, ...]:
    listed = _listed(_stack_changed(ref.id, answers), answers) or ()
    by_logical = {item.get("LogicalResourceId"): item.get("PhysicalResourceId") for item in listed}
    siblings = {item["ResourceType"] for item in listed}
    found: list[Part | None] = []
    for change in _gone(ref.id, answers):
        kind, logical = change.get("ResourceType") or "", change.get("LogicalResourceId")
        if kind == _STACK and change.get("ChangeSetId"):
            found.append(Part(f"{kind} {logical}", (TargetRef(change["ChangeSetId"], ref.type),)))
            continue
        name = change.get("PhysicalResourceId") or by_logical.get(logical) or ""
        found.append(_part(kind, name, siblings) if name else Part(f"{kind} {logical}"))
    return tuple(part for part in found if part is not None)


def _change_set(ref: TargetRef, context: Context) -> Target:
    answer = context.answers.get(_changes(ref.id).key())
    gone = _gone(ref.id, context.answers)
    return Target(
        ref.id,
        ref.type,
        ref.role,
        resolved=bool(answer and answer.items),
        facts={
            "removes": [_logical(change) for change in gone if change.get("Action") == "Remove"],
            "replaces": [_logical(change) for change in gone if change.get("Action") != "Remove"],
        },
    )


def _logical(change: Item) -> str:
    return str(change.get("LogicalResourceId") or last_part(change.get("PhysicalResourceId") or ""))


# -- stack sets -------------------------------------------------------------------------------------------------------


def _instances(name: str, call: Call) -> Lookup:
    as_whom = {"CallAs": call.params["CallAs"]} if call.params.get("CallAs") else {}
    return _INSTANCES.about(StackSetName=name, **as_whom)


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
            found.append(Part(f"{_STACK} {stack}", targets))
    return tuple(found)


def _stack_set(ref: TargetRef, context: Context) -> Target:
    answer = context.answers.get(_instances(ref.id, context.call).key())
    return Target(ref.id, ref.type, ref.role, resolved=bool(answer and answer.items))


RESOLVERS = {
    "cfn-stack": Resolver(_stack, (_RESOURCES,), one_each(_RESOURCES, "StackName", "cfn-stack"), parts=_resources),
    "cfn-change-set": Resolver(
        _change_set, (_CHANGES, _RESOURCES), _change_set_lookups, _change_set_followups, parts=_removed
    ),
    "cfn-stack-set": Resolver(
        _stack_set,
        (_INSTANCES, _RESOURCES),
        lambda call, _tag: tuple(_instances(name, call) for name in named(call, "cfn-stack-set")),
        parts=_stacks,
    ),
}
