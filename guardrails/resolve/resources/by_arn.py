"""Targets of any type: ARNs and ids that tagging calls name, and the parameter that names the live cluster."""

from __future__ import annotations

from attrs import evolve

from guardrails.aws.parameter_names import same_parameter
from guardrails.resolve.inventory import ADDRESSES
from guardrails.resolve.resources import ec2_elastic_ips, ec2_instances
from guardrails.resolve.resources.resolver import Context, Resolver
from guardrails.values import Target, TargetRef

_BY_PREFIX = {
    "i": ec2_instances.RESOLVERS["instance"],
    "eipalloc": ec2_elastic_ips.RESOLVERS["address"],
    "eipassoc": ec2_elastic_ips.RESOLVERS["address"],
}


def _ec2_resource(ref: TargetRef, context: Context) -> Target:
    """Only the tags of machines and addresses are evidence of liveness; those of a snapshot or subnet are not."""
    resolver = _BY_PREFIX.get(ref.id.partition("-")[0])
    if resolver is None:
        return Target(ref.id, "other", ref.role, resolved=True)
    return resolver.resolve(ref, context)


def _arn(ref: TargetRef, context: Context) -> Target:
    """``arn:aws:ec2:region:account:instance/i-…``; an ARN of another region is unresolved."""
    parts = ref.id.split(":", 5)
    if len(parts) != 6 or parts[2] != "ec2":
        return Target(ref.id, "other", ref.role, resolved=len(parts) == 6)
    kind, _, resource = parts[5].partition("/")
    if kind not in ("instance", "elastic-ip"):
        return Target(ref.id, "other", ref.role, resolved=True)
    target = _ec2_resource(TargetRef(resource, "ec2-resource", ref.role), context)
    # Targets are listed by what the caller wrote.
    return evolve(target, id=ref.id, resolved=target.resolved and parts[3] == context.call.region)


def _pointer(ref: TargetRef, context: Context) -> Target:
    clusters = context.live_clusters if same_parameter(ref.id, context.pointer) else ()
    return Target(ref.id, "ssm-parameter", ref.role, resolved=True, clusters=clusters)


def _other(ref: TargetRef, _: Context) -> Target:
    """A type without a look-up: unknown, so that a rule may deny it."""
    return Target(ref.id, "other", ref.role, resolved=False)


RESOLVERS = {
    "ec2-resource": Resolver(_ec2_resource, (ADDRESSES,)),
    "arn": Resolver(_arn, (ADDRESSES,)),
    "ssm-parameter": Resolver(_pointer),
    "other": Resolver(_other),
}
