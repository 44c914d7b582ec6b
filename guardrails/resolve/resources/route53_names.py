"""A DNS name alone, as a stack shows a record: the records of that name in the account's hosted zones."""

from __future__ import annotations

from guardrails.resolve.changes.records import is_within, plain_name
from guardrails.resolve.resources.resolver import Answers, Context, Part, Resolver, named
from guardrails.resolve.resources.route53_zones import RECORDS, zone_id
from guardrails.values import Call, Lookup, Target, TargetRef

ZONES = Lookup("route53", "ListHostedZones", "HostedZones")
ASKS = (ZONES, RECORDS)


def _zones_of(name: str, answers: Answers) -> list[str]:
    answer = answers.get(ZONES.key())
    zones = answer.items if answer else ()
    return [zone_id(str(zone["Id"])) for zone in zones if is_within(name, zone["Name"])]


def has_zone(name: str, answers: Answers) -> bool:
    """Whether a hosted zone of the account may have records of this name."""
    return bool(_zones_of(name, answers))


def _followups(call: Call, answers: Answers) -> tuple[Lookup, ...]:
    return tuple(
        RECORDS.about(HostedZoneId=zone) for name in named(call, "dns-name") for zone in _zones_of(name, answers)
    )


def _records(ref: TargetRef, _call: Call, answers: Answers) -> tuple[Part, ...]:
    found = []
    for zone in _zones_of(ref.id, answers):
        answer = answers.get(RECORDS.about(HostedZoneId=zone).key())
        kinds = (
            sorted({item["Type"] for item in answer.items if plain_name(item["Name"]) == plain_name(ref.id)})
            if answer
            else ()
        )
        targets = tuple(TargetRef(f"{ref.id} {kind}", "dns-record") for kind in kinds)
        found += [Part(f"{ref.id} in {zone}", targets, {"HostedZoneId": zone})] if targets else []
    return tuple(found)


def _name(ref: TargetRef, context: Context) -> Target:
    records = _records(ref, context.call, context.answers)
    return Target(ref.id, ref.type, ref.role, resolved=bool(records))


RESOLVERS = {"dns-name": Resolver(_name, (ZONES, RECORDS), lambda _call, _keys: (ZONES,), _followups, parts=_records)}
