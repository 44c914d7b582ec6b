"""What the ends of a trail mean: clusters, machines of unknown clusters, and what is not clear."""

from __future__ import annotations

from collections.abc import Iterable

from attrs import evolve

from guardrails.resolve import lists
from guardrails.resolve.resources.ec2_occupants import ASKS, Occupants, in_subnets, in_vpc
from guardrails.resolve.resources.resolver import Answers, Context, Resolver, merged, named, unknown
from guardrails.resolve.resources.trail import NEAR, NETWORKS, REGISTERED, UNKNOWN, Node, Trails, Walk, walk
from guardrails.values import Call, Lookup, Target, TargetFacts, TargetRef, frozen


@frozen
class Reached:
    """What a walk's ends mean. `unclear` names what may lead to a live cluster, for people to look at."""

    occupants: Occupants
    unclear: tuple[str, ...]

    @property
    def facts(self) -> TargetFacts:
        """The facts of a target that may belong to a cluster which no look-up shows."""
        return {"traced": False, "look_at": [*self.unclear]} if self.unclear else {}


def reached(result: Walk, context: Context) -> Reached:
    """The clusters at its ends, and what is not clear about it."""
    # An address that the region does not show is on a machine that it does not show.
    lost = {name for name in result.lost if name.startswith("eipalloc-")}
    occupants = Occupants(missing=frozenset(lost))
    unclear = [name for name in result.lost if name not in lost]
    unclear += [f"{lookup.permission} (it failed)" for lookup in result.pending.values()]
    networks_known = all(lists.is_known(lookup, context.answers) for lookup in ASKS)
    for kind, name in sorted(result.ends):
        if kind == UNKNOWN or (kind in NETWORKS and not networks_known):
            unclear.append(name)
        elif kind == NEAR:
            near = in_vpc(name, context)
            if near.untagged or near.missing or near.clusters & {*context.live_clusters}:
                unclear.append(_machines_in(name, near))
        else:
            there = tied(kind, name, context)
            occupants |= there
            if kind == REGISTERED and there == Occupants():
                unclear.append(name)
    return Reached(occupants, tuple(dict.fromkeys(unclear)))


def _machines_in(vpc: str, near: Occupants) -> str:
    clusters = sorted(near.clusters)
    return f"{vpc} (machines of {', '.join(clusters)})" if clusters else f"{vpc} (machines without a cluster tag)"


def tied(kind: str, name: str, context: Context) -> Occupants:
    """What an end stands for: a network with everything in it, or machines."""
    if kind == "vpc":
        return in_vpc(name, context)
    if kind == "subnet":
        return in_subnets([name], context)
    inventory = context.inventory
    missing = inventory.missing([name]) if kind == "instance" else ()
    kinds = ("instance", "private-ip") if kind == REGISTERED else (kind,)
    return Occupants(
        frozenset().union(*(inventory.clusters_on(each, name) for each in kinds)),
        frozenset().union(*(inventory.untagged_on(each, name) for each in kinds)),
        frozenset(missing),
    )


def followed(target: Target, origin: Node, context: Context, trails: Trails) -> Target:
    """A target without a tag of its own, with what following it shows."""
    if origin[0] not in trails:
        return target
    result = walk(origin, trails, context.answers, context.inventory.ownership)
    end = reached(result, context)
    found = merged(result.clusters, end.occupants.clusters)
    # What is inferred from its own tags leaves open who else depends on it.
    known = found or context.inventory.ownership.named(target.tags)
    clusters = merged(target.clusters, found)
    facts: TargetFacts = {**target.facts, **end.occupants.facts, **({} if known else end.facts)}
    return evolve(target, clusters=clusters, facts=facts, resolved=not end.occupants.missing)


def pending(call: Call, kinds: Iterable[str], trails: Trails, answers: Answers) -> tuple[Lookup, ...]:
    """The look-ups that come next for the call's targets of these kinds."""
    walks = [walk((kind, name), trails, answers) for kind in kinds for name in named(call, kind)]
    return tuple({key: lookup for each in walks for key, lookup in each.pending.items()}.values())


def follow(kind: str, trails: Trails) -> Resolver:
    """The resolver of a kind that a trail leads from."""

    def resolve(ref: TargetRef, context: Context) -> Target:
        ownership = context.inventory.ownership
        result = walk((kind, ref.id), trails, context.answers, ownership)
        if not (result.found or trails[kind].may_be_unused):
            return unknown(ref, kind)
        end = reached(result, context)
        # Its own tag says whose it is; what else it leads to counts only where that is clear.
        facts: TargetFacts = {**end.occupants.facts, **({} if ownership.named(result.tags) else end.facts)}
        return Target(
            ref.id,
            kind,
            ref.role,
            resolved=not end.occupants.missing,
            clusters=context.inventory.carried(result.tags, result.clusters, end.occupants.clusters),
            tags=result.tags,
            facts=facts,
        )

    return Resolver(
        resolve,
        asks(kind, trails),
        lambda call, _keys: pending(call, [kind], trails, {}),
        lambda call, answers: pending(call, [kind], trails, answers),
    )


def asks(kind: str, trails: Trails) -> tuple[Lookup, ...]:
    """Every look-up that following this kind may take."""
    kinds, todo = set[str](), [kind]
    while todo:
        each = todo.pop()
        if each not in kinds:
            kinds.add(each)
            todo += [tie for step in (trails[each].steps if each in trails else ()) for tie in step.ties]
            todo += trails[each].also if each in trails else ()
    lookups = [step.lookup for each in sorted(kinds & trails.keys()) for step in trails[each].steps]
    return (*lookups, *(ASKS if kinds & {*NETWORKS} else ()))
