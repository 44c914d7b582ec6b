"""Cloud Control: what creating, changing or deleting a resource of any type comes to in its service's own operations.

A call is judged by that operation's entry in the catalogue; the table of types is that of aws/cloudformation.py. Pure.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

import jmespath
from attrs import evolve

from guardrails.aws import resource_ids
from guardrails.aws.cloudformation import ResourceType, places, properties, refs, service_of, table
from guardrails.classify.catalogue import Catalogue
from guardrails.classify.entry import SEVERITIES, CatalogueEntry
from guardrails.values import EMPTY_ID, NOTHING_PRIVATE, UNREVIEWED, Call, Cause, Private, TagChange, TargetRef

# A resource of a type that the table does not have, or of a service that hurts no machine: found by its cluster tag.
_ANY = "cfn-resource"
# What a patch can take something away from by pointing elsewhere.
_HOLDERS = frozenset(("address", "eni", "instance", "volume"))
_HARMLESS_AT_ONCE = frozenset(("indirect", "protection", "capacity", "opaque"))
# A call of the service itself, classified; None where it is ungoverned.
Judge = Callable[[Call], Call | None]


def acts(call: Call, catalogue: Catalogue, evidence_tags: frozenset[str], judge: Judge) -> Call | None:
    """The call with the effects and targets of what it comes to; None where that is ungoverned.

    Raises ValueError for a document that is not JSON, of a type for which it matters.
    """
    kind = str(call.params.get("TypeName") or "")
    row, creation = table().types.get(kind), table().creation(kind)
    if call.operation == "CreateResource" and creation:
        return _created(call, creation, catalogue, _document(call, "DesiredState"), judge)
    if kind in table().harmless or (row and call.operation == "CreateResource"):
        return None
    if row is None:
        put = _put(call, creation, catalogue, judge) if creation and call.operation == "UpdateResource" else None
        return put or _unknown(call, kind)
    values = properties(row, str(call.params.get("Identifier") or ""))
    if call.operation == "DeleteResource":
        return _judged(call, row, values, row.delete, catalogue, judge)
    return _updated(call, row, values, catalogue, evidence_tags, judge)


def created(call: Call, catalogue: Catalogue, judge: Judge, kind: str, properties: Mapping[str, Any]) -> Call | None:
    """What creating a resource of this type comes to, as for CreateResource; None where that takes nothing at once."""
    creation = table().creation(kind)
    made = _created(call, creation, catalogue, properties, judge) if creation else None
    return made if made and set(made.effects) - _HARMLESS_AT_ONCE else None


def _document(call: Call, name: str) -> Any:
    try:
        return json.loads(str(call.clear_params.get(name)))
    except ValueError:
        # What it says is a secret, and so is what the parser found wrong.
        raise ValueError(f"{name} is not JSON, so what it names is unknown") from None


def _unknown(call: Call, kind: str) -> Call | None:
    """A type that the table does not have: judged by its cluster tag, and by what its identifier names.

    Where it is created in a service of the table, by what its properties name: it may take that.
    """
    if call.operation == "CreateResource":
        text = str(call.clear_params.get("DesiredState")) if service_of(kind) in table().services else ""
        named = tuple(TargetRef(name, other) for name, other in resource_ids.in_text(text).items())
        return evolve(call, effects=("replace",), severity="high", targets=named) if named else None
    identifier = str(call.params.get("Identifier") or "") or EMPTY_ID
    inside = (TargetRef(name, other) for name, other in resource_ids.in_text(identifier).items() if name != identifier)
    effect = "terminate" if call.operation == "DeleteResource" else "replace"
    return evolve(
        call, effects=(effect,), severity="high", targets=(TargetRef(identifier, _ANY, values=(kind,)), *inside)
    )


def _put(call: Call, row: ResourceType, catalogue: Catalogue, judge: Judge) -> Call | None:
    """A resource that only matters for what it puts on others; its identifier may not say on which."""
    values = properties(row, str(call.params.get("Identifier") or ""))
    put = _created(call, row, catalogue, {**values, **_desired(_patch(call))}, judge)
    if put is None or put.targets:
        return put
    return evolve(put, targets=(TargetRef(str(call.params.get("Identifier") or "") or EMPTY_ID, "other"),))


def _judged(
    call: Call, row: ResourceType, values: Mapping[str, Any], native: str, catalogue: Catalogue, judge: Judge
) -> Call | None:
    """A resource that is deleted, or changed by one operation: the row says which targets it is."""
    entry = _entry(native, catalogue)
    if entry is None:
        return None
    targets = _targets(call, row, values)
    if all(target.type == "ssm-parameter" for target in targets):
        # Only the one that names the live cluster matters, and the operation itself knows which that is.
        params = {"Name": targets[0].id}
        return _like(call, judge(_native(call, native, params)), native, params)
    effects = entry.effects or entry.all_effects
    private = _private(call, places(values))
    return evolve(call, effects=effects, severity=entry.severity, targets=targets, private=private, native=native)


def _updated(
    call: Call,
    row: ResourceType,
    values: Mapping[str, Any],
    catalogue: Catalogue,
    evidence_tags: frozenset[str],
    judge: Judge,
) -> Call | None:
    """A changed resource counts as replaced where losing it would do harm: only its type knows what happens to it."""
    patch = _patch(call)
    paths = [str(step.get("path") or "") for step in patch]
    retags = [step for step, path in zip(patch, paths, strict=True) if path == "/Tags" or path.startswith("/Tags/")]
    tags = _retagged(retags, evidence_tags)
    touched = bool(tags.keys() & evidence_tags)
    if retags == patch:
        return _with_other_tags(call, row, values, tags) if touched else None
    if row.update:
        return _judged(call, row, values, row.update, catalogue, judge)
    changed = _judged(call, row, values, row.delete, catalogue, judge)
    desired = _desired(patch)
    put = _created(call, row, catalogue, {**values, **desired}, judge) if row.create else None
    if changed is None and put is None:
        return None
    known = [made for made in (changed, put) if made is not None]
    effects = tuple(dict.fromkeys(effect for made in known for effect in made.effects))
    if set(effects) - _HARMLESS_AT_ONCE:
        effects = ("replace", *(effect for effect in effects if changed is None or effect not in changed.effects))
    # What is there counts before what would be put there.
    targets = {(target.id, target.role): target for made in reversed(known) for target in made.targets}
    for name, other in resource_ids.in_text(str(desired)).items():
        if other in _HOLDERS:
            targets.setdefault((name, "target"), TargetRef(name, other))
    severity = max((made.severity for made in known), key=SEVERITIES.index)
    effects = _protected(effects, paths)
    # No comparison with the present properties shows that the tags that count stay.
    causes = (Cause(effects, frozenset(("PatchDocument", "Tags") if touched else ("PatchDocument",))),)
    return evolve(known[-1], effects=effects, causes=causes, severity=severity, targets=(*targets.values(),), tags=None)


def _patch(call: Call) -> list[dict[str, Any]]:
    patch = _document(call, "PatchDocument")
    if not isinstance(patch, list) or not all(isinstance(step, dict) for step in patch):
        raise ValueError("PatchDocument is not a list of changes, so what it changes is unknown")
    return patch


def _desired(patch: list[dict[str, Any]]) -> dict[str, Any]:
    """The properties that a patch names, with the values of its steps."""
    steps = ((str(step.get("path") or ""), step.get("value")) for step in patch)
    return {path.split("/")[1]: value for path, value in steps if "/" in path}


def _with_other_tags(call: Call, row: ResourceType, values: Mapping[str, Any], tags: TagChange) -> Call:
    effects, targets = ("protection",), _targets(call, row, values)
    causes = (Cause(effects, frozenset(("PatchDocument",))),)
    return evolve(call, effects=effects, causes=causes, severity="high", targets=targets, tags=tags)


def _protected(effects: tuple[str, ...], paths: list[str]) -> tuple[str, ...]:
    words = ("erminationProtection", "DisableApiTermination", "DeletionProtection")
    weakens = any(word in path for word in words for path in paths)
    return tuple(dict.fromkeys((*effects, "protection"))) if weakens else effects


def _retagged(patch: list[Any], evidence_tags: frozenset[str]) -> TagChange:
    """What the steps of a patch do to tags. One that is named by its place in the list may be any tag."""
    added = [item for step in patch for item in _items(step.get("value")) if step.get("op") != "remove"]
    given = {str(item.get("Key")): str(item.get("Value") or "") for item in added if item.get("Key")}
    keeps = all(step.get("op") in ("add", "test") and step.get("path") != "/Tags" for step in patch)
    return TagChange(set=given, removed=() if keeps else tuple(sorted(evidence_tags - given.keys())))


def _items(value: Any) -> list[Mapping[str, Any]]:
    items = value if isinstance(value, list) else [value]
    return [item for item in items if isinstance(item, dict)]


def _created(
    call: Call, row: ResourceType, catalogue: Catalogue, desired: Mapping[str, Any], judge: Judge
) -> Call | None:
    """A resource that is created or changed by the operation that would put it there."""
    if not row.create or _entry(row.create, catalogue) is None:
        return None
    params = jmespath.search(row.create_with, desired)
    if not isinstance(params, dict):
        return None
    made = _like(call, judge(_native(call, row.create, params)), row.create, params)
    effects = tuple(effect for effect in made.effects if effect != "capacity") if made else ()
    if made is None or not effects:
        return None
    made = evolve(made, effects=effects)
    if not any(target.role == "target" for target in made.targets):
        # What only receives something is what the call acts on.
        made = evolve(made, targets=tuple(evolve(target, role="target") for target in made.targets))
    return made


def _native(call: Call, native: str, params: Mapping[str, Any]) -> Call:
    service, _, operation = native.partition(":")
    return evolve(call, service=service, operation=operation, params=params, private=NOTHING_PRIVATE)


def _private(call: Call, native: Mapping[str, Any]) -> Private:
    return Private(call.private.params, call.private.payloads, native)


def _like(call: Call, judged: Call | None, native: str, params: Mapping[str, Any]) -> Call | None:
    """The call with what the service's own call would do."""
    if judged is None:
        return None
    return evolve(
        call,
        effects=judged.effects,
        severity=judged.severity,
        forms=judged.forms,
        targets=judged.targets,
        tags=judged.tags,
        private=Private(call.private.params, call.private.payloads, params, judged.private.created),
        native=native,
    )


def _targets(call: Call, row: ResourceType, values: Mapping[str, Any]) -> tuple[TargetRef, ...]:
    """What the row finds; the identifier itself, which no look-up will find, where it finds nothing."""
    unread = TargetRef(str(call.params.get("Identifier") or "") or EMPTY_ID, next(iter(row.targets)))
    return refs(row, values) or (unread,)


def _entry(native: str, catalogue: Catalogue) -> CatalogueEntry | None:
    service, _, operation = native.partition(":")
    entry = catalogue.lookup(service, operation) if native else None
    return None if entry is None or entry.effects == (UNREVIEWED,) else entry
