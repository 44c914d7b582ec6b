"""New names: a record takes its name from a wildcard or shares it with others, a private zone hides public names.

https://docs.aws.amazon.com/Route53/latest/DeveloperGuide/hosted-zones-private.html
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from guardrails.resolve.changes.records import plain_name
from guardrails.resolve.inventory import ADDRESSES
from guardrails.resolve.resources import ec2_subnets
from guardrails.resolve.resources.resolver import Answers, Context, Item, Resolver, judged, merged, unknown
from guardrails.resolve.resources.route53_zones import RECORDS, zone_id
from guardrails.values import Call, Lookup, Target, TargetFacts, TargetRef

_ZONES = Lookup("route53", "ListHostedZones", "HostedZones")
# Public names never end with these (RFC 2606, RFC 6762; ICANN reserved `internal` in 2024).
_PRIVATE_ENDS = ("corp", "home", "internal", "intranet", "invalid", "lan", "local", "private", "test")
# Of a traffic policy: whatever its records are.
_ANY = "ANY"
# They decide about every name below theirs: who answers, whose keys count, who may issue certificates.
_FOR_ALL_BELOW = frozenset(("NS", "SOA", "DS", "CAA"))
# A client that finds several of them for a name chooses one (RFC 6724, RFC 9460).
_ADDRESSES = frozenset(("A", "AAAA", "HTTPS", "SVCB"))
# With another value they outrank more than the record that they replace.
_OUTRANK = (_FOR_ALL_BELOW | _ADDRESSES) - {"A"}


def _records(call: Call, answers: Answers) -> tuple[Lookup, ...]:
    """The records of the zone in the call; CloudFormation may name it by its name, which several zones may have."""
    zones, name = [str(call.params.get("HostedZoneId"))], plain_name(str(call.params.get("HostedZoneName") or ""))
    if name and not call.params.get("HostedZoneId"):
        listed = answers[_ZONES.key()].items if _ZONES.key() in answers else ()
        zones = [str(zone["Id"]) for zone in listed if plain_name(str(zone["Name"])) == name]
    return tuple(RECORDS.about(HostedZoneId=zone_id(zone)) for zone in zones)


def _lookups(call: Call, _keys: tuple[str, ...]) -> tuple[Lookup, ...]:
    by_name = call.params.get("HostedZoneName") and not call.params.get("HostedZoneId")
    return (*((_ZONES,) if by_name else _records(call, {})), ADDRESSES)


def _below(name: str, parent: str) -> bool:
    return name == parent or name.endswith("." + parent)


def _pointed_at(records: Iterable[Any], context: Context) -> tuple[str, ...]:
    """The clusters whose addresses the records hold."""
    values = {value["Value"] for record in records for value in record.get("ResourceRecords") or ()}
    return merged(machine.cluster for value in values for machine in context.inventory.at_address(value))


def _losers(name: str, kind: str, records: Iterable[Item]) -> tuple[list[Item], str]:
    """The records that answer less often once there is a new one of this name and type, and how they are named."""
    records = [*records]
    if kind in _FOR_ALL_BELOW:
        apart = {*_FOR_ALL_BELOW, "TXT"}
        under = [
            record for record in records if _below(plain_name(record["Name"]), name) and record["Type"] not in apart
        ]
        return under, f"every name under {name}"
    named = [record for record in records if plain_name(record["Name"]) == name]
    rivals = _ADDRESSES if kind in _ADDRESSES else {kind}
    same = [record for record in named if kind == _ANY or record["Type"] in rivals]
    if same or named:
        return same, f"the other records of {name}"
    wild = _wildcards(name, kind, [(plain_name(record["Name"]), record) for record in records])
    return wild, ", ".join(sorted({plain_name(record["Name"]) for record in wild}))


def _wildcards(name: str, kind: str, records: list[tuple[str, Item]]) -> list[Item]:
    """The records that no longer answer for a name, or for one above it, because it exists (RFC 4592, 2.2.2)."""
    parent = name
    while parent and not any(_below(other, parent) for other, _ in records):
        label, _, parent = parent.partition(".")
    if parent == name:
        return []
    # No host has a name with an underscore: such names prove and describe something, and look up one type.
    by_type = label.startswith("_")
    return [
        record
        for other, record in records
        if other == f"*.{parent}" and (not by_type or kind in (record["Type"], _ANY))
    ]


def _moves(new: Item, old: Item | None) -> bool:
    """Whether a record says something else than the one that it replaces, where its type makes that count."""
    return old is None or (new.get("Type") in _OUTRANK and _says(new) != _says(old))


def _says(record: Item) -> tuple[str, frozenset[str]]:
    """Where a record sends its users."""
    alias = plain_name((record.get("AliasTarget") or {}).get("DNSName") or "").removeprefix("dualstack.")
    return alias, frozenset(value["Value"] for value in record.get("ResourceRecords") or ())


def _sends_no_one_elsewhere(new: Iterable[Item], losers: Iterable[Item]) -> bool:
    """Whether records only repeat where the name leads: to the same alias, or to the name itself."""
    aliases = {_says(record)[0] for record in losers}
    for record in new:
        alias, values = _says(record)
        if alias and aliases != {alias}:
            return False
        if not alias and not (values and all(_own_name(str(record.get("Type")), value) for value in values)):
            return False
    return True


def _own_name(kind: str, value: str) -> bool:
    """``1 . alpn=h2`` is about the name itself, and ``0 iodef "mailto:…"`` only says where to report."""
    if kind == "CAA":
        return value.split()[1:2] == ["iodef"]
    words = value.split()
    return kind in ("HTTPS", "SVCB") and words[1:2] == ["."] and words[0] != "0" and not re.search("hint=|port=", value)


def _record(ref: TargetRef, context: Context) -> Target:
    """``www.example.org A (new)``, a record that is created; where it exists already, the change itself is judged."""
    text, kind, *_ = (*ref.id.rsplit(" ", 2), "")
    name, lookups = plain_name(text), _records(context.call, context.answers)
    if not lookups:
        return unknown(ref, "dns-record")
    records = [record for lookup in lookups for record in context.items(lookup)]
    changes = (context.call.params.get("ChangeBatch") or {}).get("Changes") or ()
    sets = [change.get("ResourceRecordSet") or {} for change in changes if change.get("Action") != "DELETE"]
    new = [each for each in sets if plain_name(str(each.get("Name"))) == name and each.get("Type") == kind]
    present = {(plain_name(item["Name"]), item["Type"], item.get("SetIdentifier")): item for item in records}
    created = [each for each in new if _moves(each, present.get((name, kind, each.get("SetIdentifier"))))]
    losers, whose = _losers(name, kind, records) if created or kind == _ANY else ([], "")
    clusters = _pointed_at(losers, context)
    facts: TargetFacts = {"records": len(losers)}
    # An address that is on no machine here leads nowhere; a name may lead anywhere.
    if not clusters and any(
        record["Type"] not in ("A", "AAAA") or "ResourceRecords" not in record for record in losers
    ):
        facts["traced"] = False
    target = Target(ref.id, "dns-record", ref.role, resolved=True, clusters=clusters, facts=facts)
    gains = _pointed_at(new, context)
    idle = bool(new) and all(each.get("Weight") == 0 for each in new)
    same = (bool(gains) and {*gains} <= {*clusters}) or (bool(new) and _sends_no_one_elsewhere(new, losers))
    return judged(
        target,
        f"It takes users from {whose}" if losers and not idle and not same else None,
        "no other name loses users",
    )


def _network(ref: TargetRef, context: Context) -> Target:
    """A VPC in which the names of a private zone hide all others of the same ending."""
    target, params = ec2_subnets.RESOLVERS["vpc"].resolve(ref, context), context.call.params
    zones = {zone_id(zone["Id"]): plain_name(zone["Name"]) for zone in context.items(_ZONES)}
    own = zone_id(str(params.get("HostedZoneId") or ""))
    name = plain_name(str(params.get("Name") or zones.get(own) or ""))
    if not name:
        return judged(target, "Which names the zone hides there is unknown", "")
    others = sorted(
        other for zone, other in zones.items() if zone != own and (_below(name, other) or _below(other, name))
    )
    if others:
        return judged(target, f"The private zone {name} hides names of the zone {others[0]} there", "")
    public = name.rpartition(".")[2] not in _PRIVATE_ENDS
    return judged(
        target,
        f"The private zone {name} hides every public name under {name} there" if public else None,
        "no name of the zone has an answer there today",
    )


RESOLVERS = {
    "dns-new-record": Resolver(_record, (RECORDS, ADDRESSES, _ZONES), _lookups, _records),
    "vpc-names": Resolver(_network, (*ec2_subnets.RESOLVERS["vpc"].asks, _ZONES)),
}
