"""The ids of what a plan makes: they have AWS's form, so that libraries accept them, and are easy to recognise."""

from __future__ import annotations

import re
from typing import Any

from attrs import define

# Real ids are random: eight zeros in a row, and then "feed", are no accident.
_MARK = "00000000feed"
_PLANNED = re.compile(
    rf"{_MARK}[0-9a-f]{{5}}|planned-\d{{5}}|PLANNED\d{{9}}|0000feed-0000-4000-8000-\d{{12}}"
    r"|\b(?:198\.18\.\d{1,3}|203\.0\.113)\.\d{1,3}\b",
    re.IGNORECASE,
)
_PREFIXES = {
    "Address": "eipalloc", "AddressAssociation": "eipassoc", "Image": "ami", "Instance": "i", "NatGateway": "nat",
    "InternetGateway": "igw", "NetworkAcl": "acl", "NetworkInterface": "eni", "RouteTable": "rtb", "SecurityGroup":
    "sg", "SecurityGroupRule": "sgr", "Snapshot": "snap", "Subnet": "subnet", "Volume": "vol", "Vpc": "vpc",
    "KeyPair": "key", "LaunchTemplate": "lt", "VpcEndpoint": "vpce", "VpcPeeringConnection": "pcx", "DhcpOptions":
    "dopt", "TransitGateway": "tgw", "SpotInstanceRequest": "sir", "Reservation": "r", "Association": "rtbassoc",
}  # fmt: skip


@define
class PlannedIds:
    """Numbers what one plan makes; `made` are the ids so far."""

    last: int = 0

    def ec2(self, noun: str) -> str:
        """An id such as ``i-00000000feed00001``."""
        self.last += 1
        return f"{_PREFIXES.get(noun, noun.lower())}-{_MARK}{self.last:05x}"

    def arn(self, service: str, region: str, account: str, resource: str) -> str:
        """An ARN that ends with a planned id."""
        self.last += 1
        return f"arn:aws:{service}:{region}:{account}:{resource}/planned-{self.last:05d}"

    def other(self) -> str:
        """``planned-00001``."""
        self.last += 1
        return f"planned-{self.last:05d}"

    def fitting(self, shape: Any) -> str:
        """A planned id that is as long as the service model wants, and of its pattern."""
        self.last += 1
        least, most = shape.metadata.get("min", 0), shape.metadata.get("max", 10_000)
        forms = (
            f"planned-{self.last:05d}",
            f"PLANNED{self.last:09d}",
            f"0000feed-0000-4000-8000-{self.last:012d}",
            f"{_MARK}{self.last:05x}",
            f"planned{self.last:09d}",
        )
        long_enough = [each.ljust(least, "0") for each in forms]
        fine = [each for each in long_enough if len(each) <= most and _matches(shape.metadata.get("pattern"), each)]
        return (fine or long_enough)[0]


def _matches(pattern: str | None, value: str) -> bool:
    try:
        return pattern is None or re.fullmatch(pattern, value) is not None
    except re.error:
        # A pattern of Java's.
        return True


def planned_in(value: Any) -> tuple[str, ...]:
    """The strings in a value that are or have ids of a plan."""
    if isinstance(value, str):
        return (value,) if _PLANNED.search(value) else ()
    parts = value.values() if isinstance(value, dict) else value if isinstance(value, (list, tuple)) else ()
    return tuple(dict.fromkeys(each for part in parts for each in planned_in(part)))


def is_planned(value: Any) -> bool:
    """Whether this is an id that a plan made up."""
    return isinstance(value, str) and bool(_PLANNED.search(value))
