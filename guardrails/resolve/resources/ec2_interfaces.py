"""Network interfaces and the private addresses on them: they carry the cluster of the machine that has them."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable

from guardrails.resolve.inventory import ADDRESSES
from guardrails.resolve.lists import INTERFACES
from guardrails.resolve.resources import ec2_routers
from guardrails.resolve.resources.resolver import Context, Item, Resolver, merged, strings, tags_of, uncertain, unknown
from guardrails.values import Call, Lookup, Target, TargetRef

_ADDRESSES = """[PrivateIpAddress, PrivateIpAddresses[].PrivateIpAddress, Ipv6Addresses[].Ipv6Address,
    Ipv4Prefixes[].Ipv4Prefix, Ipv6Prefixes[].Ipv6Prefix][]"""
_IPV4 = re.compile(r"\d+(\.\d+){3}")


def interface_target(ref: TargetRef, eni: Item, kind: str, context: Context) -> Target:
    """An interface, by its description: it carries the cluster of the machine that has it."""
    inventory = context.inventory
    tags = tags_of(eni, "TagSet")
    attachment = eni.get("Attachment") or {}
    holder = attachment.get("InstanceId")
    carried = inventory.clusters_on("eni", eni["NetworkInterfaceId"]) | {inventory.cluster_of(holder)}
    if not holder and eni.get("Status") == "in-use":
        # A gateway's or a load balancer's interface: it may serve any machine in its VPC.
        carried |= inventory.clusters_on("vpc", eni.get("VpcId"))
    missing = inventory.missing([holder])
    return Target(
        ref.id,
        kind,
        ref.role,
        resolved=not missing,
        clusters=merged(carried) or inventory.carried(tags),
        tags=tags,
        state=eni.get("Status"),
        vpc=eni.get("VpcId"),
        subnet=eni.get("SubnetId"),
        private_ips=_addresses_of(eni),
        public_ips=merged(strings("PrivateIpAddresses[].Association.PublicIp", eni)),
        facts={
            "instance": holder,
            "eni": eni["NetworkInterfaceId"],
            **uncertain(inventory.untagged_on("eni", eni["NetworkInterfaceId"]), missing),
        },
    )


def _addresses_of(eni: Item) -> tuple[str, ...]:
    return merged(strings(_ADDRESSES, eni))


def _takes_public_address(call: Call) -> bool:
    return any(target.type == "address" for target in call.targets)


def _interface_lookups(call: Call, _keys: tuple[str, ...]) -> tuple[Lookup, ...]:
    return (ADDRESSES,) if _takes_public_address(call) else (INTERFACES, *ec2_routers.lookups(call))


def _interface(ref: TargetRef, context: Context) -> Target:
    if _takes_public_address(context.call):
        return _interface_of_machine(ref, context)
    return _found_by("network-interface-id", ref, context)


def _found_by(name: str, ref: TargetRef, context: Context) -> Target:
    eni = next(iter(context.lists.part(INTERFACES, name, [ref.id])), None)
    if eni is None:
        return unknown(ref, "eni")
    holder = (eni.get("Attachment") or {}).get("InstanceId")
    target = interface_target(ref, eni, "eni", context)
    return ec2_routers.with_routes(target, (eni["NetworkInterfaceId"], holder), context)


def _interface_of_machine(ref: TargetRef, context: Context) -> Target:
    """The interface that receives a public address, from the machines alone: their health takes a look-up already.

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
    return _found_by("attachment.attachment-id", ref, context)


def _same(address: str) -> str:
    """The same spelling for equal addresses or prefixes: IPv6 allows many."""
    try:
        return str(ipaddress.ip_interface(address))
    except ValueError:
        return address


def _with_address(address: str, networks: Iterable[str], context: Context) -> tuple[Item, ...]:
    """The interfaces that may have this address, or a prefix that it is in."""
    lists = context.lists
    if not lists.is_long(INTERFACES):
        return lists.items(INTERFACES)
    if _IPV4.fullmatch(address):
        return lists.part(INTERFACES, "addresses.private-ip-address", [address])
    # AWS has no filter for prefixes, and IPv6 has several spellings.
    return lists.part(INTERFACES, "vpc-id", networks)


def _private_ip(ref: TargetRef, context: Context) -> Target:
    named = {target.id for target in context.call.targets if target.type == "eni"}
    # Every VPC may have the same private address, so only the VPC of the interface in the call is searched.
    networks = {eni["VpcId"] for eni in context.lists.part(INTERFACES, "network-interface-id", named)}
    for eni in _with_address(ref.id, networks, context):
        if (not networks or eni.get("VpcId") in networks) and _same(ref.id) in map(_same, _addresses_of(eni)):
            return interface_target(ref, eni, "private-ip", context)
    # It is free in that VPC: no machine loses it.
    return Target(ref.id, "private-ip", ref.role, resolved=bool(networks))


RESOLVERS = {
    "eni": Resolver(_interface, (ADDRESSES, INTERFACES, *ec2_routers.ASKS), _interface_lookups, ec2_routers.followups),
    "eni-attachment": Resolver(
        _attachment,
        (INTERFACES, *ec2_routers.ASKS),
        lambda call, _keys: (INTERFACES, *ec2_routers.lookups(call)),
        ec2_routers.followups,
    ),
    "private-ip": Resolver(_private_ip, (INTERFACES,)),
}
