"""Resources of any service, by the cluster tag that they carry: one look-up through the Resource Groups Tagging API.

The tag says which cluster a database, a bucket, a queue or a key belongs to. What is not tagged is followed through
what its service describes (trail.py); where that does not show whose it is, that is a fact, and policies decide.
"""

from __future__ import annotations

from collections.abc import Sequence

from attrs import evolve

from guardrails.resolve.resources import s3_buckets
from guardrails.resolve.resources.arns import KINDS, kind_of, parent_of, same, service_of
from guardrails.resolve.resources.ends import asks, followed
from guardrails.resolve.resources.resolver import (
    Answers,
    Context,
    Item,
    Resolver,
    carried_by,
    named,
    tags_of,
    unknown,
)
from guardrails.resolve.resources.tagging_api import (
    TAGGED,
    answered,
    believable,
    in_stacks,
    samples,
    tagged,
    tagged_with,
)
from guardrails.resolve.resources.trail import Trails, walk
from guardrails.values import Call, Lookup, Target, TargetFacts, TargetRef

# They are part of a container cluster, and belong to its cluster where they have no tag of their own.
_IN_ECS = ("ecs-service", "ecs-task", "ecs-service-deployment")
# What they encrypt counts whatever their own tag is.
_FOLLOWED = ("kms-key",)
# Of any service: the ARN says which.
_ANY = "marked"
# What shows who uses something that no look-up follows.
_USERS = {
    "s3-bucket": "the bucket's access log, and the settings of what reads it",
    "dynamodb-table": "the table's ConsumedReadCapacityUnits in CloudWatch",
}
_TRAIL = "the last events about it in CloudTrail"


def _origin(kind: str, name: str, call: Call) -> tuple[str, str]:
    """From where to follow what has no tag of its own."""
    if kind == _ANY:
        kind = kind_of(name)
    if kind not in _IN_ECS:
        return kind, name
    if kind == "ecs-service-deployment":
        return "ecs-cluster", name.split("/")[1] if name.count("/") > 1 else name
    return "ecs-cluster", parent_of(name, KINDS[kind], call)


def _clear(kind: str, call: Call) -> bool:
    """A call on a service or task names the container cluster only to find it."""
    return kind == "ecs-cluster" and any(target.type in _IN_ECS for target in call.targets)


def resolver(kind: str, trails: Trails) -> Resolver:
    """The resolver of a kind, which follows what has no tag."""

    def services(call: Call) -> list[str]:
        return (
            [KINDS[kind].service] if kind != _ANY else sorted({service_of(name) for name in named(call, _ANY)} - {""})
        )

    def lookups(call: Call, keys: tuple[str, ...]) -> tuple[Lookup, ...]:
        return (*tagged_with(keys, services(call)), *samples(keys))

    def followups(call: Call, answers: Answers) -> tuple[Lookup, ...]:
        stacks = in_stacks(services(call))
        items = answered(answers, but=stacks)
        names = [name for name in named(call, kind) if kind in _FOLLOWED or not same(kind, name, items, call)]
        origins = [_origin(kind, name, call) for name in names if not _clear(kind, call)]
        walks = [walk(origin, trails, answers) for origin in origins if origin[0] in trails]
        # They may fail: then whose the resource is stays unknown.
        more = [evolve(each, optional=True) for result in walks for each in result.pending.values()]
        own = s3_buckets.asked(names) if kind == s3_buckets.KIND else ()
        return (*(stacks if names else ()), *own, *more)

    def resolve(ref: TargetRef, context: Context) -> Target:
        items = same(kind, ref.id, tagged(context, services(context.call)), context.call)
        if kind == s3_buckets.KIND and not items:
            items = s3_buckets.tagged(ref.id, context.answers)
            if away := s3_buckets.away(items, context):
                return evolve(unknown(ref, kind), facts={"traced": False, "look_at": [away]})
        known = items or believable(context)
        return _carrying(ref, items, context, trails) if known else unknown(ref, kind)

    origins = (*_IN_ECS, kind) if kind == _ANY else (_origin(kind, "", Call("", "", {}, "", ""))[0],)
    followed = [each for origin in origins if origin in trails for each in asks(origin, trails)]
    own = [s3_buckets.TAGS] if kind == s3_buckets.KIND else []
    return Resolver(resolve, (TAGGED, *own, *followed), lookups, followups)


def _carrying(ref: TargetRef, items: Sequence[Item], context: Context, trails: Trails) -> Target:
    """The target with the tags of these items; where they name no cluster, it is followed."""
    tags = tags_of(items[0]) if items else {}
    clusters = carried_by(items, context)
    marked = any(context.inventory.ownership.named(tags_of(item)) for item in items)
    target = Target(ref.id, ref.type, ref.role, resolved=True, clusters=clusters, tags=tags, facts={"marked": marked})
    if marked and ref.type not in _FOLLOWED:
        return target
    return _followed(target, context, trails)


def _followed(target: Target, context: Context, trails: Trails) -> Target:
    """The same target with what its service describes."""
    origin = _origin(target.type, target.id, context.call)
    if _clear(target.type, context.call):
        return target
    if origin[0] not in trails:
        return target if target.facts.get("marked") else evolve(target, facts={**target.facts, **_untraced(origin[0])})
    return followed(target, origin, context, trails)


def _untraced(kind: str) -> TargetFacts:
    return {"traced": False, "look_at": [_USERS.get(kind, _TRAIL)]}


def resolvers(trails: Trails) -> dict[str, Resolver]:
    """The resolvers of these kinds; `trails` is the table that what has no tag is followed through."""
    return {kind: resolver(kind, trails) for kind in (*KINDS, _ANY)}
