"""The type of a resource from the form of its AWS id: ``i-0123456789abcdef0`` is a machine, ``vol-…`` a volume."""

from __future__ import annotations

import re

# https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/resource-ids.html
_PREFIXES = {
    "acl": "nacl",
    "ami": "ami",
    "eipalloc": "address",
    "eipassoc": "address",
    "eni": "eni",
    "i": "instance",
    "igw": "internet-gateway",
    "lt": "launch-template",
    "nat": "nat-gateway",
    "pcx": "vpc-peering",
    "rtb": "route-table",
    "sg": "security-group",
    "snap": "snapshot",
    "subnet": "subnet",
    "vgw": "vpn-gateway",
    "vol": "volume",
    "vpc": "vpc",
    "vpce": "vpc-endpoint",
}
# The types whose ids always have this form.
TYPES = frozenset(_PREFIXES.values()) - {"launch-template", "security-group"}
_NOUNS = {"ami": "an image", "eni": "a network interface", "instance": "a machine", "nacl": "a network ACL",
          "address": "an address", "internet-gateway": "an internet gateway"}  # fmt: skip
_ID = re.compile(r"(?P<prefix>[a-z]+)-(?:[0-9a-f]{17}|[0-9a-f]{8})")
_IN_TEXT = re.compile(rf"(?<![\w-])(?:{'|'.join(_PREFIXES)})-(?:[0-9a-f]{{17}}|[0-9a-f]{{8}})(?![\w-])")
# Parameters that name a resource without an id of this form, as in the JSON of AWS's own calls.
_NAMED = {"AutoScalingGroupName": "asg", "StackName": "cfn-stack", "StackNameOrId": "cfn-stack",
          "DbInstanceIdentifier": "db-instance", "DBInstanceIdentifier": "db-instance",
          "DbClusterIdentifier": "db-cluster"}  # fmt: skip
# Where a call says as which parameter a runbook gets what its selectors find, one in each of its runs.
# https://docs.aws.amazon.com/systems-manager/latest/userguide/running-automations-map-targets.html
GIVEN_AS = ("TargetParameterName", "AutomationTargetParameterName")
# Possessive, and without anything before the first quote: time grows with the length of the text, whatever is in it.
_NAME = re.compile(rf'"(?P<key>{"|".join(_NAMED)})\\*+"\s*+:\s*+(?:\[\s*+)?\\*+"(?P<name>[^"\\]++)\\*+"')


def type_of(name: str) -> str | None:
    """The type of the resource, or None where the name does not have the form of an EC2 id."""
    match = _ID.fullmatch(name)
    return _PREFIXES.get(match["prefix"]) if match else None


def noun(kind: str) -> str:
    """``a volume`` for the type ``volume``."""
    return _NOUNS.get(kind) or f"a {kind.replace('-', ' ')}"


def in_text(text: str) -> dict[str, str]:
    """The resources that a string (JSON, a command) names: id to type."""
    ids = {match[0]: _PREFIXES[match[0].partition("-")[0]] for match in _IN_TEXT.finditer(text)}
    return ids | {match["name"]: _NAMED[match["key"]] for match in _NAME.finditer(text)}
