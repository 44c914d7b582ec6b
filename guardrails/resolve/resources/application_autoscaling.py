"""What Application Auto Scaling scales, by resource id: ``service/CLUSTER/NAME``, ``table/NAME``, ``cluster:NAME``.

A scalable target carries the cluster that the service, table or database is tagged with, and that its ECS cluster is.
https://docs.aws.amazon.com/autoscaling/application/APIReference/API_RegisterScalableTarget.html
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from guardrails.resolve.resources.arns import resource_of
from guardrails.resolve.resources.autoscaling_later import shrinks
from guardrails.resolve.resources.resolver import Context, Item, Resolver, carried_by, judged, merged, named
from guardrails.resolve.resources.tagging_api import TAGGED, tagged, tagged_with
from guardrails.values import Call, Lookup, Target, TargetFacts, TargetRef

_TARGETS = Lookup("application-autoscaling", "DescribeScalableTargets", "ScalableTargets")
_POLICIES = Lookup("application-autoscaling", "DescribeScalingPolicies", "ScalingPolicies")
_SERVICES = Lookup("ecs", "DescribeServices", "services", empty_on=("ClusterNotFoundException",))
# What these set up is judged by the sizes that it leaves.
_SIZES = ("PutScalingPolicy", "PutScheduledAction", "RegisterScalableTarget")
_ECS = re.compile(r"service/(?P<cluster>[^/]+)/(?P<service>.+)")


def _registered(call: Call, name: str) -> Lookup:
    return _TARGETS.about(ServiceNamespace=call.params.get("ServiceNamespace"), ResourceIds=[name])


def _running(name: str) -> Lookup | None:
    """The look-up of a service's size, for ECS; of other services only AWS knows the size."""
    ecs = _ECS.fullmatch(name)
    return _SERVICES.about(cluster=ecs["cluster"], services=[ecs["service"]]) if ecs else None


def _lookups(call: Call, keys: tuple[str, ...]) -> tuple[Lookup, ...]:
    names = named(call, "scalable-target") if call.operation in _SIZES else ()
    sizes = [lookup for name in names for lookup in (_registered(call, name), _running(name)) if lookup]
    return (*tagged_with(keys), *sizes)


def _plain(name: str) -> str:
    """``replicationgroup/x`` for ``replication-group/x`` and ``replicationgroup:x``: AWS writes both."""
    return name.lower().replace("-", "").replace(":", "/")


def _clusters(name: str, context: Context) -> tuple[str, ...]:
    ecs = _ECS.fullmatch(name)
    names = [name, f"cluster/{ecs['cluster']}", f"service/{ecs['service']}"] if ecs else [name]
    wanted = {*map(_plain, names)}
    items = [item for item in tagged(context) if _plain(resource_of(item["ResourceARN"])) in wanted]
    fleet = name.partition("spot-fleet-request/")[2]
    machines = context.inventory.on("tag", f"aws:ec2spot:fleet-request-id={fleet}")
    return merged(carried_by(items, context), (machine.cluster for machine in machines))


def _target(ref: TargetRef, context: Context) -> Target:
    clusters, call = _clusters(ref.id, context), context.call
    target = Target(
        ref.id,
        "scalable-target",
        ref.role,
        resolved=True,
        clusters=clusters,
        facts={} if clusters else {"traced": False},
    )
    if call.operation not in _SIZES:
        return target
    dimension = call.params.get("ScalableDimension")
    items = [item for item in context.items(_registered(call, ref.id)) if item["ScalableDimension"] == dimension]
    lookup = _running(ref.id)
    services = context.items(lookup) if lookup else ()
    size = services[0]["desiredCount"] if services else items[0]["MaxCapacity"] if items else None
    if size is None and call.operation == "RegisterScalableTarget":
        return target
    return judged(target, _harm(call.params, items, size), "it keeps the size that there is now")


def _harm(params: Mapping[str, Any], items: list[Item], size: int | None) -> str | None:
    """What is scheduled, registered or written would do to what has this size now, None where it keeps it."""
    if "PolicyName" in params:
        policy = {**params, **(params.get("StepScalingPolicyConfiguration") or {})}
        policy["TargetTrackingConfiguration"] = params.get("TargetTrackingScalingPolicyConfiguration")
        least = items[0]["MinCapacity"] if items else 0
        return shrinks(policy, least, least + 1 if size is None else size)
    limits = params.get("ScalableTargetAction") or params
    most, least = limits.get("MaxCapacity"), limits.get("MinCapacity")
    if isinstance(most, int) and (size is None or most < size):
        there = "how many there are is unknown" if size is None else f"there are {size}"
        return f"It allows {most} at most, and {there}"
    # What has no minimum yet is not scaled: it stays as it is.
    held = items[0]["MinCapacity"] if items else size
    if isinstance(least, int) and (held is None or least < held):
        return f"It may become as small as {least} then, and now it keeps {held or 'an unknown number'}"
    return None


def _scaled_by(arn: str) -> tuple[str, str]:
    """Namespace and resource of a policy's ARN: ``…:resource/ecs/service/CLUSTER/NAME:policyName/POLICY``."""
    namespace, _, name = arn.partition(":resource/")[2].partition(":policyName/")[0].partition("/")
    return namespace, name


def _policies(arn: str) -> Lookup:
    return _POLICIES.about(ServiceNamespace=_scaled_by(arn)[0], ResourceId=_scaled_by(arn)[1])


def _policy(ref: TargetRef, context: Context) -> Target:
    """A policy that an alarm executes: it may be executed at any size above the least."""
    clusters = _clusters(_scaled_by(ref.id)[1], context)
    facts: TargetFacts = {} if clusters else {"traced": False}
    target = Target(ref.id, "scalable-target", ref.role, resolved=True, clusters=clusters, facts=facts)
    policies = [item for item in context.items(_policies(ref.id)) if item["PolicyARN"] == ref.id]
    if not policies:
        return judged(target, "What the policy does is unknown", "")
    step = {**policies[0], **(policies[0].get("StepScalingPolicyConfiguration") or {})}
    step["TargetTrackingConfiguration"] = step.get("TargetTrackingScalingPolicyConfiguration")
    return judged(target, shrinks(step, 0, 1), "the policy takes nothing away")


RESOLVERS = {
    "scalable-target": Resolver(_target, (TAGGED, _TARGETS, _SERVICES), _lookups),
    "scalable-policy": Resolver(
        _policy,
        (TAGGED, _POLICIES),
        lambda call, keys: (*tagged_with(keys), *(_policies(name) for name in named(call, "scalable-policy"))),
    ),
}
