"""A new route takes its destination from a wider route, and so does a new range of a VPC, with its local route.

A new entry of a network ACL may shut out those after it.

https://docs.aws.amazon.com/vpc/latest/userguide/VPC_Route_Tables.html#route-tables-priority
https://docs.aws.amazon.com/vpc/latest/userguide/nacl-rules.html
"""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Mapping
from typing import Any

from guardrails.resolve.lists import ROUTE_TABLES
from guardrails.resolve.resources import ec2_routing, ec2_subnets
from guardrails.resolve.resources.resolver import Context, Item, Resolver, judged
from guardrails.values import Lookup, Target, TargetRef

_ACLS = Lookup("ec2", "DescribeNetworkAcls", "NetworkAcls")
_RANGES = ("DestinationCidrBlock", "DestinationIpv6CidrBlock", "CidrBlock", "Ipv6CidrBlock")
# Gateways to the internet lead to none of these.
_PRIVATE = [
    ipaddress.ip_network(each)
    for each in ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "fc00::/7")
]
_TO_INTERNET = ("igw-", "nat-", "eigw-")
_GATEWAYS = ("GatewayId", "NatGatewayId", "EgressOnlyInternetGatewayId")
_ANY_PROTOCOL = "-1"
Network = ipaddress.IPv4Network | ipaddress.IPv6Network
Harm = Callable[[Mapping[str, Any], Item], str | None]


def _network(item: Mapping[str, Any]) -> Network | None:
    """The address range of a route or an entry; None for a prefix list, or what is not a range."""
    text = next((item[name] for name in _RANGES if item.get(name)), "")
    try:
        return ipaddress.ip_network(text, strict=False)
    except ValueError:
        return None


def _within(inner: Network, outer: Network | None) -> bool:
    return outer is not None and inner.version == outer.version and inner.subnet_of(outer)  # type: ignore[arg-type]


def _private(network: Network) -> bool:
    return any(_within(network, private) for private in _PRIVATE)


def _route(params: Mapping[str, Any], table: Item) -> str | None:
    """From which route the new one takes its destination."""
    new = _network(params)
    if new is None:
        return "What the prefix list covers is not compared with the routes that the table has"
    for route in table.get("Routes") or ():
        wide = _network(route)
        if wide is None and route.get("DestinationPrefixListId") and new.prefixlen and not _private(new):
            return f"It may take addresses from the route to {route['DestinationPrefixListId']}"
        if wide is not None and _within(new, wide) and _leads_there(route, wide, new):
            return f"It takes {new} from the route to {wide}"
    return None


def _leads_there(route: Item, wide: Network, new: Network) -> bool:
    gateways = [str(route.get(name) or "") for name in _GATEWAYS]
    to_internet = wide.prefixlen == 0 and any(each.startswith(_TO_INTERNET) for each in gateways)
    return route.get("State") != "blackhole" and not (to_internet and _private(new))


def _entry(params: Mapping[str, Any], acl: Item) -> str | None:
    """Whom a new entry shuts out: a denial, unless one address is meant, or an earlier entry decides already."""
    new, egress = _network(params), params.get("Egress")
    if params.get("RuleAction") == "allow":
        return None
    if new is None:
        return "What it denies is not a range of addresses"
    if not egress and new.num_addresses == 1 and not _private(new):
        return None
    for entry in acl.get("Entries") or ():
        earlier = entry.get("Egress") is egress and entry["RuleNumber"] < params["RuleNumber"]
        if earlier and entry.get("Protocol") == _ANY_PROTOCOL and _within(new, _network(entry)):
            return None
    return f"It denies {new} {'as a destination' if egress else 'as a source'}"


def _range(ref: TargetRef, context: Context) -> Target:
    """A VPC that gets another range of addresses. A range that IPAM or Amazon chooses overlaps with no other."""
    target = ec2_subnets.RESOLVERS["vpc"].resolve(ref, context)
    tables = context.lists.part(ROUTE_TABLES, "vpc-id", [ref.id])
    if _network(context.call.params) is None:
        return judged(target, None, "a range that AWS chooses overlaps with no other")
    harms = [harm for table in tables if (harm := _route(context.call.params, table))]
    unread = None if tables else "The route tables of the VPC are not shown"
    return judged(target, harms[0] if harms else unread, "no route of the VPC leads there today")


def _resolver(kind: str, lookup: Lookup, harm: Harm, spared: str) -> Resolver:
    existing, member = ec2_routing.RESOLVERS[kind], {"route-table": "RouteTableId", "nacl": "NetworkAclId"}[kind]

    def resolve(ref: TargetRef, context: Context) -> Target:
        target, item = existing.resolve(ref, context), context.first(lookup, member, ref.id)
        return target if item is None else judged(target, harm(context.call.params, item), spared)

    return Resolver(resolve, existing.asks)


RESOLVERS = {
    "new-route": _resolver("route-table", ROUTE_TABLES, _route, "no route of the table leads there today"),
    "vpc-new-range": Resolver(_range, (*ec2_subnets.RESOLVERS["vpc"].asks, ROUTE_TABLES)),
    "new-acl-entry": _resolver("nacl", _ACLS, _entry, "it shuts out no one who gets through today"),
}
