"""Resources of CloudFormation whose type says no more than its service: by the cluster tag that they carry.

Cloud Control and stacks name them by an identifier, which may have several parts: ``API|STAGE``, ``NAME|ID|SCOPE``.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable

from attrs import evolve

from guardrails.aws import resource_ids
from guardrails.aws.cloudformation import arn_services, table
from guardrails.aws.cloudformation import service_of as cfn_service_of
from guardrails.resolve.ownership import STACK
from guardrails.resolve.resources.arns import resource_of, service_of
from guardrails.resolve.resources.naming import before, closest, is_made_up, is_under, means, segments
from guardrails.resolve.resources.resolver import Context, Item, Resolver, carried_by, last_part, tags_of
from guardrails.resolve.resources.tagging_api import TAGGED, tagged, tagged_with
from guardrails.values import Call, Lookup, Target, TargetFacts, TargetRef

_HIDDEN = (
    "the resource of that name in its service: the ARNs of what the live cluster has there do not show their names"
)


def _of_any_service(_call: Call, keys: tuple[str, ...]) -> tuple[Lookup, ...]:
    # Without the permission for it, what hurts no machine is left alone.
    return tuple(evolve(each, optional=True) for each in tagged_with(keys))


def _parts(identifier: str) -> list[str]:
    """The names, ids or ARNs in an identifier; a queue is named by its URL."""
    try:
        document = json.loads(identifier) if identifier.startswith("{") else None
    except ValueError:
        document = None
    parts = [str(each) for each in document.values()] if isinstance(document, dict) else identifier.split("|")
    return [each.rstrip("/").rpartition("/")[2] if "://" in each else each for each in parts if each]


def _words(arn: str) -> set[str]:
    """The kinds, names and ids in an ARN, in lower case."""
    return {*segments(resource_of(arn).lower())}


def _is_of(kind: str, arn: str) -> bool:
    """Whether an ARN has the type's own word: ``stages`` for a Stage."""
    word = kind.rpartition("::")[2].lower()
    return not {word, f"{word}s"}.isdisjoint(re.sub(r"\W", "", each) for each in _words(arn))


def _named(parts: list[str], items: Iterable[Item], case: Callable[[str], str]) -> list[Item]:
    """The items that one of the parts names, where all that those are in is named, too."""
    words = {each.lower() for each in parts}

    def inside(part: str, arn: str) -> bool:
        wholes = {*before(part.lower(), arn.lower())[1::2]}
        return len(parts) == 1 or is_made_up(part) or part.startswith("arn:") or wholes <= words

    arns = [(item, item["ResourceARN"]) for item in items]
    return [
        item
        for item, arn in arns
        if any(means(case(part), case(arn)) and inside(part, arn) for part in parts)
        or any(is_under(part, arn) for part in parts)
    ]


def _found(kind: str, identifier: str, items: Iterable[Item]) -> list[Item]:
    """What the identifier means among these: by most of its parts, and of its own type where some are."""
    parts, items = _parts(identifier), [*items]
    if whole := [item for item in items if item["ResourceARN"] in parts]:
        return whole
    named = _named(parts, items, str) or _named(parts, items, str.lower)
    words = {each.lower() for each in parts}
    best = closest(named, lambda arn: len(words & _words(arn)))
    return [item for item in best if _is_of(kind, item["ResourceARN"])] or best


def _hides(kind: str, ref: TargetRef, items: Iterable[Item], context: Context) -> bool:
    """Whether the live cluster has resources of the service whose ARNs do not show the names that stacks use."""
    if ref.id.startswith("arn:") or any(map(is_made_up, _parts(ref.id))) or not arn_services(kind):
        return False
    arns = ((item, item["ResourceARN"]) for item in items)
    hidden = [item for item, arn in arns if is_made_up(last_part(arn)) and _is_of(kind, arn)]
    return not {*carried_by(hidden, context)}.isdisjoint(context.live_clusters)


def _resource(ref: TargetRef, context: Context) -> Target:
    kind = next(iter(ref.values), "")
    # Of a service whose ARNs are not known, any may be meant.
    services = arn_services(kind)
    items = [item for item in tagged(context) if not services or service_of(item["ResourceARN"]) in services]
    found = _found(kind, ref.id, items)
    # A stage has the same name in many stacks; which one is in this stack, AWS's own tag says.
    stack = context.call.params.get("StackName")
    here = [item for item in found if stack and tags_of(item).get(STACK) == stack]
    clusters = carried_by(here or found, context)
    facts: TargetFacts = {"marked": bool(clusters)}
    if not clusters and _hides(kind, ref, items, context):
        facts.update({"traced": False, "look_at": [_HIDDEN]})
    elif not clusters:
        # Resources of other services hurt no machine, whatever happens to them. What the name holds is followed itself.
        of_machines = cfn_service_of(kind) in {"", *table().services}
        facts.update(
            {"traced": False}
            if of_machines and not ({*resource_ids.in_text(ref.id)} - {ref.id})
            else {"unrelated": True}
        )
    return Target(ref.id, ref.type, ref.role, resolved=True, clusters=clusters, facts=facts)


RESOLVERS = {"cfn-resource": Resolver(_resource, (TAGGED,), _of_any_service)}
