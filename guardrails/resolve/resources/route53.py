"""Route 53: hosted zones and records carry the clusters whose addresses they point at.

A record that is an alias points at a load balancer or another of AWS's names, which cannot be traced from here.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from guardrails.resolve.inventory import ADDRESSES, Inventory
from guardrails.resolve.resources.resolver import Context, Resolver, last_part, merged, named
from guardrails.values import Call, Lookup, Target, TargetRef


def _zone(call: Call) -> str:
    return last_part(f"arn:{call.params.get('HostedZoneId') or call.params.get('Id') or call.params.get('ResourceId')}")


def _records(zone: str) -> Lookup:
    return Lookup(
        "route53",
        "ListResourceRecordSets",
        "ResourceRecordSets",
        {"HostedZoneId": zone},
        empty_on=("NoSuchHostedZone",),
    )


def _lookups(call: Call, _tag: str) -> tuple[Lookup, ...]:
    zones = [last_part(f"arn:{name}") for name in named(call, "hosted-zone")] or [_zone(call)]
    return (*(_records(zone) for zone in zones), ADDRESSES)


def _name(text: str) -> str:
    """One spelling: Route 53 writes a dot at the end, and an asterisk as its octal escape."""
    return text.lower().rstrip(".").replace("\\052", "*")


def _pointed_at(records: Iterable[Mapping[str, Any]], inventory: Inventory) -> tuple[tuple[str, ...], bool]:
    """The clusters whose public or private addresses the records hold, and whether one is an alias."""
    values = {value["Value"] for record in records for value in record.get("ResourceRecords") or []}
    clusters = [machine.cluster for value in values for machine in inventory.on("private-ip", value)]
    clusters += [
        machine.cluster
        for machine in inventory.machines.values()
        if machine.state != "terminated"
        and values.intersection((*machine.public_ips, *inventory.elastic_ips_of(machine.id)))
    ]
    aliased = any(record.get("AliasTarget") or record.get("Type") == "CNAME" for record in records)
    return merged(clusters), aliased


def _target(ref: TargetRef, kind: str, records: list[Mapping[str, Any]], context: Context) -> Target:
    clusters, aliased = _pointed_at(records, context.inventory)
    facts: dict[str, Any] = {"records": len(records)}
    if aliased and not clusters:
        facts["traced"] = False
    return Target(ref.id, kind, ref.role, resolved=True, clusters=clusters, facts=facts)


def _record(ref: TargetRef, context: Context) -> Target:
    """``www.example.org A``: as it is now, before the call changes it."""
    name, _, kind = ref.id.rpartition(" ")
    records = [
        record
        for record in context.items(_records(_zone(context.call)))
        if _name(record["Name"]) == _name(name) and record["Type"] == kind
    ]
    return _target(ref, "dns-record", records, context)


def _hosted_zone(ref: TargetRef, context: Context) -> Target:
    return _target(ref, "hosted-zone", list(context.items(_records(last_part(f"arn:{ref.id}")))), context)


RESOLVERS = {"dns-record": Resolver(_lookups, _record), "hosted-zone": Resolver(_lookups, _hosted_zone)}
