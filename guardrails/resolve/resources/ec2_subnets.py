"""Subnets, by id or by the association of an IPv6 range: a subnet carries the clusters of the machines on it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from guardrails.resolve.resources.resolver import Context, Resolver, always, merged, tags_of, unknown
from guardrails.values import Lookup, Target, TargetRef

SUBNETS = Lookup("ec2", "DescribeSubnets", "Subnets")


def _subnet_target(ref: TargetRef, subnet: Mapping[str, Any], context: Context) -> Target:
    tags = tags_of(subnet)
    return Target(
        ref.id,
        "subnet",
        ref.role,
        resolved=True,
        clusters=merged(
            context.inventory.clusters_on("subnet", subnet["SubnetId"]), [tags.get(context.inventory.cluster_tag)]
        ),
        tags=tags,
        state=subnet.get("State"),
        vpc=subnet.get("VpcId"),
        subnet=subnet["SubnetId"],
        facts={
            "free_ips": subnet.get("AvailableIpAddressCount"),
            "cidr": subnet.get("CidrBlock"),
            "zone": subnet.get("AvailabilityZone"),
            "machines": len(context.inventory.on("subnet", subnet["SubnetId"])),
        },
    )


def _subnet(ref: TargetRef, context: Context) -> Target:
    for subnet in context.items(SUBNETS):
        if subnet["SubnetId"] == ref.id:
            return _subnet_target(ref, subnet, context)
    return unknown(ref, "subnet")


def _subnet_cidr(ref: TargetRef, context: Context) -> Target:
    for subnet in context.items(SUBNETS):
        ranges = subnet.get("Ipv6CidrBlockAssociationSet") or []
        if any(block.get("AssociationId") == ref.id for block in ranges):
            return _subnet_target(ref, subnet, context)
    return unknown(ref, "subnet")


RESOLVERS = {
    "subnet": Resolver(always(SUBNETS), _subnet),
    "subnet-cidr-association": Resolver(always(SUBNETS), _subnet_cidr),
}
