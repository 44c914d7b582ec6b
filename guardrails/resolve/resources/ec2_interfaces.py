"""Network interfaces and the private addresses on them: they carry the cluster of the machine that has them."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from typing import Any

from guardrails.resolve.inventory import ADDRESSES
from guardrails.resolve.resources.resolver import Context, Resolver, always, merged, tags_of, unknown
from guardrails.values import Call, Lookup, Target, TargetRef

INTERFACES = Lookup("ec2", "DescribeNetworkInterfaces", "NetworkInterfaces")


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


def _interface_lookups(call: Call, _tag: str) -> tuple[Lookup, ...]:
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


RESOLVERS = {
    "eni": Resolver(_interface_lookups, _interface),
    "eni-attachment": Resolver(always(INTERFACES), _attachment),
    "private-ip": Resolver(always(INTERFACES), _private_ip),
}
