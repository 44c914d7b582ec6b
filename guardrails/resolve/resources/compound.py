"""Targets that are made of others: each part is resolved by the resolver of its own type, and the whole carries all.

The parts are known once a look-up has listed them, and have look-ups of their own: a further round for each level. What
could not be followed is named in the facts of the whole; it is never "nothing".
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping

from attrs import evolve

from guardrails.resolve.resources.resolver import Answers, Context, Part, Resolver, merged
from guardrails.values import NOTHING_PRIVATE, Call, Lookup, Target, TargetFacts, TargetRef
from guardrails.values import Part as PartFacts

Resolvers = Mapping[str, Resolver]
# Stacks in stacks, deeper than any that is in use; a stack that contains itself ends here, too.
_LEVELS = 5
# A role that no machine has: what uses it is no machine.
_OF_NO_MACHINE = frozenset(("iam-role",))


def followups(
    call: Call, answers: Answers, keys: tuple[str, ...], resolvers: Resolvers, level: int = 0
) -> Iterator[Lookup]:
    """The look-ups for the parts of the call's targets, as far as the answers tell which parts there are."""
    for ref in call.targets if level < _LEVELS else ():
        parts = resolvers[ref.type].parts
        for own in _calls(call, parts(ref, call, answers)).values() if parts else ():
            resolver = resolvers[own.targets[0].type]
            wanted = resolver.lookups(own, keys)
            yield from wanted
            if _answered(wanted, answers):
                yield from resolver.followups(own, answers)
                yield from followups(own, answers, keys, resolvers, level + 1)


def resolve(ref: TargetRef, context: Context, resolvers: Resolvers, level: int = 0) -> Target:
    """The target, with its parts where it has any."""
    resolver = resolvers[ref.type]
    target = resolver.resolve(ref, context)
    if resolver.parts is None:
        return target
    parts = resolver.parts(ref, context.call, context.answers)
    calls = _calls(context.call, parts)
    contexts = {key: evolve(context, call=own, indexes={}) for key, own in calls.items()}
    found: list[tuple[Part, list[Target]]] = []
    for part in parts:
        inside = [(other, contexts[_key(part, other)]) for other in part.refs]
        known = level < _LEVELS and all(
            _answered(resolvers[other.type].lookups(where.call, where.inventory.ownership.tags), where.answers)
            and _answered(resolvers[other.type].followups(where.call, where.answers), where.answers)
            for other, where in inside
        )
        found.append((part, [resolve(other, where, resolvers, level + 1) for other, where in inside] if known else []))
    return _whole(target, found)


def _answered(lookups: Iterable[Lookup], answers: Answers) -> bool:
    return all(lookup.optional or lookup.key() in answers for lookup in lookups)


def _key(part: Part, ref: TargetRef) -> tuple[str, str]:
    return ref.type, part.native + part.deletes + json.dumps(part.params, sort_keys=True)


def _calls(call: Call, parts: Iterable[Part]) -> dict[tuple[str, str], Call]:
    """A call for the parts of each type, so that one look-up answers for all of them."""
    calls: dict[tuple[str, str], Call] = {}
    for part in parts:
        for ref in part.refs:
            known = calls.get(_key(part, ref), _call(call, part))
            if ref not in known.targets:
                calls[_key(part, ref)] = evolve(known, targets=(*known.targets, ref))
    return calls


def _call(call: Call, part: Part) -> Call:
    own = evolve(call, operation="", params=part.params, targets=(), tags=None)
    service, _, operation = (part.native or part.deletes).partition(":")
    return evolve(own, service=service, operation=operation, private=NOTHING_PRIVATE) if operation else own


def _loses(part: Part, targets: list[Target]) -> list[Target]:
    """Of what a part that is created acts on, what loses something: not what is spared or gets its own cluster's."""
    if not part.native:
        return targets
    getting = [each for each in targets if each.role == "destination"]
    acted_on = [each for each in targets if each.role == "target" and not (each.resolved and "spared" in each.facts)]
    if not getting:
        return acted_on
    joining = {cluster for each in getting for cluster in each.clusters}
    known = all(each.resolved and each.clusters for each in getting)
    return [each for each in acted_on if not (known and joining <= {*each.clusters})]


def _whole(target: Target, found: Iterable[tuple[Part, list[Target]]]) -> Target:
    untagged, missing = {*target.facts.get("untagged", ())}, {*target.facts.get("missing", ())}
    parts: list[PartFacts] = []
    unread: list[str] = []
    untraced: list[str] = []
    related = bool(target.clusters or untagged or target.facts.get("traced") is False)
    for part, targets in found:
        if not targets:
            unread.append(part.name)
        for each in _loses(part, targets):
            if each.type == "instance" and each.state == "terminated":
                continue
            facts = each.facts
            inner = facts.get("unread", [])
            if not (each.resolved or inner or facts.get("missing")):
                unread.append(part.name)
            unread += inner
            untraced += facts.get("untraced", []) or ([part.name] if _is_untraced(each) else [])
            inside = facts.get("parts", [])
            parts += inside or ([PartFacts(name=part.name, clusters=[*each.clusters])] if each.clusters else [])
            untagged |= _untagged(each)
            missing |= {*facts.get("missing", ())}
            related = related or not facts.get("unrelated", False)
    more: TargetFacts = {
        "parts": sorted(parts, key=lambda part: part["name"]),
        "unread": sorted({*unread}),
        "untraced": sorted({*untraced}),
        "untagged": sorted(untagged),
        "unrelated": target.resolved and not (related or unread),
    }
    facts = {**target.facts, **more}
    if untraced:
        facts["traced"] = False
    if missing:
        facts["missing"] = sorted(missing)
    return evolve(target, clusters=merged(target.clusters, *(part["clusters"] for part in parts)), facts=facts)


def _is_untraced(target: Target) -> bool:
    return not target.clusters and target.facts.get("traced") is False and target.type not in _OF_NO_MACHINE


def _untagged(target: Target) -> set[str]:
    if target.type == "instance" and target.resolved and not target.clusters:
        return {target.id}
    return {*target.facts.get("untagged", ())}
