"""Route tables, network ACLs and NAT gateways: they carry the clusters of the subnets they serve."""

from __future__ import annotations

from guardrails.resolve.resources.ec2_occupants import (
    ASKS,
    NAT_GATEWAYS,
    ROUTE_TABLES,
    Occupants,
    behind_nat,
    in_subnets,
    routed,
)
from guardrails.resolve.resources.resolver import Context, Item, Resolver, merged, strings, tags_of, unknown
from guardrails.values import Lookup, Target, TargetRef

_ACLS = Lookup("ec2", "DescribeNetworkAcls", "NetworkAcls")
_SUBNETS = "Associations[].SubnetId"


def _associated(item: Item, member: str, association_id: str) -> tuple[str, ...]:
    """The subnet of one association of a table or an ACL."""
    associations = item.get("Associations") or []
    return tuple(
        each["SubnetId"] for each in associations if each.get(member) == association_id and each.get("SubnetId")
    )


def _table_target(ref: TargetRef, table: Item, occupants: Occupants, context: Context) -> Target:
    tags = tags_of(table)
    return Target(
        ref.id,
        "route-table",
        ref.role,
        resolved=not occupants.missing,
        clusters=merged(occupants.clusters, [tags.get(context.inventory.cluster_tag)]),
        tags=tags,
        vpc=table.get("VpcId"),
        facts={"route_table": table.get("RouteTableId"), **occupants.facts},
    )


def _route_table(ref: TargetRef, context: Context) -> Target:
    table = context.first(ROUTE_TABLES, "RouteTableId", ref.id)
    if table is None:
        return unknown(ref, "route-table")
    return _table_target(ref, table, routed(table, context), context)


def _route_table_association(ref: TargetRef, context: Context) -> Target:
    table = context.first(ROUTE_TABLES, "Associations[].RouteTableAssociationId", ref.id)
    if table is None:
        return unknown(ref, "route-table")
    subnets = _associated(table, "RouteTableAssociationId", ref.id)
    # The main association, or a gateway's, has no subnet: it is for whatever the table routes.
    occupants = in_subnets(subnets, context) if subnets else routed(table, context)
    return _table_target(ref, table, occupants, context)


def _acl_target(ref: TargetRef, acl: Item, subnets: tuple[str, ...], context: Context) -> Target:
    tags = tags_of(acl)
    occupants = in_subnets(subnets, context)
    return Target(
        ref.id,
        "nacl",
        ref.role,
        resolved=not occupants.missing,
        clusters=merged(occupants.clusters, [tags.get(context.inventory.cluster_tag)]),
        tags=tags,
        vpc=acl.get("VpcId"),
        facts={"subnets": [*subnets], **occupants.facts},
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
    gateway = context.first(NAT_GATEWAYS, "NatGatewayId", ref.id)
    if gateway is None:
        return unknown(ref, "nat-gateway")
    tags = tags_of(gateway)
    occupants = behind_nat(gateway["NatGatewayId"], context)
    return Target(
        ref.id,
        "nat-gateway",
        ref.role,
        resolved=not occupants.missing,
        clusters=merged(occupants.clusters, [tags.get(context.inventory.cluster_tag)]),
        tags=tags,
        state=gateway.get("State"),
        vpc=gateway.get("VpcId"),
        subnet=gateway.get("SubnetId"),
        public_ips=merged(strings("NatGatewayAddresses[].PublicIp", gateway)),
        facts=occupants.facts,
    )


RESOLVERS = {
    "route-table": Resolver(_route_table, ASKS),
    "route-table-association": Resolver(_route_table_association, ASKS),
    "nacl": Resolver(_acl, (_ACLS, *ASKS)),
    "nacl-association": Resolver(_acl_association, (_ACLS, *ASKS)),
    "nat-gateway": Resolver(_nat_gateway, ASKS),
}
