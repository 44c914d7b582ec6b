"""Route tables, network ACLs and NAT gateways: they carry the clusters of the subnets they serve."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from guardrails.resolve.inventory import Inventory
from guardrails.resolve.resources.resolver import Context, Resolver, always, merged, tags_of, unknown
from guardrails.values import Lookup, Target, TargetRef

ROUTE_TABLES = Lookup("ec2", "DescribeRouteTables", "RouteTables")
ACLS = Lookup("ec2", "DescribeNetworkAcls", "NetworkAcls")
NAT_GATEWAYS = Lookup("ec2", "DescribeNatGateways", "NatGateways")


def _routed_subnets(table: Mapping[str, Any]) -> tuple[set[str], str | None]:
    """The subnets explicitly on this table, and the VPC whose remaining subnets it routes when it is the main one."""
    associations = table.get("Associations") or []
    main = table.get("VpcId") if any(association.get("Main") for association in associations) else None
    return {association["SubnetId"] for association in associations if association.get("SubnetId")}, main


def _clusters_routed(table: Mapping[str, Any], context: Context) -> set[str]:
    inventory = context.inventory
    subnets, main_of = _routed_subnets(table)
    carried: set[str] = set()
    if main_of:
        elsewhere: set[str] = set()
        for other in context.items(ROUTE_TABLES):
            if other is not table:
                elsewhere |= _routed_subnets(other)[0]
        for machine in inventory.on("vpc", main_of):
            if machine.cluster and not set(machine.subnets) <= elsewhere:
                carried.add(machine.cluster)
    for subnet in subnets:
        carried |= inventory.clusters_on("subnet", subnet)
    return carried


def _table_target(ref: TargetRef, table: Mapping[str, Any], clusters: set[str], context: Context) -> Target:
    tags = tags_of(table)
    return Target(
        ref.id,
        "route-table",
        ref.role,
        resolved=True,
        clusters=merged(clusters, [tags.get(context.inventory.cluster_tag)]),
        tags=tags,
        vpc=table.get("VpcId"),
        facts={"route_table": table.get("RouteTableId")},
    )


def _route_table(ref: TargetRef, context: Context) -> Target:
    for table in context.items(ROUTE_TABLES):
        if table.get("RouteTableId") == ref.id:
            return _table_target(ref, table, _clusters_routed(table, context), context)
    return unknown(ref, "route-table")


def _route_table_association(ref: TargetRef, context: Context) -> Target:
    for table in context.items(ROUTE_TABLES):
        for association in table.get("Associations") or []:
            if association.get("RouteTableAssociationId") != ref.id:
                continue
            if association.get("SubnetId"):
                clusters = context.inventory.clusters_on("subnet", association["SubnetId"])
            else:
                # The main association, or a gateway's: whatever the table routes.
                clusters = _clusters_routed(table, context)
            return _table_target(ref, table, clusters, context)
    return unknown(ref, "route-table")


def _acl_target(ref: TargetRef, acl: Mapping[str, Any], subnets: list[str], inventory: Inventory) -> Target:
    tags = tags_of(acl)
    carried: set[str] = set()
    for subnet in subnets:
        carried |= inventory.clusters_on("subnet", subnet)
    return Target(
        ref.id,
        "nacl",
        ref.role,
        resolved=True,
        clusters=merged(carried, [tags.get(inventory.cluster_tag)]),
        tags=tags,
        vpc=acl.get("VpcId"),
        facts={"subnets": subnets},
    )


def _acl(ref: TargetRef, context: Context) -> Target:
    for acl in context.items(ACLS):
        if acl.get("NetworkAclId") == ref.id:
            subnets = [association["SubnetId"] for association in acl.get("Associations") or []]
            return _acl_target(ref, acl, subnets, context.inventory)
    return unknown(ref, "nacl")


def _acl_association(ref: TargetRef, context: Context) -> Target:
    for acl in context.items(ACLS):
        for association in acl.get("Associations") or []:
            if association.get("NetworkAclAssociationId") == ref.id:
                return _acl_target(ref, acl, [association["SubnetId"]], context.inventory)
    return unknown(ref, "nacl")


def _nat_gateway(ref: TargetRef, context: Context) -> Target:
    for gateway in context.items(NAT_GATEWAYS):
        if gateway.get("NatGatewayId") == ref.id:
            tags = tags_of(gateway)
            return Target(
                ref.id,
                "nat-gateway",
                ref.role,
                resolved=True,
                # Which subnets route through it would take one more look-up; anyone in the network may.
                clusters=merged(
                    context.inventory.clusters_on("vpc", gateway.get("VpcId")),
                    [tags.get(context.inventory.cluster_tag)],
                ),
                tags=tags,
                state=gateway.get("State"),
                vpc=gateway.get("VpcId"),
                subnet=gateway.get("SubnetId"),
                public_ips=merged(address.get("PublicIp") for address in gateway.get("NatGatewayAddresses") or []),
            )
    return unknown(ref, "nat-gateway")


RESOLVERS = {
    "route-table": Resolver(always(ROUTE_TABLES), _route_table),
    "route-table-association": Resolver(always(ROUTE_TABLES), _route_table_association),
    "nacl": Resolver(always(ACLS), _acl),
    "nacl-association": Resolver(always(ACLS), _acl_association),
    "nat-gateway": Resolver(always(NAT_GATEWAYS), _nat_gateway),
}
