"""Experiment templates of the Fault Injection Service: they carry the clusters of what the experiment breaks.

https://docs.aws.amazon.com/fis/latest/APIReference/API_GetExperimentTemplate.html
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from guardrails.resolve.machine import Machine
from guardrails.resolve.resources.resolver import Context, Resolver, merged, named, tags_of, uncertain, unknown
from guardrails.resolve.resources.tagging_api import TAGGED, tagged, tagged_with
from guardrails.values import Call, Lookup, Target, TargetRef

_TEMPLATE = Lookup("fis", "GetExperimentTemplate", "experimentTemplate", empty_on=("ResourceNotFoundException",))


def _lookups(call: Call, keys: tuple[str, ...]) -> tuple[Lookup, ...]:
    return (*(_TEMPLATE.about(id=name) for name in named(call, "fis-template")), *tagged_with(keys))


def _machines(selected: Mapping[str, Any], context: Context) -> list[Machine]:
    """The machines that one target of the template means; filters, which only leave some out, are not read."""
    inventory = context.inventory
    ids = [str(arn).rpartition("/")[2] for arn in selected.get("resourceArns") or ()]
    by_id = [*filter(None, map(inventory.machine, ids))]
    tags = [*(selected.get("resourceTags") or {}).items()]
    by_tag = inventory.with_tag(*tags[0]) if tags else []
    return by_id + [machine for machine in by_tag if all(machine.tags.get(key) == value for key, value in tags)]


def _others(selected: Mapping[str, Any], context: Context) -> Iterable[str]:
    """The clusters that other resources are tagged with, and the one that a tag of the target names."""
    arns = {*(selected.get("resourceArns") or ())}
    yield from context.inventory.carried(selected.get("resourceTags") or {})
    for item in tagged(context):
        if item["ResourceARN"] in arns:
            yield from context.inventory.carried(tags_of(item))


def _template(ref: TargetRef, context: Context) -> Target:
    items = context.items(_TEMPLATE.about(id=ref.id))
    if not items:
        return unknown(ref, "fis-template")
    targets = [*(items[0].get("targets") or {}).values()]
    machines = [machine for selected in targets for machine in _machines(selected, context)]
    clusters = merged((machine.cluster for machine in machines), *(_others(selected, context) for selected in targets))
    untagged = {machine.id for machine in machines if machine.cluster is None and machine.present}
    facts = uncertain(untagged)
    if not clusters and not untagged:
        facts["traced"] = False
    return Target(ref.id, "fis-template", ref.role, resolved=True, clusters=clusters, facts=facts)


RESOLVERS = {"fis-template": Resolver(_template, (_TEMPLATE, TAGGED), _lookups)}
