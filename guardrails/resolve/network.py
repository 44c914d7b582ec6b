"""Subnets, network interfaces, private addresses, route tables, network ACLs and NAT gateways.

A network resource carries the clusters of the machines on it, plus the cluster of its own tag.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from typing import Any

from guardrails.resolve.inventory import ADDRESSES, Inventory
from guardrails.resolve.resolver import Context, Resolver, merged, tags_of, unknown
from guardrails.values import Call, Lookup, Target, TargetRef

SUBNETS = Lookup("ec2", "DescribeSubnets", "Subnets")
INTERFACES = Lookup("ec2", "DescribeNetworkInterfaces", "NetworkInterfaces")
ROUTE_TABLES = Lookup("ec2", "DescribeRouteTables", "RouteTables")
ACLS = Lookup("ec2", "DescribeNetworkAcls", "NetworkAcls")
NAT_GATEWAYS = Lookup("ec2", "DescribeNatGateways", "NatGateways")


# -- subnets -------------------------------------------------------------------------------------------------------


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


# -- network interfaces and private addresses ----------------------------------------------------------------------


def _interface_target(ref: TargetRef, eni: Mapping[str, Any], kind: str, context: Context) -> Target:
    inventory = context.inventory
    tags = tags_of(eni, "TagSet")
    attachment = eni.get("Attachment") or {}
    holder = attachment.get("InstanceId")
    carried = inventory.clusters_on("eni", eni["NetworkInterfaceId"]) | {inventory.cluster_of(holder)}
    if not holder and eni.get("Status") == "in-use":
        # A gateway's or a load balancer's interface: whoever is in its network may be served through it.
        carried |= inventory.clusters_on("vpc", eni.get("VpcId"))
    associations = [address.get("Association") or {} for address in eni.get("PrivateIpAddresses") or []]
    return Target(
        ref.id,
        kind,
        ref.role,
        resolved=True,
        clusters=merged(carried) or merged([tags.get(inventory.cluster_tag)]),
        tags=tags,
        state=eni.get("Status"),
        vpc=eni.get("VpcId"),
        subnet=eni.get("SubnetId"),
        private_ips=_addresses_of(eni),
        public_ips=merged(association.get("PublicIp") for association in associations),
        facts={"instance": holder, "eni": eni["NetworkInterfaceId"]},
    )


def _addresses_of(eni: Mapping[str, Any]) -> tuple[str, ...]:
    v4 = [address.get("PrivateIpAddress") for address in eni.get("PrivateIpAddresses") or []]
    v6 = [address.get("Ipv6Address") for address in eni.get("Ipv6Addresses") or []]
    prefixes = [prefix.get("Ipv4Prefix") for prefix in eni.get("Ipv4Prefixes") or []]
    prefixes += [prefix.get("Ipv6Prefix") for prefix in eni.get("Ipv6Prefixes") or []]
    return merged([eni.get("PrivateIpAddress")], v4, v6, prefixes)


def _takes_public_address(call: Call) -> bool:
    return any(target.type == "address" for target in call.targets)


def _interface_lookups(call: Call) -> tuple[Lookup, ...]:
    return (ADDRESSES,) if _takes_public_address(call) else (INTERFACES,)


def _interface(ref: TargetRef, context: Context) -> Target:
    if _takes_public_address(context.call):
        return _interface_of_machine(ref, context)
    for eni in context.items(INTERFACES):
        if eni["NetworkInterfaceId"] == ref.id:
            return _interface_target(ref, eni, "eni", context)
    return unknown(ref, "eni")


def _interface_of_machine(ref: TargetRef, context: Context) -> Target:
    """The interface a public address is put on, from the machines alone: the third look-up goes to their health.

    An interface that is on no machine carries no cluster, whether AWS knows it or not.
    """
    inventory = context.inventory
    machine = next(iter(inventory.on("eni", ref.id)), None)
    primary = machine.primary_ip_of.get(ref.id) if machine else None
    onto = context.call.params.get("PrivateIpAddress") or primary
    return Target(
        ref.id,
        "eni",
        ref.role,
        resolved=True,
        clusters=merged(inventory.clusters_on("eni", ref.id)),
        state="in-use" if machine else None,
        vpc=machine.vpc if machine else None,
        facts={
            "instance": machine.id if machine else None,
            "eni": ref.id,
            "elastic_ips": inventory.elastic_ips_at(onto, eni=ref.id),
        },
    )


def _attachment(ref: TargetRef, context: Context) -> Target:
    for eni in context.items(INTERFACES):
        if (eni.get("Attachment") or {}).get("AttachmentId") == ref.id:
            return _interface_target(ref, eni, "eni", context)
    return unknown(ref, "eni")


def _same(address: str) -> str:
    """One spelling for an address or prefix: IPv6 has many."""
    try:
        return str(ipaddress.ip_interface(address))
    except ValueError:
        return address


def _private_ip(ref: TargetRef, context: Context) -> Target:
    interfaces = context.items(INTERFACES)
    named = {target.id for target in context.call.targets if target.type == "eni"}
    # The same private address exists once in every network, so look in the network of the interface in the call.
    networks = {eni.get("VpcId") for eni in interfaces if eni["NetworkInterfaceId"] in named}
    for eni in interfaces:
        if _same(ref.id) in map(_same, _addresses_of(eni)) and (not networks or eni.get("VpcId") in networks):
            return _interface_target(ref, eni, "private-ip", context)
    # Free in that network: nobody loses it.
    return Target(ref.id, "private-ip", ref.role, resolved=bool(networks))


# -- route tables --------------------------------------------------------------------------------------------------


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


# -- network ACLs --------------------------------------------------------------------------------------------------


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


# -- NAT gateways --------------------------------------------------------------------------------------------------


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


def _always(lookup: Lookup) -> Any:
    return lambda _call: (lookup,)


RESOLVERS = {
    "subnet": Resolver(_always(SUBNETS), _subnet),
    "subnet-cidr-association": Resolver(_always(SUBNETS), _subnet_cidr),
    "eni": Resolver(_interface_lookups, _interface),
    "eni-attachment": Resolver(_always(INTERFACES), _attachment),
    "private-ip": Resolver(_always(INTERFACES), _private_ip),
    "route-table": Resolver(_always(ROUTE_TABLES), _route_table),
    "route-table-association": Resolver(_always(ROUTE_TABLES), _route_table_association),
    "nacl": Resolver(_always(ACLS), _acl),
    "nacl-association": Resolver(_always(ACLS), _acl_association),
    "nat-gateway": Resolver(_always(NAT_GATEWAYS), _nat_gateway),
}
