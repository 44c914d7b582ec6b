"""Route 53: hosted zones and records carry the clusters of what they point at, by address or by name.

A record is judged by what a change takes from it: one that still points at everything it pointed at takes nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from attrs import evolve

from guardrails.resolve.changes.records import leave_traffic
from guardrails.resolve.inventory import ADDRESSES
from guardrails.resolve.resources.dns_names import plain
from guardrails.resolve.resources.ec2_occupants import Occupants
from guardrails.resolve.resources.ends import asks, reached
from guardrails.resolve.resources.resolver import Answers, Context, Item, Resolver, judged, merged, named, strings
from guardrails.resolve.resources.route53_zones import RECORDS, items_of, key, key_of, read, zone_id
from guardrails.resolve.resources.trail import Trails, walk
from guardrails.values import Call, Lookup, Target, TargetFacts, TargetRef, frozen

_ZONES = Lookup("route53", "ListHostedZones", "HostedZones", empty_on=("NoSuchDelegationSet",))
_POLICY = Lookup(
    "route53", "GetTrafficPolicyInstance", "TrafficPolicyInstance", empty_on=("NoSuchTrafficPolicyInstance",)
)
# Which records use them: the path in a record, by kind.
_USED_BY = {
    "health-check": "HealthCheckId",
    "cidr-collection": "CidrRoutingConfig.CollectionId",
    "traffic-policy-instance": "TrafficPolicyInstanceId",
}
_HOSTS = ("SRV", "HTTPS", "SVCB", "CNAME")
_SPARED = "it repeats the record, changes its TTL, or adds to it"
_DELEGATION = ("NS", "DS")
# What decides who gets a record's answer, besides its weight.
_ROUTING = ("Region", "GeoLocation", "GeoProximityLocation", "CidrRoutingConfig", "Failover", "HealthCheckId")


@frozen
class _Record:
    """A record as it is, with the other records of its zone."""

    item: Item
    zone: tuple[Item, ...]

    @property
    def apex(self) -> bool:
        """Whether it is at the top of its zone, where every zone has records of its own."""
        return any(each["Type"] == "SOA" and each["Name"] == self.item["Name"] for each in self.zone)


@frozen
class _Points:
    """What records point at: addresses, names outside their zone, and what no look-up follows."""

    addresses: frozenset[str] = frozenset()
    names: frozenset[str] = frozenset()
    unclear: frozenset[str] = frozenset()

    def __or__(self, other: _Points) -> _Points:
        return _Points(self.addresses | other.addresses, self.names | other.names, self.unclear | other.unclear)


def _zone_of(call: Call) -> str:
    params = call.params
    return zone_id(str(params.get("HostedZoneId") or params.get("Id") or params.get("ResourceId")))


def _values(record: Item) -> list[str]:
    return [str(value["Value"]) for value in record.get("ResourceRecords") or []]


def _points(record: _Record, seen: frozenset[str] = frozenset()) -> _Points:
    """What a record points at, through other records of its zone."""
    item, kind = record.item, record.item.get("Type")
    alias = (item.get("AliasTarget") or {}).get("DNSName")
    if alias:
        hosts = [alias]
    elif kind in ("A", "AAAA"):
        return _Points(addresses=frozenset(_values(item)))
    elif kind in _DELEGATION and not record.apex:
        return _Points(unclear=frozenset([f"the zone that {plain(item['Name'])} delegates to"]))
    else:
        hosts = [value.split()[-1] for value in _values(item) if value.split()] if kind in _HOSTS else []
    result = _Points()
    for host in {plain(each) for each in hosts} - {""}:
        inside = [each for each in record.zone if plain(each["Name"]) == host and host not in seen]
        for each in inside:
            result |= _points(_Record(each, record.zone), seen | {host, plain(item["Name"])})
        # A name with an underscore is for services to look at, such as a certificate's: no user comes through it.
        if not inside and host not in seen and not plain(item["Name"]).startswith("_"):
            result |= _Points(names=frozenset([host]))
    return result


def _after(record: _Record, call: Call) -> _Record | None:
    """The record as the call leaves it; None where it is gone."""
    item: Item | None = None
    for change in (call.params.get("ChangeBatch") or {}).get("Changes") or ():
        changed = change.get("ResourceRecordSet") or {}
        if key_of(changed) == key_of(record.item):
            item = None if change.get("Action") == "DELETE" else changed
    return None if item is None else _Record(item, record.zone)


def _takes(record: _Record, call: Call) -> bool:
    """Whether the call takes something from the record that users may need."""
    after = _after(record, call)
    if after is None:
        return True
    before, now = _points(record), _points(after)
    keeps = before.addresses <= now.addresses and before.names <= now.names and before.unclear <= now.unclear
    same = all(record.item.get(each) == after.item.get(each) for each in _ROUTING)
    return not (keeps and same) or (record.item.get("Weight") != 0 and after.item.get("Weight") == 0)


def _zones(call: Call, answers: Answers) -> list[str]:
    """The zones whose records matter for this call, as far as that is known."""
    listed = _listed(call, answers) if not named(call, "hosted-zone") else []
    of_policies = [item["HostedZoneId"] for item in listed if item.get("HostedZoneId")]
    zones = [zone_id(name) for name in (*named(call, "hosted-zone"), *of_policies)]
    zones += [zone_id(item["Id"]) for item in listed if not item.get("HostedZoneId")]
    return zones or ([_zone_of(call)] if named(call, "dns-record") else [])


def _first(call: Call) -> tuple[Lookup, ...]:
    """What says which zones to read, where the call does not."""
    anywhere = (_ZONES,) if named(call, "health-check", "cidr-collection") else ()
    sets = [_ZONES.about(DelegationSetId=zone_id(name)) for name in named(call, "delegation-set")]
    # The name of a zone shows whether an answer is about it. Without permission for it, that is not known.
    anywhere = anywhere or ((evolve(_ZONES, optional=True),) if named(call, "hosted-zone") else ())
    return (*anywhere, *sets, *(_POLICY.about(Id=name) for name in named(call, "traffic-policy-instance")))


def _listed(call: Call, answers: Answers) -> list[Item]:
    return [item for each in _first(call) for item in (answers[each.key()].items if each.key() in answers else ())]


def _lookups(call: Call, _keys: tuple[str, ...]) -> tuple[Lookup, ...]:
    return (*_first(call), *(RECORDS.about(HostedZoneId=zone) for zone in _zones(call, {})), ADDRESSES)


def _records(ref: TargetRef, call: Call, answers: Answers) -> Iterator[_Record]:
    """The records that a target is, has, or is used by."""
    zones = [zone_id(ref.id)] if ref.type == "hosted-zone" else _zones(call, answers)
    name, kind, set_id = (*ref.id.split(" ", 2), "", "")[:3]
    for zone in zones:
        items = items_of(zone, answers)
        for item in items:
            if ref.type == "dns-record":
                wanted = key_of(item) == key(name, kind, set_id)
            else:
                wanted = ref.type not in _USED_BY or ref.id in strings(_USED_BY[ref.type], item)
            if wanted:
                yield _Record(item, items)


def _reached_by(ref: TargetRef, call: Call, answers: Answers) -> _Points:
    """What a target's records point at, and lose by this call."""
    records = [*_records(ref, call, answers)]
    result = _Points()
    for record in records:
        if ref.type != "dns-record" or _takes(record, call):
            result |= _points(record)
    return result


