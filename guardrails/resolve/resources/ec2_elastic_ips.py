"""Elastic IPs, named by allocation id, association id or the address itself, and ranges of public addresses.

An address carries the cluster of the machine it is on; an idle one the cluster of its own tag.
"""

from __future__ import annotations

import ipaddress

from guardrails.resolve.inventory import ADDRESSES
from guardrails.resolve.resources.resolver import Context, Item, Resolver, merged, tags_of, unknown
from guardrails.values import Target, TargetRef

_NAMES = "[AllocationId, AssociationId, PublicIp, CarrierIp]"


def _address(ref: TargetRef, context: Context) -> Target:
    address = context.first(ADDRESSES, _NAMES, ref.id)
    return unknown(ref, "address") if address is None else _target(ref, address, context)


def _target(ref: TargetRef, address: Item, context: Context) -> Target:
    tags = tags_of(address)
    holder = address.get("InstanceId") or None
    machine = context.inventory.machines.get(holder or "")
    carried = {machine.cluster if machine else None}
    carried |= context.inventory.clusters_on("eni", address.get("NetworkInterfaceId"))
    return Target(
        ref.id,
        "address",
        ref.role,
        resolved=True,
        clusters=merged(carried) or merged([tags.get(context.inventory.cluster_tag)]),
        tags=tags,
        state="associated" if address.get("AssociationId") or holder else "idle",
        vpc=machine.vpc if machine else None,
        private_ips=merged([address.get("PrivateIpAddress")]),
        public_ips=merged([address.get("PublicIp")]),
        facts={
            "instance": holder,
            "eni": address.get("NetworkInterfaceId") or None,
            "allocation": address.get("AllocationId"),
            # Which cluster an address on an untagged machine serves is not known.
            "untagged": [machine.id] if machine is not None and machine.cluster is None else [],
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
    "address": Resolver(_address, (ADDRESSES,)),
    "cidr": Resolver(_range, (ADDRESSES,)),
}
