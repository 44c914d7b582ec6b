"""Route tables, network ACLs and NAT gateways: they carry the clusters of the subnets they serve."""

from __future__ import annotations

import ipaddress

from attrs import evolve

from guardrails.resolve.lists import ROUTE_TABLES
from guardrails.resolve.resources.ec2_occupants import (
    ASKS,
    NAT_GATEWAYS,
    Occupants,
    behind_nat,
    in_subnets,
    occupied,
    routed,
)
from guardrails.resolve.resources.resolver import Context, Item, Resolver, merged, strings, tags_of, unknown
from guardrails.values import Lookup, Target, TargetFacts, TargetRef

_ACLS = Lookup("ec2", "DescribeNetworkAcls", "NetworkAcls")
_SUBNETS = "Associations[].SubnetId"
# What a route is for, in a call and in a description.
_DESTINATIONS = ("DestinationCidrBlock", "DestinationIpv6CidrBlock", "DestinationPrefixListId")


def _associated(item: Item, member: str, association_id: str) -> tuple[str, ...]:
    """The subnet of one association of a table or an ACL."""
    associations = item.get("Associations") or []
    return tuple(
        each["SubnetId"] for each in associations if each.get(member) == association_id and each.get("SubnetId")
    )


def _table_target(ref: TargetRef, table: Item, occupants: Occupants, context: Context) -> Target:
    facts: TargetFacts = {"route_table": table.get("RouteTableId")}
    return evolve(occupied(ref, "route-table", occupants, context, tags_of(table), facts), vpc=table.get("VpcId"))


def _route_table(ref: TargetRef, context: Context) -> Target:
    table = next(iter(context.lists.part(ROUTE_TABLES, "route-table-id", [ref.id])), None)
    if table is None:
        return unknown(ref, "route-table")
    target = _table_target(ref, table, routed(table, context), context)
    return evolve(target, facts={**target.facts, "via": _via(table, context)})


def _via(table: Item, context: Context) -> list[str]:
    """The clusters of the machine that the route in the call goes through now."""
    wanted = {_network(str(context.call.params[name])) for name in _DESTINATIONS if context.call.params.get(name)}
    inventory, clusters = context.inventory, set[str]()
    for route in table.get("Routes") or ():
        if wanted & {_network(each) for each in strings(f"[{', '.join(_DESTINATIONS)}]", route)}:
            clusters |= inventory.clusters_on("eni", route.get("NetworkInterfaceId"))
            clusters |= inventory.clusters_on("instance", route.get("InstanceId"))
    return sorted(clusters)


def _network(destination: str) -> str:
    """The same spelling for equal ranges: AWS drops the bits behind the prefix. A prefix list is its id."""
    try:
        return str(ipaddress.ip_network(destination, strict=False))
    except ValueError:
        return destination


def _route_table_association(ref: TargetRef, context: Context) -> Target:
    table = next(iter(context.lists.part(ROUTE_TABLES, "association.route-table-association-id", [ref.id])), None)
    if table is None:
        return unknown(ref, "route-table")
    subnets = _associated(table, "RouteTableAssociationId", ref.id)
    # The main association, or a gateway's, has no subnet: it is for whatever the table routes.
    occupants = in_subnets(subnets, context) if subnets else routed(table, context)
    return _table_target(ref, table, occupants, context)


def _acl_target(ref: TargetRef, acl: Item, subnets: tuple[str, ...], context: Context) -> Target:
    occupants = in_subnets(subnets, context)
    target = occupied(ref, "nacl", occupants, context, tags_of(acl), {"subnets": [*subnets]})
    return evolve(target, vpc=acl.get("VpcId"))


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
    occupants = behind_nat(gateway, context)
    return evolve(
        occupied(ref, "nat-gateway", occupants, context, tags_of(gateway)),
        state=gateway.get("State"),
        vpc=gateway.get("VpcId"),
        subnet=gateway.get("SubnetId"),
        public_ips=merged(strings("NatGatewayAddresses[].PublicIp", gateway)),
    )


RESOLVERS = {
    "route-table": Resolver(_route_table, ASKS),
    "route-table-association": Resolver(_route_table_association, ASKS),
    "nacl": Resolver(_acl, (_ACLS, *ASKS)),
    "nacl-association": Resolver(_acl_association, (_ACLS, *ASKS)),
    "nat-gateway": Resolver(_nat_gateway, ASKS),
}
