"""Elastic IPs, named by allocation id, association id or the address itself, and ranges of public addresses.

An address carries the cluster of the machine it is on; an idle one the cluster of its own tag.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable

from guardrails.resolve.inventory import ADDRESSES
from guardrails.resolve.lists import INTERFACES
from guardrails.resolve.resources.ec2_interfaces import interface_target
from guardrails.resolve.resources.resolver import (
    Answers,
    Context,
    Item,
    Resolver,
    merged,
    named,
    strings,
    tags_of,
    uncertain,
    unknown,
)
from guardrails.values import Call, Lookup, Target, TargetRef

_NAMES = "[AllocationId, AssociationId, PublicIp, CarrierIp]"


def _interfaces_of(addresses: Iterable[Item]) -> Lookup | None:
    """The interfaces of addresses that are on no instance: a NAT gateway's or a load balancer's."""
    ids = sorted(
        address["NetworkInterfaceId"]
        for address in addresses
        if address.get("NetworkInterfaceId") and not address.get("InstanceId")
    )
    return INTERFACES.about(Filters=[{"Name": "network-interface-id", "Values": ids}]) if ids else None


def _named(call: Call, answers: Answers) -> list[Item]:
    ids = {*named(call, "address")}
    return [address for address in answers[ADDRESSES.key()].items if ids & {*strings(_NAMES, address)}]


def _followups(call: Call, answers: Answers) -> tuple[Lookup, ...]:
    lookup = _interfaces_of(_named(call, answers))
    return (lookup,) if lookup else ()


def _address(ref: TargetRef, context: Context) -> Target:
    address = context.first(ADDRESSES, _NAMES, ref.id)
    if address is None:
        return unknown(ref, "address")
    lookup = _interfaces_of(_named(context.call, context.answers))
    interface = context.first(lookup, "NetworkInterfaceId", address.get("NetworkInterfaceId") or "") if lookup else None
    return _target(ref, address, context, interface)


def _target(ref: TargetRef, address: Item, context: Context, interface: Item | None = None) -> Target:
    inventory, tags = context.inventory, tags_of(address)
    holder = address.get("InstanceId") or None
    machines = inventory.holders_of(address)
    clusters = {machine.cluster for machine in machines}
    missing = inventory.missing([holder])
    if interface is not None:
        on = interface_target(ref, interface, "address", context)
        clusters |= {*on.clusters}
        missing |= {*on.facts.get("missing", ())}
    return Target(
        ref.id,
        "address",
        ref.role,
        resolved=not missing,
        clusters=merged(clusters) or inventory.carried(tags),
        tags=tags,
        state="associated" if address.get("AssociationId") or holder else "idle",
        vpc=machines[0].vpc if machines else None,
        private_ips=merged([address.get("PrivateIpAddress")]),
        public_ips=merged([address.get("PublicIp")]),
        facts={
            # An answer may name only its interface, or its private address.
            "instance": holder or (machines[0].id if len(machines) == 1 else None),
            "eni": address.get("NetworkInterfaceId") or None,
            "allocation": address.get("AllocationId"),
            **uncertain((machine.id for machine in machines if machine.cluster is None), missing),
        },
    )


def _range(ref: TargetRef, context: Context) -> Target:
    try:
        network = ipaddress.ip_network(ref.id, strict=False)
    except ValueError:
        return unknown(ref, "cidr")
    inside = [
        address
        for address in context.items(ADDRESSES)
        if address.get("PublicIp") and ipaddress.ip_address(address["PublicIp"]) in network
    ]
    targets = [_target(ref, address, context) for address in inside]
    return Target(
        ref.id,
        "cidr",
        ref.role,
        resolved=True,
        clusters=merged(*(target.clusters for target in targets)),
        public_ips=merged(address.get("PublicIp") for address in inside),
    )


RESOLVERS = {
    "address": Resolver(_address, (ADDRESSES, INTERFACES), lambda _call, _keys: (ADDRESSES,), _followups),
    "cidr": Resolver(_range, (ADDRESSES,)),
}
