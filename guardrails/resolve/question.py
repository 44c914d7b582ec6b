"""What DescribeInstances can be asked: a filter and a value.

https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeInstances.html
"""

from __future__ import annotations

import re

from guardrails.values import frozen


@frozen
class Question:
    """A filter of DescribeInstances with one value. Without a filter it asks for every machine."""

    filter: str = ""
    value: str = ""

    @property
    def family(self) -> str:
        """The kind of filter: all tags are one."""
        return family_of(self.filter)


def family_of(name: str) -> str:
    """The kind of a filter of this name."""
    return name.partition(":")[0]


EVERYTHING = Question()
# A filter of EC2 takes this many values.
FILTER_VALUES = 200

_SPECIAL = re.compile(r"[*?\\]")
_ESCAPED = re.compile(r"\\([*?\\])")


def literal(value: str) -> str:
    """A filter's value in which nothing stands for other characters."""
    return _SPECIAL.sub(r"\\\g<0>", value)


def unescaped(value: str) -> str:
    """What such a value means."""
    return _ESCAPED.sub(r"\1", value)


# The filter for what the machines are indexed by.
_FILTERS = {
    "instance": "instance-id",
    "subnet": "network-interface.subnet-id",
    "vpc": "vpc-id",
    "eni": "network-interface.network-interface-id",
    "attachment": "network-interface.attachment.attachment-id",
    "private-ip": "network-interface.addresses.private-ip-address",
    "public-ip": "network-interface.addresses.association.public-ip",
    "volume": "block-device-mapping.volume-id",
    "tag-key": "tag-key",
    "security-group": "network-interface.group-id",
    "ami": "image-id",
    "key-pair": "key-name",
    "placement-group": "placement-group-name",
    "dedicated-host": "host-id",
    "capacity-reservation": "capacity-reservation-id",
    "spot-instance-request": "spot-instance-request-id",
}


def question(kind: str, value: str) -> Question | None:
    """What asks for the machines with this value in an index; None where no machine can have it."""
    if kind == "tag":
        key, _, wanted = value.partition("=")
        # Which "=" ends the key cannot be seen.
        return EVERYTHING if "=" in wanted else Question(f"tag:{key}", wanted)
    if kind == "instance-profile":
        return Question("iam-instance-profile.arn", f"*/{value}")
    if kind in ("instance", "private-ip") and value.startswith("i-") != (kind == "instance"):
        return None
    if kind == "private-ip" and ":" in value:
        return Question("network-interface.ipv6-addresses.ipv6-address", value)
    if kind == "security-group" and not value.startswith("sg-"):
        return Question("network-interface.group-name", value)
    if kind == "placement-group" and value.startswith("pg-"):
        return EVERYTHING
    return Question(_FILTERS[kind], value) if kind in _FILTERS else EVERYTHING
