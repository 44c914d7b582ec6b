"""The records of DNS names, as they answer now: by weight, and with the primary one of a failover.

https://docs.aws.amazon.com/Route53/latest/DeveloperGuide/routing-policy.html
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from attrs import define, field

from guardrails.resolve.changes.records import plain_name
from guardrails.resolve.resources.dns_names import plain
from guardrails.resolve.resources.route53_zones import RECORDS, zone_id
from guardrails.values import Answer, Lookup, frozen

Answers = Mapping[str, Answer]
Record = Mapping[str, Any]
ZONES = Lookup("route53", "ListHostedZones", "HostedZones")
# Only checks of an endpoint have one; without it the secondary record counts, too.
HEALTH = Lookup("route53", "GetHealthCheckStatus", "HealthCheckObservations", optional=True)
# A page has this many records at most; the records of one name come one after the other.
_PAGE = 300
_ADDRESSES = ("A", "AAAA")
_HOSTS = ("CNAME", "HTTPS", "SVCB", "SRV")


@frozen
class End:
    """What a record leads to: an address, or a name outside the account's zones; `place` is what a person looks up."""

    value: str
    is_address: bool
    place: str


@define
class Trace:
    """Where a name leads: its ends, and the look-ups that are still to be made."""

    ends: list[End] = field(factory=list)
    pending: list[Lookup] = field(factory=list)


def trace(name: str, answers: Answers) -> Trace:
    """Follow a name through the records of the account's zones."""
    result, todo, seen = Trace(), [plain_name(name)], set[str]()
    while todo:
        host = todo.pop()
        if host in seen:
            continue
        seen.add(host)
        found = _records(host, answers, result)
        if not found and host != plain_name(name):
            result.ends.append(End(host, is_address=False, place=f"{plain_name(name)} (to {host})"))
        for record in _answering(found, answers, result):
            place = _place(plain_name(name), record)
            if record["Type"] in _ADDRESSES and not record.get("AliasTarget"):
                result.ends += [End(value, is_address=True, place=place) for value in _values(record)]
            for target in _targets(record):
                if _zones_of(target, answers):
                    todo.append(target)
                else:
                    result.ends.append(End(target, is_address=False, place=place))
    return result


def _zones_of(name: str, answers: Answers) -> list[list[str]]:
    """The zones that may have records of this name, those with the longest name first; several may have the same."""
    zones: dict[str, list[str]] = defaultdict(list)
    for zone in answers[ZONES.key()].items:
        top = plain_name(str(zone["Name"]))
        if f".{name}".endswith(f".{top}"):
            zones[top].append(zone_id(str(zone["Id"])))
    return [zones[top] for top in sorted(zones, key=len, reverse=True)]


def _records(name: str, answers: Answers, result: Trace) -> list[Record]:
    """The records of a name, from the zone with the longest name that has some."""
    best: list[Record] = []
    for zones in _zones_of(name, answers):
        found: list[Record] = []
        for zone in zones:
            lookup = _lookup(zone, name)
            if lookup.key() not in answers:
                result.pending.append(lookup)
                continue
            items = answers[lookup.key()].items
            mine = [item for item in items if plain_name(str(item["Name"])) == name]
            if len(mine) >= _PAGE:
                # There may be more; what they lead to is not known.
                result.ends.append(End(f"more than {_PAGE} records", is_address=False, place=name))
            found += mine
        best = best or [item for item in found if item["Type"] in (*_ADDRESSES, *_HOSTS)]
    return best


def _lookup(zone: str, name: str) -> Lookup:
    about = RECORDS.about(HostedZoneId=zone, StartRecordName=name)
    return Lookup(about.service, about.operation, about.items, about.params, about.empty_on, sample=True)


def _answering(records: Iterable[Record], answers: Answers, result: Trace) -> Iterator[Record]:
    """The records that answers come from: of weighted ones those above 0, or all where all are 0."""
    groups: dict[str, list[Record]] = defaultdict(list)
    for record in records:
        groups[record["Type"]].append(record)
    for group in groups.values():
        weighted = [record for record in group if "Weight" in record]
        chosen = [record for record in weighted if record["Weight"] > 0] or weighted
        standby = [record for record in group if record.get("Failover") == "SECONDARY"]
        primary = [record for record in group if record.get("Failover") == "PRIMARY"]
        yield from chosen
        yield from (record for record in group if record not in (*weighted, *standby))
        if not primary or not all(_passes(record, answers, result) for record in primary):
            yield from standby


def _passes(record: Record, answers: Answers, result: Trace) -> bool:
    """Whether Route 53 takes a primary record for healthy: more than 18 % of its checkers do, or nothing checks it.

    https://docs.aws.amazon.com/Route53/latest/DeveloperGuide/dns-failover-determining-health-of-endpoints.html
    """
    check = record.get("HealthCheckId")
    if not check:
        # The health of an alias's target is not shown by Route 53: then both count.
        return not (record.get("AliasTarget") or {}).get("EvaluateTargetHealth")
    lookup = Lookup(HEALTH.service, HEALTH.operation, HEALTH.items, {"HealthCheckId": check}, optional=True)
    if lookup.key() not in answers:
        result.pending.append(lookup)
        return False
    reports = [str((item.get("StatusReport") or {}).get("Status")) for item in answers[lookup.key()].items]
    return sum(report.startswith("Success") for report in reports) > 0.18 * len(reports)


def _values(record: Record) -> list[str]:
    return [str(value["Value"]) for value in record.get("ResourceRecords") or ()]


def _targets(record: Record) -> list[str]:
    """The names that a record leads to, plain."""
    alias = (record.get("AliasTarget") or {}).get("DNSName")
    if alias:
        return [plain(alias)]
    hosts = [value.split()[-1] for value in _values(record) if value.split()] if record["Type"] in _HOSTS else []
    return [host for host in map(plain, hosts) if host]


def _place(name: str, record: Record) -> str:
    own = plain_name(str(record["Name"]))
    weight = f", weight {record['Weight']}" if "Weight" in record else ""
    via = "" if own == name else f" by {own}"
    return f"the record {name} ({record['Type']}{weight}{via})"
