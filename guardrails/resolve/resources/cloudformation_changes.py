"""CloudFormation's change sets are made of the resources that they remove, replace or change in a way that may harm.

A change in place is compared property by property (changes/properties.py): CloudFormation shows both values.
https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_ResourceChange.html
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from attrs import evolve

from guardrails.aws import templates
from guardrails.aws.cloudformation import service_of, table
from guardrails.resolve.changes import properties
from guardrails.resolve.resources import cloudformation_new
from guardrails.resolve.resources.cloudformation import RESOURCES, STACK, listed, part_of, stack_name
from guardrails.resolve.resources.resolver import Answers, Context, Item, Part, Resolver, last_part, named
from guardrails.values import Call, Lookup, Target, TargetRef, frozen

_CHANGES = Lookup("cloudformation", "DescribeChangeSet", "Changes", empty_on=("ChangeSetNotFound", "ValidationError"))
_OF = " of "
# Attributes of a resource that only tell CloudFormation what to do another time.
_FOR_LATER = frozenset(("Metadata", "CreationPolicy", "UpdatePolicy", "DeletionPolicy", "UpdateReplacePolicy"))


def _named_as(name: str) -> dict[str, str]:
    change_set, _, stack = name.partition(_OF)
    return {"ChangeSetName": change_set, **({"StackName": stack} if stack else {})}


def _changes(name: str) -> Lookup:
    return _CHANGES.about(**_named_as(name), IncludePropertyValues=True)


def _stack_of(name: str) -> Lookup:
    """The same request for another member of its answer, told apart by a parameter."""
    lookup = _changes(name)
    return evolve(lookup, items="StackName", params={**lookup.params, "IncludePropertyValues": False})


def _stack_changed(name: str, answers: Answers) -> str:
    stack = name.partition(_OF)[2]
    answer = answers.get(_stack_of(name).key())
    return stack or (str(answer.items[0]) if answer and answer.items else "")


def _lookups(call: Call, _keys: tuple[str, ...]) -> tuple[Lookup, ...]:
    return tuple(_changes(name) for name in named(call, "cfn-change-set"))


def _followups(call: Call, answers: Answers) -> tuple[Lookup, ...]:
    """The stack, where a change does not say which resource of it is meant; what is resized, as it is now."""
    wanted: list[Lookup] = []
    for name in named(call, "cfn-change-set"):
        if any(not change.get("PhysicalResourceId") for change in _that_count(name, answers)):
            stack = _stack_changed(name, answers)
            wanted.append(RESOURCES.about(StackName=stack) if stack else _stack_of(name))
        if any(_puts(change) and _shown(change.get("AfterContext")) is None for change in _all(name, answers)):
            wanted.append(_template(name))
        present = (_present(change, _physical(change, name, answers)) for change in _that_count(name, answers))
        wanted += [lookup for lookup in present if lookup]
    return tuple(wanted)


def _that_count(name: str, answers: Answers) -> list[Item]:
    """The changes that take something away, and those in place, which may."""
    return [change for change in _all(name, answers) if _goes(change) or _in_place(change)]


def _all(name: str, answers: Answers) -> list[Item]:
    answer = answers.get(_changes(name).key())
    return [change.get("ResourceChange") or {} for change in answer.items] if answer else []


def _template(name: str) -> Lookup:
    """The template of a change set, for what its changes do not show."""
    return evolve(_changes(name), operation="GetTemplate", items="TemplateBody", params=_named_as(name), optional=True)


def _puts(change: Item) -> bool:
    """Whether it creates something whose creation may act on what exists."""
    if change.get("ChangeSetId"):  # a nested stack, whose own changes are read
        return False
    added = change.get("Action") == "Add" or (_goes(change) and change.get("Action") != "Remove")
    return added and table().creation(change.get("ResourceType") or "") is not None


def _created(name: str, call: Call, answers: Answers) -> list[Part | None]:
    """What is added, or put in the place of something else, acts on what its properties name."""
    found: list[Part | None] = []
    answer = answers.get(_template(name).key())
    body = answer.items[0] if answer and answer.items else None
    by_template = templates.created(body, (), call.region) if body else {}
    for change in _all(name, answers):
        kind, label = (
            change.get("ResourceType") or "",
            f"{change.get('ResourceType')} {change.get('LogicalResourceId')}",
        )
        if _puts(change):
            _, in_template = by_template.get(str(change.get("LogicalResourceId")), (kind, None))
            shown = _shown(change.get("AfterContext")) or in_template
            if shown is not None:
                found.append(cloudformation_new.part_of(kind, label, shown, call))
            elif change.get("Action") == "Add":
                found.append(Part(label))
    return found


def _goes(change: Item) -> bool:
    if change.get("PolicyAction") in ("Retain", "ReplaceAndRetain"):
        return False
    # CloudFormation decides about "Conditional" while it makes the changes. A nested stack has changes of its own.
    nested = change.get("ResourceType") == STACK and change.get("Action") == "Modify"
    return (
        nested or change.get("Action") in ("Remove", "Dynamic") or change.get("Replacement") in ("True", "Conditional")
    )


def _in_place(change: Item) -> bool:
    """Whether it changes a resource that can hurt a machine."""
    kind = change.get("ResourceType") or ""
    row = table().types.get(kind)
    if change.get("Action") != "Modify" or _goes(change) or kind in table().harmless:
        return False
    if row is None:
        return service_of(kind) in table().services
    return not row.later or properties.has_row(kind)


def _physical(change: Item, name: str, answers: Answers) -> str:
    """The id of the changed resource; "" where neither the change nor the stack shows one."""
    items = listed(_stack_changed(name, answers), answers) or ()
    by_logical = {item.get("LogicalResourceId"): item.get("PhysicalResourceId") for item in items}
    return change.get("PhysicalResourceId") or by_logical.get(change.get("LogicalResourceId")) or ""


@frozen
class _Values:
    """The properties before and after; `unseen` are changed ones whose values are not shown, "" where any may be."""

    before: dict[str, Any]
    after: dict[str, Any]
    unseen: tuple[str, ...] = ()


def _values(change: Item) -> _Values:
    before, after = (_shown(change.get(context)) for context in ("BeforeContext", "AfterContext"))
    named = {*_named(change)}
    if before is not None and after is not None:
        return _Values(before, after, tuple(sorted(named - {*before, *after})))
    details = change.get("Details")
    if details and "" not in named:
        return _Values({}, {}, tuple(sorted(named)))
    scope = {*(change.get("Scope") or ())}
    return _Values({}, {}, () if scope and scope <= _FOR_LATER else ("",))


def _shown(context: Any) -> dict[str, Any] | None:
    """The properties in a context, which is JSON in a string; None where there are none."""
    try:
        shown = json.loads(context)["Properties"]
    except (KeyError, TypeError, ValueError):
        return None
    return shown if isinstance(shown, dict) else None


def _named(change: Item) -> Iterator[str]:
    """The names of the changed properties; "" for one that has none."""
    for detail in change.get("Details") or ():
        target = detail.get("Target") or {}
        if target.get("Attribute") not in _FOR_LATER:
            yield "Tags" if target.get("Attribute") == "Tags" else target.get("Name") or ""


def _present(change: Item, physical: str) -> Lookup | None:
    """The look-up for sizes that others may have changed since the last update of the stack."""
    if not physical or not _in_place(change):
        return None
    return properties.present(change.get("ResourceType") or "", physical, _values(change).after)


def _harms(change: Item, physical: str, ref: TargetRef, answers: Answers) -> list[str]:
    """The properties whose change in place may harm; ["its properties"] where it is not said which change."""
    kind, values, lookup = change.get("ResourceType") or "", _values(change), _present(change, physical)
    answer = answers.get(lookup.key()) if lookup else None
    now = answer.items[0] if answer and len(answer.items) == 1 else None
    harms = properties.harmful(kind, values.before, values.after, ref.values, now)
    harms += [name for name in values.unseen if not properties.always_harmless(kind, name)]
    return sorted({name or "its properties" for name in harms})


def _parts(ref: TargetRef, call: Call, answers: Answers) -> tuple[Part, ...]:
    stack = _stack_changed(ref.id, answers)
    siblings = {item["ResourceType"] for item in listed(stack, answers) or ()}
    where = stack_name(stack)
    found: list[Part | None] = []
    for change in _that_count(ref.id, answers):
        kind, logical = change.get("ResourceType") or "", change.get("LogicalResourceId")
        if kind == STACK and change.get("ChangeSetId"):
            found.append(Part(f"{kind} {logical}", (TargetRef(change["ChangeSetId"], ref.type, values=ref.values),)))
            continue
        name = _physical(change, ref.id, answers)
        harms = [] if _goes(change) else _harms(change, name, ref, answers)
        if not (_goes(change) or harms):
            continue
        own = part_of(kind, name, siblings, changed=bool(harms), stack=where) if name else None
        part = own if name else Part(f"{kind} {logical}")
        found.append(evolve(part, name=f"{part.name} ({', '.join(harms)})") if part and harms else part)
    found += _created(ref.id, call, answers)
    return tuple(part for part in found if part is not None)


def _change_set(ref: TargetRef, context: Context) -> Target:
    answer = context.answers.get(_changes(ref.id).key())
    gone = [change for change in _that_count(ref.id, context.answers) if _goes(change)]
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


RESOLVERS = {"cfn-change-set": Resolver(_change_set, (_CHANGES, RESOURCES), _lookups, _followups, parts=_parts)}
