"""What AWS would refuse: a type that a zone does not offer, an image that is gone, a quota; and what cannot be seen."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from attrs import define, evolve, field

from guardrails.rebuild.machine import USER_DATA, VOLUMES, Machine
from guardrails.rebuild.placement import Placement, Subnet
from guardrails.rebuild.reading import CannotRead, Item, Reader

_PAGE = 200


@define
class Findings:
    """`problems` are what AWS would refuse, `unknown` what could not be seen: neither is fine. Both are sentences."""

    problems: list[str] = field(factory=list)
    unknown: list[str] = field(factory=list)

    def try_(self, what: str, reader: Reader, *request: str, **params: Any) -> list[Item] | None:
        """The answer to a look-up; None, and noted, where there is none."""
        service, operation, key = request
        try:
            return reader.all(service, operation, key, **params)
        except CannotRead as error:
            self.unknown.append(f"{what}: {error}")
            return None


def subnets(reader: Reader, findings: Findings) -> dict[str, Subnet] | None:
    """The subnets of the region; None where they cannot be read."""
    items = findings.try_("free addresses", reader, "ec2", "describe_subnets", "Subnets")
    if items is None:
        return None
    return {
        item["SubnetId"]: Subnet(
            item["SubnetId"],
            str(item.get("AvailabilityZone") or ""),
            str(item.get("VpcId") or ""),
            int(item.get("AvailableIpAddressCount") or 0),
        )
        for item in items
    }


def offered(reader: Reader, types: Iterable[str], findings: Findings) -> dict[str, set[str]]:
    """The zones that offer each type; without those that could not be looked up."""
    zones: dict[str, set[str]] = {}
    for some in _pages(sorted(types)):
        items = findings.try_(
            "which zones offer the types",
            reader,
            "ec2",
            "describe_instance_type_offerings",
            "InstanceTypeOfferings",
            LocationType="availability-zone",
            Filters=[{"Name": "instance-type", "Values": some}],
        )
        if items is None:
            return {}
        zones |= {name: set() for name in some}
        for item in items:
            zones.setdefault(item["InstanceType"], set()).add(item["Location"])
    return zones


def check_offers(
    machines: Iterable[Machine],
    placement: Placement,
    places: Mapping[str, Subnet],
    zones: Mapping[str, set[str]],
    findings: Findings,
) -> None:
    """Types in a zone that does not offer them."""
    wrong: Counter[tuple[str, str]] = Counter()
    for machine in machines:
        subnet = places.get(placement.subnet_of[machine.id])
        if subnet and machine.type in zones and subnet.zone not in zones[machine.type]:
            wrong[machine.type, subnet.zone] += 1
    for (type_, zone), count in sorted(wrong.items()):
        others = f"it is offered in {', '.join(sorted(zones[type_]))}: name a subnet there with --into" if zones[
            type_
        ] else "no zone of this region offers it: change the type in the snapshot"  # fmt: skip
        findings.problems.append(f"{type_} is not offered in {zone} ({_counted(count)}); {others}")


def check_places(
    placement: Placement, places: Mapping[str, Subnet], machines: Sequence[Machine], findings: Findings
) -> None:
    """Subnets that AWS does not know, that are in another network, or too small."""
    networks = {machine.vpc for machine in machines if machine.vpc}
    for name, count in sorted(placement.count.items()):
        if name not in places:
            findings.problems.append(
                f"subnet {name or '(not known)'} is not there ({_counted(count)}); name others with --into"
            )
        elif networks and places[name].vpc not in networks:
            findings.problems.append(
                f"subnet {name} is in {places[name].vpc}, and the security groups are in "
                f"{', '.join(sorted(networks))}; name a subnet of that VPC with --into"
            )
    for name, over in sorted(placement.too_many.items()):
        if name in places:
            free = places[name].free
            split = " ".join(f"--into {each}" for each in sorted(placement.proposal))
            fits = ", ".join(f"{count} in {each}" for each, count in sorted(placement.proposal.items()))
            way = (
                f"they all fit with {split} ({fits})" if split else "no split over this VPC's subnets has room for all"
            )
            findings.problems.append(
                f"{over} of {placement.count[name]} do not fit {name} ({free} free addresses); {way}"
            )


def check_existing(reader: Reader, machines: Sequence[Machine], findings: Findings) -> None:
    """What the machines are launched with: images, keys, security groups, target groups."""
    kinds = (
        ("image", "ImageId", ("describe_images", "Images", "ImageId", "image-id"), _IMAGE),
        ("key pair", "KeyName", ("describe_key_pairs", "KeyPairs", "KeyName", "key-name"), "create it again"),
        ("security group", "SecurityGroupIds", ("describe_security_groups", "SecurityGroups", "GroupId", "group-id"),
         "create it again, and edit the snapshot"),
    )  # fmt: skip
    for kind, parameter, (operation, key, name, filtered), way in kinds:
        users: dict[str, list[str]] = defaultdict(list)
        for machine in machines:
            values = machine.launch.get(parameter) or []
            for value in [values] if isinstance(values, str) else values:
                users[value].append(machine.id)
        for some in _pages(sorted(users)):
            # A filter, because one unknown id makes the whole look-up fail.
            filters = [{"Name": filtered, "Values": some}]
            items = findings.try_(f"whether each {kind} is there", reader, "ec2", operation, key, Filters=filters)
            usable = {item[name] for item in items or () if item.get("State", "available") == "available"}
            findings.problems += [
                f"{kind} {value} is not there any more ({_counted(len(users[value]))}); {way}"
                for value in some
                if items is not None and value not in usable
            ]


_WITHOUT = {
    USER_DATA: "--without user-data starts them without it, --like MACHINE takes it from one that is known",
    VOLUMES: "--without volumes starts them with the image's own, --like MACHINE takes them from one that is known",
}
_IMAGE = "it was deregistered or is no longer shared: name another with --image"


def with_image(reader: Reader, machines: Sequence[Machine], image: str, findings: Findings) -> list[Machine]:
    """The machines, with this image where their own is not known to be there."""
    wanted = sorted({str(machine.launch["ImageId"]) for machine in machines if machine.launch.get("ImageId")})
    there: set[str] = set()
    for some in _pages(wanted):
        filters = [{"Name": "image-id", "Values": some}]
        items = findings.try_(
            "whether each image is there", reader, "ec2", "describe_images", "Images", Filters=filters
        )
        there |= {item["ImageId"] for item in items or () if item.get("State", "available") == "available"}
    return [
        machine
        if machine.launch.get("ImageId") in there
        else evolve(
            machine,
            launch={**machine.launch, "ImageId": image},
            missing=tuple(each for each in machine.missing if each != "image"),
        )
        for machine in machines
    ]


def check_known(machines: Sequence[Machine], findings: Findings) -> None:
    """What no snapshot and no description of the machines has."""
    what: dict[str, list[str]] = defaultdict(list)
    for machine in machines:
        # A group starts its machines from its own template.
        for each in () if machine.group else machine.missing:
            what[each].append(machine.id)
    for each, ids in sorted(what.items()):
        sentence = f"{each} of {_counted(len(ids))} ({', '.join(ids[:3])}) not known"
        if each in _WITHOUT:
            findings.unknown.append(f"{sentence}; {_WITHOUT[each]}")
        else:
            findings.problems.append(f"{sentence}; --like MACHINE takes it from one that is known")
    for machine in machines:
        if len(machine.elastic_ips) > 1:
            findings.unknown.append(
                f"{machine.id} held {len(machine.elastic_ips)} Elastic IPs, and --addresses moves the first; move the "
                "others afterwards"
            )
        if len(machine.interfaces) > 1 and not machine.group:
            findings.unknown.append(
                f"{machine.id} has {len(machine.interfaces)} network interfaces, and its successor gets one; attach "
                "the others afterwards"
            )


def check_groups(machines: Sequence[Machine], groups: Mapping[str, Mapping[str, Any]], findings: Findings) -> None:
    """Auto Scaling groups that are gone, or that start nothing at present."""
    members = Counter(machine.group for machine in machines if machine.group)
    for name, count in sorted(members.items()):
        if name not in groups:
            findings.problems.append(
                f"the Auto Scaling group {name} is not there ({_counted(count)}); create it again from its stack or "
                "template, then plan again"
            )
        elif "Launch" in groups[name].get("suspended", ()):
            findings.problems.append(
                f"the Auto Scaling group {name} starts no machines: its process Launch is suspended "
                f"({_counted(count)}); resume it (autoscaling:ResumeProcesses)"
            )


def _pages(names: Sequence[str]) -> list[list[str]]:
    return [list(names[start : start + _PAGE]) for start in range(0, len(names), _PAGE)]


def _counted(count: int) -> str:
    return "1 machine" if count == 1 else f"{count} machines"
