"""DNS records that answer with other addresses or names, or with other weights: all changes of a batch together.

https://docs.aws.amazon.com/Route53/latest/DeveloperGuide/routing-policy-weighted.html
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any

from attrs import evolve

from guardrails.resolve.health import STATUS
from guardrails.resolve.inventory import ADDRESSES
from guardrails.resolve.live import endpoints
from guardrails.resolve.resources.dns_names import plain, unknown_behind
from guardrails.resolve.resources.route53_zones import RECORDS, key_of, zone_id
from guardrails.resolve.shifts import shares
from guardrails.resolve.shifts.shares import Answers, Shares, Situation, UnclearError, cluster_of
from guardrails.values import Call, Lookup, Shift, Target, TargetFacts

_WAY = "record"
# A client asks for either kind of address; a CNAME answers both.
_FAMILIES = {"A": ("A", "CNAME"), "AAAA": ("AAAA", "CNAME")}
_FOLLOWED = ("A", "AAAA", "CNAME")
# No user comes through these.
_ASIDE = ("TXT", "SPF")
# Who gets which answer depends on more than weights.
_ROUTING = ("Region", "GeoLocation", "GeoProximityLocation", "CidrRoutingConfig", "Failover", "TrafficPolicyInstanceId")
_ROUNDING = 1e-6
# Has the share of those that no cluster is known to get.
_UNKNOWN = ""
Record = Mapping[str, Any]
# The records of a zone, by what tells them apart.
Zone = Mapping[tuple[str, str, str], Record]


def _lookups(call: Call) -> tuple[Lookup, ...]:
    if not _is_change(call):
        return ()
    return (evolve(STATUS, optional=True), ADDRESSES, _records_of(call))


def _followups(call: Call, answers: Answers) -> tuple[Lookup, ...]:
    """What is behind every name that the records lead to, now and afterwards."""
    if not _is_change(call) or _records_of(call).key() not in answers:
        return ()
    before, after = _zones(call, answers)
    names = {plain(name) for zone in (before, after) for name in _hosts(call, zone)}
    asked = [lookup for name in sorted(names) for lookup in endpoints.lookups(("dns", name), answers)]
    return tuple(evolve(lookup, optional=True) for lookup in asked)


def _shift(situation: Situation) -> Shift | None:
    """None also where every cluster keeps its share: then what the records lose is judged."""
    if not _is_change(situation.call):
        return None
    try:
        pairs = [
            pair for pair in _pairs(situation, strict=True).values() if {*pair[0].shares} & {*situation.seen.clusters}
        ]
        return shares.moved(_WAY, pairs) if any(_lost(pair) for pair in pairs) else None
    except UnclearError as error:
        return Shift(_WAY, why=str(error))


def losing(targets: tuple[Target, ...], situation: Situation) -> tuple[Target, ...]:
    """The targets, where it is clear who loses users by each record, to whom it may be: those clusters, if any."""
    if not _is_change(situation.call):
        return targets
    try:
        pairs = _pairs(situation, strict=False)
    except UnclearError:
        return targets
    return tuple(_losing(target, pairs) for target in targets)


def _losing(target: Target, pairs: Mapping[tuple[str, str], tuple[Shares, Shares]]) -> Target:
    name, kind, *_ = (*target.id.split(" "), "", "")
    mine = [pair for (host, family), pair in pairs.items() if host == plain(name) and kind in _FAMILIES[family]]
    if not mine or not target.resolved:
        return target
    lost = {cluster for pair in mine for cluster in _lost(pair)}
    if not lost:
        return target
    facts: TargetFacts = {**target.facts}
    facts.pop("spared", None)
    facts.pop("traced", None)
    facts.pop("look_at", None)
    facts.pop("harm", None)
    return evolve(target, clusters=tuple(sorted(lost)), facts=facts)


def _lost(pair: tuple[Shares, Shares]) -> set[str]:
    """The clusters that get fewer users."""
    before, after = pair
    lost = {name for name, share in before.shares.items() if share - after.shares.get(name, 0) > _ROUNDING}
    return lost - {_UNKNOWN}


def _is_change(call: Call) -> bool:
    return call.name == "route53:ChangeResourceRecordSets"


def _records_of(call: Call) -> Lookup:
    return RECORDS.about(HostedZoneId=zone_id(str(call.params.get("HostedZoneId"))))


def _changes(call: Call) -> list[tuple[str, Record]]:
    changes = (call.clear_params.get("ChangeBatch") or {}).get("Changes") or ()
    return [(str(each.get("Action")), each.get("ResourceRecordSet") or {}) for each in changes]


def _zones(call: Call, answers: Answers) -> tuple[Zone, Zone]:
    """The zone before and after. Raises UnclearError."""
    answer = answers.get(_records_of(call).key())
    if answer is None:
        raise UnclearError("the records of the zone could not be looked up")
    before = {key_of(record): record for record in answer.items}
    after = dict(before)
    for action, record in _changes(call):
        after.pop(key_of(record), None)
        if action != "DELETE":
            after[key_of(record)] = record
    return before, after


def _touched(call: Call) -> dict[str, set[str]]:
    """The names that the call changes, each with the types."""
    touched: dict[str, set[str]] = defaultdict(set)
    for _, record in _changes(call):
        touched[plain(str(record.get("Name") or ""))].add(str(record.get("Type")))
    return touched


def _hosts(call: Call, zone: Zone) -> set[str]:
    """The names outside the zone's records that the records of the call lead to."""
    todo, seen, outside = [*_touched(call)], set[str](), set[str]()
    while todo:
        name = todo.pop()
        if name in seen:
            continue
        seen.add(name)
        records = _named(name, _FOLLOWED, zone)
        targets = [host for record in records for host in _leads_to(record)]
        todo += targets
        outside |= {host for host in targets if not _named(host, _FOLLOWED, zone)}
    return outside


