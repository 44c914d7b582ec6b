"""New names: a record takes its name from a wildcard or shares it with others, a private zone hides public names.

https://docs.aws.amazon.com/Route53/latest/DeveloperGuide/hosted-zones-private.html
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from guardrails.resolve.inventory import ADDRESSES
from guardrails.resolve.resources import ec2_subnets
from guardrails.resolve.resources.resolver import Context, Item, Resolver, judged, merged
from guardrails.values import Call, Lookup, Target, TargetFacts, TargetRef

_RECORDS = Lookup("route53", "ListResourceRecordSets", "ResourceRecordSets", empty_on=("NoSuchHostedZone",))
_ZONES = Lookup("route53", "ListHostedZones", "HostedZones")
# Public names never end with these (RFC 2606, RFC 6762; ICANN reserved `internal` in 2024).
_PRIVATE_ENDS = ("corp", "home", "internal", "intranet", "invalid", "lan", "local", "private", "test")
# Of a traffic policy: whatever its records are.
_ANY = "ANY"


def _plain(name: str) -> str:
    """Route 53 writes names with a dot at the end, and an asterisk as its octal escape."""
    return name.lower().rstrip(".").replace("\\052", "*")


def _records(call: Call) -> Lookup:
    return _RECORDS.about(HostedZoneId=str(call.params.get("HostedZoneId")).rpartition("/")[2])


def _below(name: str, parent: str) -> bool:
    return name == parent or name.endswith("." + parent)


def _pointed_at(records: Iterable[Any], context: Context) -> tuple[str, ...]:
    """The clusters whose addresses the records hold."""
    values = {value["Value"] for record in records for value in record.get("ResourceRecords") or ()}
    inventory = context.inventory
    clusters = {machine.cluster for value in values for machine in inventory.on("private-ip", value)}
    clusters |= {
        machine.cluster
        for machine in inventory.machines.values()
        if machine.state != "terminated"
        and values.intersection((*machine.public_ips, *inventory.elastic_ips_of(machine.id)))
    }
    return merged(clusters)


def _losers(name: str, kind: str, records: Iterable[Item]) -> tuple[list[Item], str]:
    """The records that answer less often once there is a new one of this name and type, and how they are named."""
    named = [record for record in records if _plain(record["Name"]) == name]
    if kind == "NS":
        under = [record for record in records if _below(_plain(record["Name"]), name)]
        return under, f"every name under {name}"
    same = [record for record in named if kind in (record["Type"], _ANY)]
    if same or named:
        return same, f"the other records of {name}"
    wild = [
        record
        for record in records
        if _plain(record["Name"]).startswith("*.")
        and _below(name, _plain(record["Name"])[2:])
        and record["Type"] == kind
    ]
    return wild, ", ".join(sorted({_plain(record["Name"]) for record in wild}))


def _record(ref: TargetRef, context: Context) -> Target:
    """``www.example.org A (new)``, a record that is created; where it exists already, the change itself is judged."""
    text, kind, *_ = (*ref.id.rsplit(" ", 2), "")
    name, records = _plain(text), context.items(_records(context.call))
    changes = (context.call.params.get("ChangeBatch") or {}).get("Changes") or ()
    sets = [change.get("ResourceRecordSet") or {} for change in changes if change.get("Action") != "DELETE"]
    new = [each for each in sets if _plain(str(each.get("Name"))) == name and each.get("Type") == kind]
    present = {(_plain(record["Name"]), record["Type"], record.get("SetIdentifier")) for record in records}
    created = [each for each in new if (name, kind, each.get("SetIdentifier")) not in present]
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
    same = bool(gains) and {*gains} <= {*clusters}
    return judged(
        target,
        f"It takes users from {whose}" if losers and not idle and not same else None,
        "no other name loses users",
    )


def _network(ref: TargetRef, context: Context) -> Target:
    """A VPC in which the names of a private zone hide all others of the same ending."""
    target, params = ec2_subnets.RESOLVERS["vpc"].resolve(ref, context), context.call.params
    zones = {_zone_id(zone["Id"]): _plain(zone["Name"]) for zone in context.items(_ZONES)}
    own = _zone_id(str(params.get("HostedZoneId") or ""))
    name = _plain(str(params.get("Name") or zones.get(own) or ""))
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


def _zone_id(name: str) -> str:
    """``Z1`` for ``/hostedzone/Z1``."""
    return name.rpartition("/")[2]


RESOLVERS = {
    "dns-new-record": Resolver(_record, (_RECORDS, ADDRESSES), lambda call, _tag: (_records(call), ADDRESSES)),
    "vpc-names": Resolver(_network, (*ec2_subnets.RESOLVERS["vpc"].asks, _ZONES)),
}
