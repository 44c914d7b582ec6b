"""Targets of any type: ARNs and ids that tagging calls name, and the parameter that names the live cluster."""

from __future__ import annotations

from attrs import evolve

from guardrails.aws.parameter_names import same_parameter
from guardrails.resolve.inventory import ADDRESSES
from guardrails.resolve.resources import ec2_elastic_ips, ec2_instances, ec2_tags
from guardrails.resolve.resources.resolver import Context, Resolver, unknown
from guardrails.values import Call, Lookup, Target, TargetRef

_BY_PREFIX = {
    "i": ec2_instances.RESOLVERS["instance"],
    "eipalloc": ec2_elastic_ips.RESOLVERS["address"],
    "eipassoc": ec2_elastic_ips.RESOLVERS["address"],
}


def _followed(name: str) -> bool:
    """Whether more than its tags is looked up."""
    return name.partition("-")[0] in _BY_PREFIX


def _in_ec2(ref: TargetRef) -> str:
    """The id in ``arn:aws:ec2:region:account:volume/vol-…``, or the id itself; "" for other ARNs."""
    if ref.type != "arn":
        return ref.id
    parts = ref.id.split(":", 5)
    return parts[5].rpartition("/")[2] if len(parts) == 6 and parts[2] == "ec2" else ""


def _by_tags(call: Call) -> list[str]:
    ids = (_in_ec2(ref) for ref in call.targets if ref.type in ("ec2-resource", "arn"))
    return [each for each in ids if each and not _followed(each)]


def _lookups(call: Call, keys: tuple[str, ...]) -> tuple[Lookup, ...]:
    return (ADDRESSES, *ec2_tags.about(_by_tags(call), keys))


def _ec2_resource(ref: TargetRef, context: Context) -> Target:
    """A machine or an address; of anything else, such as a snapshot or a group, the cluster that its own tag names."""
    if _followed(ref.id):
        return _BY_PREFIX[ref.id.partition("-")[0]].resolve(ref, context)
    tags = ec2_tags.tags(_by_tags(context.call), ref.id, context)
    if tags is None:
        return unknown(ref, "ec2-resource")
    return Target(ref.id, "ec2-resource", ref.role, resolved=True, clusters=context.inventory.carried(tags), tags=tags)


def _arn(ref: TargetRef, context: Context) -> Target:
    """``arn:aws:ec2:region:account:instance/i-…``; an ARN of another region is unresolved."""
    parts, resource = ref.id.split(":", 5), _in_ec2(ref)
    if not resource:
        return Target(ref.id, "other", ref.role, resolved=len(parts) == 6)
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
    "ec2-resource": Resolver(_ec2_resource, (ADDRESSES, ec2_tags.TAGS), _lookups),
    "arn": Resolver(_arn, (ADDRESSES, ec2_tags.TAGS), _lookups),
    "ssm-parameter": Resolver(_pointer),
    "other": Resolver(_other),
}
