"""Stage 2: what a call does, and to what, read from its parameters with the catalogue. Pure.

For an ungoverned call the result is None, and the guard has nothing more to do.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from attrs import evolve

from guardrails.aws import resource_ids
from guardrails.aws.parameter_names import same_parameter
from guardrails.classify.catalogue import Catalogue
from guardrails.classify.documents import readable
from guardrails.classify.entry import SEVERITIES, CatalogueEntry, Form, TagPaths
from guardrails.classify.selectors import SELECTOR, selectors, strings
from guardrails.values import EMPTY_ID, Call, Cause, TagChange, TargetRef, frozen

_SSM_POINTER = "ssm-parameter"
# Not a resource but a string, perhaps JSON, that may name some.
_TEXT = "text"
_CHANGE_SET = "cfn-change-set"
_TAGGED = "tagged"
# Their calls hold other calls. What reads those is imported when there is one.
_STACKS, _SCHEDULES, _CLOUD_CONTROL = "cloudformation", "scheduler", "cloudcontrolapi"


@frozen
class Evidence:
    """What liveness is read from in this configuration: changing it is as dangerous as touching the machines.

    `tag_keys` are the tags that say which cluster a machine belongs to and which cluster is live (case matters, as in
    AWS). Keys of EC2's tags that begin with one of `inferring` say it for machines without such a tag. `ssm_parameter`
    is the Parameter Store name (or ARN) that points at the live cluster.
    """

    tag_keys: frozenset[str] = frozenset()
    ssm_parameter: str | None = None
    inferring: tuple[str, ...] = ()

    def among(self, keys: Iterable[str], service: str) -> bool:
        """Whether one of these tags says something about liveness."""
        every = frozenset(keys)
        infers = service == "ec2" and any(key.startswith(self.inferring) for key in every)
        return infers or not every.isdisjoint(self.tag_keys)


def classify(call: Call, catalogue: Catalogue, evidence: Evidence) -> Call | None:
    """The call with its effects, severity and targets (the lower block of Call); None when it is ungoverned.

    One that cannot be read is never ungoverned.

    Raises where an expression fails or a target is not a string: a call that cannot be read must be refused.
    """
    made = _classified(call, catalogue, evidence)
    if made is None or made.service != _STACKS or made.undecodable is not None:
        return made
    from guardrails.classify import stacks  # noqa: PLC0415

    return stacks.with_creations(made, catalogue, lambda own: classify(own, catalogue, evidence))


def _classified(call: Call, catalogue: Catalogue, evidence: Evidence) -> Call | None:
    if (entry := catalogue.lookup(call.service, call.operation)) is None:
        # A request that names its operation where it cannot be read may be for any.
        return None if call.undecodable is None else call
    if call.undecodable is not None:
        return _worst(call, entry, evidence)
    if call.service == _SCHEDULES:
        from guardrails.classify import scheduled  # noqa: PLC0415

        if (later := scheduled.call_of(call, catalogue)) is not None:
            made = scheduled.combined(call, classify(later, catalogue, evidence))
            return scheduled.overwriting(call, made) if call.operation == "UpdateSchedule" else made
    if call.service == _CLOUD_CONTROL:
        return _by_cloud_control(call, catalogue, evidence)
    params = readable(call.clear_params)
    forms = [form for form in entry.forms if form.when.holds(params)]
    if not (causes := _causes(entry, forms, params)):
        return None
    tags = _tags(entry.tags, params, evidence) if entry.tags else None
    only_tags = entry.tags is not None and entry.tags.replaced is None
    if tags is not None and only_tags and not tags.removes_all and not evidence.among(tags.keys(), call.service):
        return None
    targets = tuple(_with_evidence(target, evidence) for target in _targets(entry, params))
    if _names_parameters(entry):
        pointers = {target for target in targets if same_parameter(target.id, evidence.ssm_parameter)}
        targets = tuple(target if target in pointers else evolve(target, type=_TAGGED) for target in targets)
        if not (causes := causes if pointers else _by_tag(entry, forms, params)):
            return None
    return evolve(
        call,
        effects=_unique(effect for cause in causes for effect in cause.effects),
        severity=_severity(entry, forms, bool(entry.not_named(params))),
        forms=tuple(cause.meaning for cause in causes if cause.meaning),
        causes=causes,
        targets=targets,
        tags=tags,
        look_at=entry.look and f"{call.service}:{entry.look}",
        per_machine=entry.per_machine.ids if entry.per_machine else "",
        dry_run=entry.dry_run is not None and params.get(entry.dry_run) is True,
    )


def _by_cloud_control(call: Call, catalogue: Catalogue, evidence: Evidence) -> Call | None:
    from guardrails.classify import cloud_control  # noqa: PLC0415

    acts = cloud_control.acts(call, catalogue, evidence.tag_keys, lambda own: classify(own, catalogue, evidence))
    return acts and evolve(acts, look_at=f"{call.service}:GetResource")


def _with_evidence(target: TargetRef, evidence: Evidence) -> TargetRef:
    """A change set changes tags, too; only what it holds says which."""
    return evolve(target, values=tuple(sorted(evidence.tag_keys))) if target.type == _CHANGE_SET else target


def _causes(entry: CatalogueEntry, forms: Iterable[Form], params: Mapping[str, Any]) -> tuple[Cause, ...]:
    given = frozenset(params)
    own = (Cause(entry.effects, given),) if entry.effects else ()
    others = entry.not_named(given)
    rest = (Cause(entry.others.effects, others, entry.others.meaning),) if entry.others and others else ()
    return (*own, *(Cause(form.effects, form.when.fields & given, form.meaning) for form in forms), *rest)


def _by_tag(entry: CatalogueEntry, forms: Iterable[Form], params: Mapping[str, Any]) -> tuple[Cause, ...]:
    """What it does to parameters that do not name the live cluster: AWS refuses to write one that is there already."""
    writes = bool(forms) or not entry.forms
    return (Cause(entry.by_tag, frozenset(params)),) if entry.by_tag and writes else ()


def _worst(call: Call, entry: CatalogueEntry, evidence: Evidence) -> Call | None:
    """A call that cannot be read counts as its most severe form, unless there is nothing to protect."""
    if _names_parameters(entry) and evidence.ssm_parameter is None:
        return None
    return evolve(
        call,
        effects=entry.all_effects,
        severity=_severity(entry, entry.forms, entry.others is not None),
        look_at=entry.look and f"{call.service}:{entry.look}",
        dry_run=False,
    )


def _severity(entry: CatalogueEntry, forms: Iterable[Form], plain: bool) -> str:
    # An entry without its own effects is only as severe as the forms that were used.
    severities = [entry.severity] if entry.effects or plain else []
    severities += [form.severity or entry.severity for form in forms]
    return max(severities, key=SEVERITIES.index)


def _unique(items: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(items))


def _targets(entry: CatalogueEntry, params: Mapping[str, Any]) -> tuple[TargetRef, ...]:
    targets: dict[tuple[str, str], TargetRef] = {}
    for path in entry.targets:
        if path.type == SELECTOR:
            targets.update(selectors(path.path.search(params), path.path.text, path.role, params))
            continue
        for name in strings(path.path.search(params), path.path.text):
            types = resource_ids.in_text(name) if path.type == _TEXT else {name or EMPTY_ID: path.type}
            for resource, kind in types.items():
                targets.setdefault((resource, path.role), TargetRef(resource, kind, path.role))
    return tuple(targets.values())


def _tags(paths: TagPaths, params: Mapping[str, Any], evidence: Evidence) -> TagChange | None:
    if paths.replaced is not None:
        pairs = paths.replaced.search(params)
        kept = _tags_set(pairs, paths.replaced.text)
        return None if pairs is None else TagChange(kept, tuple(sorted(evidence.tag_keys - {*kept})))
    return TagChange(
        set=_tags_set(paths.set.search(params), paths.set.text) if paths.set else {},
        removed=_unique(strings(paths.remove.search(params), paths.remove.text)) if paths.remove else (),
        removes_all=paths.all_when is not None and paths.all_when.holds(params),
    )


def _tags_set(value: Any, source: str) -> dict[str, str]:
    """``{key: value}`` from a map or from pairs. A missing value is empty, a pair without a key is ignored."""
    pairs = value.items() if isinstance(value, Mapping) else value or []
    tags = {}
    for key, content in pairs:
        if key is None:
            continue
        strings([key, content], source)
        tags[key] = content or ""
    return tags


def _names_parameters(entry: CatalogueEntry) -> bool:
    return any(target.type == _SSM_POINTER for target in entry.targets)
