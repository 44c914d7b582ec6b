"""VPCs, and subnets by id or by the association of an IPv6 range: they carry the clusters of the machines in them."""

from __future__ import annotations

from attrs import evolve

from guardrails.resolve.resources.ec2_occupants import ASKS, in_subnets, in_vpc, occupied
from guardrails.resolve.resources.resolver import Context, Resolver, tags_of, unknown
from guardrails.values import Lookup, Target, TargetFacts, TargetRef

_SUBNETS = Lookup("ec2", "DescribeSubnets", "Subnets")


def _subnet(names: str) -> Resolver:
    def resolve(ref: TargetRef, context: Context) -> Target:
        subnet = context.first(_SUBNETS, names, ref.id)
        if subnet is None:
            return unknown(ref, "subnet")
        inventory, tags, name = context.inventory, tags_of(subnet), subnet["SubnetId"]
        occupants = in_subnets([name], context)
        facts: TargetFacts = {
            "free_ips": subnet.get("AvailableIpAddressCount"),
            "cidr": subnet.get("CidrBlock"),
            "zone": subnet.get("AvailabilityZone"),
            "machines": len(inventory.on("subnet", name)),
        }
        target = occupied(ref, "subnet", occupants, context, tags, facts)
        return evolve(target, state=subnet.get("State"), vpc=subnet.get("VpcId"), subnet=name)

    return Resolver(resolve, (_SUBNETS, *ASKS))


def _vpc(ref: TargetRef, context: Context) -> Target:
    return occupied(ref, "vpc", in_vpc(ref.id, context), context)


RESOLVERS = {
    "vpc": Resolver(_vpc, ASKS),
    "subnet": _subnet("SubnetId"),
    "subnet-cidr-association": _subnet("Ipv6CidrBlockAssociationSet[].AssociationId"),
}
