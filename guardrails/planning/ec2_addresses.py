"""What the calls of EC2 do to Elastic IPs, and to the machines that hold them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from guardrails.planning.effects import Effect, Planned, register
from guardrails.planning.world import Change, Item
from guardrails.values import Lookup

_ADDRESSES = Lookup("ec2", "DescribeAddresses", "Addresses")


@register("ec2", "AssociateAddress", "DisassociateAddress", "ReleaseAddress")
def _address(planned: Planned) -> Effect:
    params = planned.params
    wanted = [params.get(name) for name in ("AllocationId", "PublicIp", "AssociationId") if params.get(name)]
    found = [
        each
        for each in planned.find(_ADDRESSES)
        if {each.get("AllocationId"), each.get("PublicIp"), each.get("AssociationId")} & {*wanted}
    ]
    if not found:
        return Effect(known=False)
    if planned.call.operation == "ReleaseAddress":
        return Effect(tuple(planned.change("Address", _name(each), None) for each in found))
    free = {key: value for key, value in found[0].items() if key not in _ATTACHED}
    changes = _without_ip(planned, found[0])
    if planned.call.operation == "DisassociateAddress":
        return Effect((planned.change("Address", _name(found[0]), free), *changes))
    association = planned.ids.ec2("AddressAssociation")
    machine = str(params.get("InstanceId") or "")
    onto: dict[str, Any] = {"AssociationId": association}
    onto |= {"InstanceId": machine} if machine else {"NetworkInterfaceId": params.get("NetworkInterfaceId")}
    (held,) = planned.machines([machine]) or [{}] if machine else [{}]
    if held:
        changes.append(planned.change("Instance", machine, {**held, "PublicIpAddress": free.get("PublicIp", "")}))
        onto["PrivateIpAddress"] = held.get("PrivateIpAddress", "")
    moved = planned.change("Address", _name(found[0]), {**free, **onto})
    return Effect((moved, *changes), {"AssociationId": association}, known=bool(held) or not machine)


_ATTACHED = ("AssociationId", "InstanceId", "NetworkInterfaceId", "NetworkInterfaceOwnerId", "PrivateIpAddress")


def _name(address: Item) -> str:
    return str(address.get("AllocationId") or address.get("PublicIp"))


def _without_ip(planned: Planned, address: Item) -> list[Change]:
    """The machine that holds an address, without it."""
    ids = [str(address["InstanceId"])] if address.get("InstanceId") else []
    return [
        planned.change(
            "Instance",
            each["InstanceId"],
            {
                **{key: value for key, value in each.items() if key != "PublicIpAddress"},
                "NetworkInterfaces": [
                    {key: value for key, value in one.items() if key != "Association"}
                    for one in each.get("NetworkInterfaces") or ()
                ],
            },
        )
        for each in planned.machines(ids)
    ]


def addresses_off(planned: Planned, machines: Iterable[str]) -> list[Change]:
    """A machine that is terminated leaves its addresses."""
    ids = {*machines}
    held = [each for each in planned.find(_ADDRESSES) if each.get("InstanceId") in ids] if ids else []
    return [
        planned.change("Address", _name(each), {key: value for key, value in each.items() if key not in _ATTACHED})
        for each in held
    ]


@register("ec2", "AllocateAddress")
def _allocate(planned: Planned) -> Effect:
    number = planned.ids.ec2("Address")
    # Of a range for documentation, which no one has (RFC 5737).
    address = {"AllocationId": number, "PublicIp": f"203.0.113.{planned.ids.last % 256}", "Domain": "vpc", "Tags": []}
    answer = {name: address[name] for name in ("AllocationId", "PublicIp", "Domain")}
    return Effect((planned.change("Address", number, address),), answer)
