"""Hosted zones and the names of their records. Every zone has an SOA record at its top.

https://docs.aws.amazon.com/Route53/latest/DeveloperGuide/SOA-NSrecords.html
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from guardrails.resolve.resources.dns_names import plain
from guardrails.resolve.resources.resolver import Answers, Item
from guardrails.values import Lookup

RECORDS = Lookup("route53", "ListResourceRecordSets", "ResourceRecordSets", empty_on=("NoSuchHostedZone",))


def zone_id(name: str) -> str:
    """``Z1`` for ``/hostedzone/Z1``."""
    return name.rpartition("/")[2]


def items_of(zone: str, answers: Answers) -> tuple[Item, ...]:
    """The records of a zone, as far as they are answered."""
    answer = answers.get(RECORDS.about(HostedZoneId=zone).key())
    return answer.items if answer else ()


def read(zones: Iterable[str], listed: Iterable[Item], answers: Answers) -> bool:
    """Whether all records of these zones are known; a zone that is `listed` has its name at the top."""
    names = {zone_id(item["Id"]): plain(item["Name"]) for item in listed if "HostedZoneId" not in item}
    for zone in zones:
        tops = {plain(item["Name"]) for item in items_of(zone, answers) if item["Type"] == "SOA"}
        if not tops or (zone in names and names[zone] not in tops):
            return False
    return True


def key(name: str, kind: str, set_id: str) -> tuple[str, str, str]:
    """What tells the records of a zone apart."""
    return plain(name), kind, set_id


def key_of(record: Mapping[str, Any]) -> tuple[str, str, str]:
    """The same of a record."""
    return key(str(record.get("Name") or ""), str(record.get("Type") or ""), str(record.get("SetIdentifier") or ""))
