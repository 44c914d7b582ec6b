"""Free addresses in the subnets of a launch, and how many of them the live cluster may still need.

AWS reserves five addresses of each subnet (Amazon VPC user guide, subnet CIDR blocks); AvailableIpAddressCount does not
count them. PythonAnywhere, 2023-10-09: the subnet had no room for a second cluster.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from guardrails.resolve.capacity.launches import Launch
from guardrails.resolve.capacity.machine_spec import ANYWHERE
from guardrails.resolve.inventory import Inventory
from guardrails.resolve.resources.autoscaling import clusters_of_group
from guardrails.values import Answer, Lookup, OtherSubnet, SubnetRoom, Unknown

_SUBNETS = Lookup("ec2", "DescribeSubnets", "Subnets", optional=True)
_GROUPS = Lookup("autoscaling", "DescribeAutoScalingGroups", "AutoScalingGroups", optional=True)
LOOKUPS = (_SUBNETS, _GROUPS)
_SHOWN = 3

Subnet = Mapping[str, Any]


def places(
    launch: Launch, answers: Mapping[str, Answer], inventory: Inventory, live: tuple[str, ...]
) -> tuple[list[SubnetRoom], list[Unknown]]:
    """The room in each set of subnets that the launch uses, and what could not be found out."""
    if not launch.count or not (launch.fixed or launch.spread):
        return [], []
    answer = answers.get(_SUBNETS.key())
    if answer is None:
        return [], [_unknown("the look-up of the subnets failed")]
    subnets = {subnet["SubnetId"]: subnet for subnet in answer.items}
    groups = answers[_GROUPS.key()].items if _GROUPS.key() in answers else ()
    rooms, unknown = [], []
    for names, each in _wanted(launch, subnets):
        missing = [name for name in names if name not in subnets]
        if missing or not names:
            why = f"AWS does not know {', '.join(missing)}" if missing else "there is no default subnet"
            unknown.append(_unknown(why))
            continue
        reserved = _reserved(names, groups, inventory, live, launch.grows)
        rooms.append(_room(launch, names, each, subnets, reserved, one_of=ANYWHERE in launch.fixed))
    return rooms, unknown


def _wanted(launch: Launch, subnets: Mapping[str, Subnet]) -> list[tuple[tuple[str, ...], int]]:
    """Sets of subnets with the addresses that each machine takes from one of them."""
    if launch.spread:
        return [(launch.spread, 1)]
    fixed = sorted(launch.fixed.items())
    return [((name,) if name else _default(subnets, launch.zone), each) for name, each in fixed if each]


def _default(subnets: Mapping[str, Subnet], zone: str | None) -> tuple[str, ...]:
    return tuple(
        sorted(
            name
            for name, subnet in subnets.items()
            if subnet.get("DefaultForAz") and zone in (None, subnet.get("AvailabilityZone"))
        )
    )


def _room(
    launch: Launch, names: tuple[str, ...], each: int, subnets: Mapping[str, Subnet], reserved: int, *, one_of: bool
) -> SubnetRoom:
    free = [_free(subnets[name]) for name in names]
    fits = [addresses // each for addresses in free]
    needed = launch.count * each
    return {
        "subnets": list(names),
        "zones": sorted({str(subnets[name].get("AvailabilityZone")) for name in names}),
        "needed": needed,
        # AWS starts the machines of one call in one default subnet, and those of a group in any of its subnets.
        "free": max(free) if one_of else sum(free),
        "fits": max(fits) if one_of else sum(fits),
        "reserved": reserved,
        "alternatives": _alternatives(names, needed, subnets),
    }


def _free(subnet: Subnet) -> int:
    return int(subnet.get("AvailableIpAddressCount") or 0)


def _alternatives(names: tuple[str, ...], needed: int, subnets: Mapping[str, Subnet]) -> list[OtherSubnet]:
    """Other subnets of the same VPC with room for all machines: same zone first, then most free addresses first."""
    networks = {subnets[name].get("VpcId") for name in names}
    zones = {subnets[name].get("AvailabilityZone") for name in names}
    others = [
        subnet
        for name, subnet in subnets.items()
        if name not in names and subnet.get("VpcId") in networks and _free(subnet) >= needed
    ]
    others.sort(key=lambda subnet: (subnet.get("AvailabilityZone") not in zones, -_free(subnet), subnet["SubnetId"]))
    return [
        {"id": subnet["SubnetId"], "free": _free(subnet), "zone": str(subnet.get("AvailabilityZone"))}
        for subnet in others[:_SHOWN]
    ]


def _reserved(
    names: tuple[str, ...],
    groups: Iterable[Mapping[str, Any]],
    inventory: Inventory,
    live: tuple[str, ...],
    grows: str | None,
) -> int:
    """How many machines groups of live clusters may still start in these subnets; the launch's own does not count."""
    total = 0
    for group in groups:
        within = {name.strip() for name in str(group.get("VPCZoneIdentifier") or "").split(",")}
        clusters = {*clusters_of_group(group, inventory)} if within & set(names) else set[str]()
        if clusters & set(live) and grows not in clusters:
            total += max(0, int(group.get("MaxSize") or 0) - int(group.get("DesiredCapacity") or 0))
    return total


def _unknown(why: str) -> Unknown:
    return {"what": "addresses", "why": why}
