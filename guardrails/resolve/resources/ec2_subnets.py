"""Subnets, by id or by the association of an IPv6 range: a subnet carries the clusters of the machines in it."""

from __future__ import annotations

from guardrails.resolve.resources.resolver import Context, Resolver, merged, tags_of, unknown
from guardrails.values import Lookup, Target, TargetRef

_SUBNETS = Lookup("ec2", "DescribeSubnets", "Subnets")


def _subnet(names: str) -> Resolver:
    def resolve(ref: TargetRef, context: Context) -> Target:
        subnet = context.first(_SUBNETS, names, ref.id)
        if subnet is None:
            return unknown(ref, "subnet")
        inventory, tags, name = context.inventory, tags_of(subnet), subnet["SubnetId"]
        return Target(
            ref.id,
            "subnet",
            ref.role,
            resolved=True,
            clusters=merged(inventory.clusters_on("subnet", name), [tags.get(inventory.cluster_tag)]),
            tags=tags,
            state=subnet.get("State"),
            vpc=subnet.get("VpcId"),
            subnet=name,
            facts={
                "free_ips": subnet.get("AvailableIpAddressCount"),
                "cidr": subnet.get("CidrBlock"),
                "zone": subnet.get("AvailabilityZone"),
                "machines": len(inventory.on("subnet", name)),
            },
        )

    return Resolver(resolve, (_SUBNETS,))


RESOLVERS = {
    "subnet": _subnet("SubnetId"),
    "subnet-cidr-association": _subnet("Ipv6CidrBlockAssociationSet[].AssociationId"),
}
