"""Route 53: hosted zones and records carry the clusters whose addresses they point at.

A record that is an alias points at a load balancer or another AWS name, which cannot be followed from here.
"""

from __future__ import annotations

from collections.abc import Iterable

from guardrails.resolve.changes.records import leave_traffic, plain_name
from guardrails.resolve.inventory import ADDRESSES, Inventory
from guardrails.resolve.resources.resolver import Context, Item, Resolver, judged, merged, named
from guardrails.values import Call, Lookup, Target, TargetFacts, TargetRef

_RECORDS = Lookup("route53", "ListResourceRecordSets", "ResourceRecordSets", empty_on=("NoSuchHostedZone",))
_SPARED = "it repeats the record, changes its TTL, or adds to it"


def _zone_of(call: Call) -> str:
    params = call.params
    return _zone_id(str(params.get("HostedZoneId") or params.get("Id") or params.get("ResourceId")))


def _zone_id(name: str) -> str:
    """``Z1`` for ``/hostedzone/Z1``."""
    return name.rpartition("/")[2]


def _lookups(call: Call, _tag: str) -> tuple[Lookup, ...]:
    zones = [_zone_id(name) for name in named(call, "hosted-zone")] or [_zone_of(call)]
    return (*(_RECORDS.about(HostedZoneId=zone) for zone in zones), ADDRESSES)


def _pointed_at(records: Iterable[Item], inventory: Inventory) -> tuple[str, ...]:
    """The clusters whose public or private addresses the records contain."""
    values = {value["Value"] for record in records for value in record.get("ResourceRecords") or []}
    clusters = [machine.cluster for value in values for machine in inventory.on("private-ip", value)]
    clusters += [
        machine.cluster
        for machine in inventory.machines.values()
        if machine.state != "terminated"
        and values.intersection((*machine.public_ips, *inventory.elastic_ips_of(machine.id)))
    ]
    return merged(clusters)


def _target(ref: TargetRef, kind: str, records: list[Item], context: Context) -> Target:
    clusters = _pointed_at(records, context.inventory)
    facts: TargetFacts = {"records": len(records)}
    if not clusters and any(record.get("AliasTarget") or record.get("Type") == "CNAME" for record in records):
        facts["traced"] = False
    return Target(ref.id, kind, ref.role, resolved=True, clusters=clusters, facts=facts)


def _record(ref: TargetRef, context: Context) -> Target:
    """``www.example.org A``: the record as it is before the call changes it."""
    name, _, kind = ref.id.rpartition(" ")
    records = [
        record
        for record in context.items(_RECORDS.about(HostedZoneId=_zone_of(context.call)))
        if plain_name(record["Name"]) == plain_name(name) and record["Type"] == kind
    ]
    changes = (context.call.clear_params.get("ChangeBatch") or {}).get("Changes") or []
    target = _target(ref, "dns-record", records, context)
    return judged(target, None, _SPARED) if leave_traffic(name, kind, changes, records) else target


def _hosted_zone(ref: TargetRef, context: Context) -> Target:
    records = context.items(_RECORDS.about(HostedZoneId=_zone_id(ref.id)))
    return _target(ref, "hosted-zone", [*records], context)


RESOLVERS = {
    "dns-record": Resolver(_record, (_RECORDS, ADDRESSES), _lookups),
    "hosted-zone": Resolver(_hosted_zone, (_RECORDS, ADDRESSES), _lookups),
}