def _nodes(points: _Points, addresses: Iterable[Item]) -> list[tuple[str, str]]:
    held = {address.get("PublicIp") for address in addresses if not address.get("InstanceId")}
    return [*(("dns", name) for name in sorted(points.names)), *(("eip", ip) for ip in sorted(points.addresses & held))]


def _resolver(kind: str, trails: Trails) -> Resolver:
    def followups(call: Call, answers: Answers) -> tuple[Lookup, ...]:
        more = [RECORDS.about(HostedZoneId=zone) for zone in _zones(call, answers)]
        for ref in call.targets:
            if ref.type == kind and ADDRESSES.key() in answers:
                nodes = _nodes(_reached_by(ref, call, answers), answers[ADDRESSES.key()].items)
                more += [lookup for node in nodes for lookup in walk(node, trails, answers).pending.values()]
        return tuple({lookup.key(): lookup for lookup in more if lookup.key() not in answers}.values())

    def resolve(ref: TargetRef, context: Context) -> Target:
        records = [*_records(ref, context.call, context.answers)]
        points = _reached_by(ref, context.call, context.answers)
        occupants, clusters, unclear = _machines_at(points.addresses, context), set[str](), {*points.unclear}
        for node in _nodes(points, context.items(ADDRESSES)):
            result = walk(node, trails, context.answers, context.inventory.ownership)
            end = reached(result, context)
            occupants |= end.occupants
            clusters |= result.clusters
            unclear |= {*(end.unclear if not result.clusters else ())}
        facts: TargetFacts = {"records": len(records), **occupants.facts}
        if unclear:
            facts.update({"traced": False, "look_at": sorted(unclear)})
        target = Target(
            ref.id,
            kind,
            ref.role,
            resolved=not occupants.missing and _known(ref, context.call, context.answers),
            clusters=merged(occupants.clusters, clusters),
            facts=facts,
        )
        return judged(target, None, _SPARED) if _spares(ref, context.call, records) else target

    follow = (*asks("dns", trails), *asks("eip", trails))
    return Resolver(resolve, (RECORDS, _ZONES, _POLICY, ADDRESSES, *follow), _lookups, followups)


def _known(ref: TargetRef, call: Call, answers: Answers) -> bool:
    """Whether the zones of a target are known, with all of their records."""
    zones = [zone_id(ref.id)] if ref.type == "hosted-zone" else _zones(call, answers)
    if ref.type == "traffic-policy-instance" and not zones:
        return False
    tops = [item for zone in zones for item in items_of(zone, answers) if item["Type"] == "SOA"]
    name = f".{plain(ref.id.partition(' ')[0])}"
    within = ref.type != "dns-record" or any(name.endswith(f".{plain(item['Name'])}") for item in tops)
    return within and read(zones, _listed(call, answers), answers)


def _spares(ref: TargetRef, call: Call, records: list[_Record]) -> bool:
    """Whether the call leaves a record's traffic as it is."""
    name, kind, *_ = (*ref.id.split(" ", 2), "")
    changes = (call.clear_params.get("ChangeBatch") or {}).get("Changes") or []
    return ref.type == "dns-record" and leave_traffic(name, kind, changes, [record.item for record in records])


def _machines_at(values: Iterable[str], context: Context) -> Occupants:
    """The machines that have these public, elastic or private addresses."""
    machines = [machine for value in {*values} for machine in context.inventory.at_address(value)]
    return Occupants(
        frozenset(machine.cluster for machine in machines if machine.cluster),
        frozenset(machine.id for machine in machines if machine.cluster is None),
    )


def resolvers(trails: Trails) -> dict[str, Resolver]:
    """The resolvers of zones, records and what records use; `trails` is the table that names are followed through."""
    return {kind: _resolver(kind, trails) for kind in ("dns-record", "hosted-zone", "delegation-set", *_USED_BY)}