def _named(name: str, kinds: Iterable[str], zone: Zone) -> list[Record]:
    return [record for (host, kind, _), record in zone.items() if host == name and kind in kinds]


def _leads_to(record: Record) -> list[str]:
    alias = (record.get("AliasTarget") or {}).get("DNSName")
    if alias:
        return [plain(alias)]
    return [plain(value) for value in _values(record)] if record.get("Type") == "CNAME" else []


def _values(record: Record) -> list[str]:
    return [str(each.get("Value")) for each in record.get("ResourceRecords") or ()]


def _pairs(situation: Situation, *, strict: bool) -> dict[tuple[str, str], tuple[Shares, Shares]]:
    """Who gets the users of each name and family that the call changes, before and after.

    Raises UnclearError; with `strict` also where some of them go to what is no cluster's.
    """
    before, after = _zones(situation.call, situation.answers)
    pairs = {}
    for name, kinds in _touched(situation.call).items():
        others = kinds - {*_FOLLOWED, *_ASIDE}
        if others:
            raise UnclearError(f"it also changes the {min(others)} record of {name}")
        for family, types in _FAMILIES.items():
            counted = types if family == "A" else ("AAAA",)
            named = [record for zone in (before, after) for record in _named(name, types, zone)]
            # A CNAME alone counts once.
            if not kinds & {*types} or not any(record["Type"] in counted for record in named):
                continue
            if not _named(name, types, before):
                raise UnclearError(f"who answers for {name} ({family}) now is not known")
            if not _named(name, types, after):
                raise UnclearError(f"no record of {name} ({family}) would be left")
            pairs[name, family] = (
                _who(name, family, before, situation, frozenset(), strict=strict),
                _who(name, family, after, situation, frozenset(), strict=strict),
            )
    return pairs


def _who(name: str, family: str, zone: Zone, situation: Situation, seen: frozenset[str], *, strict: bool) -> Shares:
    """Who gets the users of a name, through other records of the zone. Raises UnclearError."""
    if name in seen:
        raise UnclearError(f"{name} leads to itself")
    records = _named(name, _FAMILIES[family], zone)
    if any(record.get(each) for record in records for each in _ROUTING):
        raise UnclearError(f"{name} is answered by more than weights")
    total, result = sum(_weight(record) for record in records), Shares()
    for record in records:
        # Route 53 answers with all records alike where all have the weight 0.
        share = _weight(record) / total if total else 1 / len(records)
        if not share:
            continue
        hosts = _leads_to(record)
        for value in hosts or _values(record):
            part = share / len(hosts or _values(record))
            if hosts and _named(value, _FAMILIES[family], zone):
                _mix(result, _who(value, family, zone, situation, seen | {name}, strict=strict), part)
                continue
            try:
                _behind(result, value, part, situation) if hosts else _at(result, value, part, situation)
            except UnclearError:
                if strict:
                    raise
                result.add(_UNKNOWN, part, ())
    return result


def _weight(record: Record) -> int:
    weight = record.get("Weight")
    return weight if isinstance(weight, int) else 1


def _mix(result: Shares, other: Shares, part: float) -> None:
    for cluster, share in other.shares.items():
        result.add(cluster, share * part, other.machines[cluster], healthy=cluster not in other.unfit)


def _at(result: Shares, address: str, part: float, situation: Situation) -> None:
    """The cluster that has an address. Raises UnclearError."""
    machines = situation.inventory.at_address(address)
    result.add(cluster_of(address, machines), part, [machine.id for machine in machines])


def _behind(result: Shares, host: str, part: float, situation: Situation) -> None:
    """The cluster behind a name that AWS gave to something. Raises UnclearError."""
    end = endpoints.follow(("dns", host), host, situation.settings, situation.answers, situation.inventory)
    if end.unclear or end.reached.strays or not end.reached.places:
        raise UnclearError(unknown_behind(host))
    if len(end.reached.places) > 1:
        raise UnclearError(f"{host} leads to {' and '.join(sorted(end.reached.places))}")
    (cluster,) = end.reached.places
    result.add(cluster, part, end.machines, healthy=not end.unhealthy)


WAY = shares.Way(_shift, _lookups, _followups)
