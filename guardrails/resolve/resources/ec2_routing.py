"""Route tables, network ACLs and NAT gateways: they carry the clusters of the subnets they serve."""

from __future__ import annotations

from guardrails.resolve.resources.resolver import Context, Item, Resolver, merged, strings, tags_of, unknown
from guardrails.values import Lookup, Target, TargetRef

_ROUTE_TABLES = Lookup("ec2", "DescribeRouteTables", "RouteTables")
_ACLS = Lookup("ec2", "DescribeNetworkAcls", "NetworkAcls")
_NAT_GATEWAYS = Lookup("ec2", "DescribeNatGateways", "NatGateways")
_SUBNETS = "Associations[].SubnetId"


def _associated(item: Item, member: str, association_id: str) -> tuple[str, ...]:
    """The subnet of one association of a table or an ACL."""
    associations = item.get("Associations") or []
    return tuple(
        each["SubnetId"] for each in associations if each.get(member) == association_id and each.get("SubnetId")
    )


def _clusters_in(subnets: tuple[str, ...], context: Context) -> set[str]:
    return set().union(*(context.inventory.clusters_on("subnet", subnet) for subnet in subnets))


def _clusters_routed(table: Item, context: Context) -> set[str]:
    """The clusters in the subnets of this table. The main table of a VPC also serves every subnet without its own."""
    carried = _clusters_in(strings(_SUBNETS, table), context)
    if any(association.get("Main") for association in table.get("Associations") or []):
        others = [other for other in context.items(_ROUTE_TABLES) if other is not table]
        elsewhere = {subnet for other in others for subnet in strings(_SUBNETS, other)}
        for machine in context.inventory.on("vpc", table.get("VpcId")):
            if machine.cluster and not set(machine.subnets) <= elsewhere:
                carried.add(machine.cluster)
    return carried


def _table_target(ref: TargetRef, table: Item, clusters: set[str], context: Context) -> Target:
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
    table = context.first(_ROUTE_TABLES, "RouteTableId", ref.id)
    if table is None:
        return unknown(ref, "route-table")
    return _table_target(ref, table, _clusters_routed(table, context), context)


def _route_table_association(ref: TargetRef, context: Context) -> Target:
    table = context.first(_ROUTE_TABLES, "Associations[].RouteTableAssociationId", ref.id)
    if table is None:
        return unknown(ref, "route-table")
    subnets = _associated(table, "RouteTableAssociationId", ref.id)
    # The main association, or a gateway's, has no subnet: it is for whatever the table routes.
    clusters = _clusters_in(subnets, context) if subnets else _clusters_routed(table, context)
    return _table_target(ref, table, clusters, context)


def _acl_target(ref: TargetRef, acl: Item, subnets: tuple[str, ...], context: Context) -> Target:
    tags = tags_of(acl)
    return Target(
        ref.id,
        "nacl",
        ref.role,
        resolved=True,
        clusters=merged(_clusters_in(subnets, context), [tags.get(context.inventory.cluster_tag)]),
        tags=tags,
        vpc=acl.get("VpcId"),
        facts={"subnets": [*subnets]},
    )


def _acl(ref: TargetRef, context: Context) -> Target:
    acl = context.first(_ACLS, "NetworkAclId", ref.id)
    return unknown(ref, "nacl") if acl is None else _acl_target(ref, acl, strings(_SUBNETS, acl), context)


def _acl_association(ref: TargetRef, context: Context) -> Target:
    acl = context.first(_ACLS, "Associations[].NetworkAclAssociationId", ref.id)
    if acl is None:
        return unknown(ref, "nacl")
    return _acl_target(ref, acl, _associated(acl, "NetworkAclAssociationId", ref.id), context)


def _nat_gateway(ref: TargetRef, context: Context) -> Target:
    gateway = context.first(_NAT_GATEWAYS, "NatGatewayId", ref.id)
    if gateway is None:
        return unknown(ref, "nat-gateway")
    tags = tags_of(gateway)
    # Which subnets route through it would take one more look-up; any machine in the VPC may use it.
    clusters = context.inventory.clusters_on("vpc", gateway.get("VpcId"))
    return Target(
        ref.id,
        "nat-gateway",
        ref.role,
        resolved=True,
        clusters=merged(clusters, [tags.get(context.inventory.cluster_tag)]),
        tags=tags,
        state=gateway.get("State"),
        vpc=gateway.get("VpcId"),
        subnet=gateway.get("SubnetId"),
        public_ips=merged(strings("NatGatewayAddresses[].PublicIp", gateway)),
    )


RESOLVERS = {
    "route-table": Resolver(_route_table, (_ROUTE_TABLES,)),
    "route-table-association": Resolver(_route_table_association, (_ROUTE_TABLES,)),
    "nacl": Resolver(_acl, (_ACLS,)),
    "nacl-association": Resolver(_acl_association, (_ACLS,)),
    "nat-gateway": Resolver(_nat_gateway, (_NAT_GATEWAYS,)),
}
