"""What a stack creates may take something from what exists: a route, a name, an address, a place behind a balancer.

Templates are read from the call, with its parameters and the values that other stacks export. Of a template behind a
URL only the types are known; a change set shows everything.
https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_GetTemplateSummary.html
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from guardrails.aws import templates
from guardrails.aws.cloudformation import table
from guardrails.resolve.resources import cloudformation_present
from guardrails.resolve.resources.resolver import Answers, Context, Part, Resolver
from guardrails.values import Call, Lookup, Target, TargetRef

_SUMMARY = Lookup("cloudformation", "GetTemplateSummary", "ResourceTypes")
# Without it, a value that another stack exports is unknown.
_EXPORTS = Lookup("cloudformation", "ListExports", "Exports", optional=True)
_ADVICE = "not read behind a URL: give TemplateBody, or create and execute a change set"
_UNREAD = "not shown: allow cloudformation:GetTemplate and DescribeStackSet, or give TemplateBody"
ASKS = (_SUMMARY, _EXPORTS, *cloudformation_present.ASKS)


def part_of(kind: str, label: str, properties: Mapping[str, Any], call: Call) -> Part | None:
    """A resource that is created, as what it acts on; None where that is nothing that exists."""
    try:
        made = call.private.created(kind, properties)
    except ValueError:
        return Part(label)
    if made is None:
        return None
    refs = tuple(ref for ref in made.targets if templates.OWN not in ref.id)
    if not any(ref.role == "target" for ref in refs):
        return None
    if any(templates.UNKNOWN in ref.id for ref in refs):
        return Part(label)
    native = made.as_native
    return Part(label, refs, native.params, made.native)


def lookups(call: Call, _keys: tuple[str, ...] = ()) -> tuple[Lookup, ...]:
    """What is asked about the template of a call."""
    present = (*cloudformation_present.lookups(call),)
    body, url = call.clear_params.get("TemplateBody"), call.clear_params.get("TemplateURL")
    if not body:
        return (*present, *((_SUMMARY.about(TemplateURL=url),) if url else ()))
    return (*present, *((_EXPORTS,) if templates.imports(body) else ()))


def followups(call: Call, answers: Answers) -> tuple[Lookup, ...]:
    """What the present template of a stack or a set calls for."""
    body = cloudformation_present.template(call, answers).body
    return (_EXPORTS,) if body and templates.imports(body) and _EXPORTS.key() not in answers else ()


def parts(call: Call, answers: Answers) -> tuple[Part, ...]:
    """What the template of a call creates that acts on something that exists."""
    template = cloudformation_present.template(call, answers)
    if not template.body and not cloudformation_present.uses_present(call):
        summary = [answers[lookup.key()] for lookup in lookups(call) if lookup.operation == _SUMMARY.operation]
        kinds = sorted({str(kind) for answer in summary for kind in answer.items if table().creation(str(kind))})
        return tuple(Part(f"{kind} ({_ADVICE})") for kind in kinds)
    if not templates.resources(template.body):
        return (Part(f"its template ({_ADVICE if call.clear_params.get('TemplateBody') else _UNREAD})"),)
    answer = answers.get(_EXPORTS.key())
    exports = {item["Name"]: item["Value"] for item in answer.items} if answer else {}
    found = templates.created(template.body, template.parameters, call.region, exports)
    made = (part_of(kind, f"{kind} {name}", values, call) for name, (kind, values) in found.items())
    return tuple(part for part in made if part is not None)


def _new(ref: TargetRef, _context: Context) -> Target:
    return Target(ref.id, "cfn-stack", ref.role, resolved=True)


RESOLVERS = {
    "cfn-new-stack": Resolver(_new, ASKS, lookups, followups, parts=lambda _ref, call, answers: parts(call, answers))
}
