"""The DNS records that lead to the old side, and what they will lead to.

Where a name leads through something that is moved itself, an Elastic IP or a listener, the record stays as it is.
"""

from __future__ import annotations

import ipaddress
import itertools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from attrs import define, field

from guardrails.cutover.found import forwards
from guardrails.cutover.found.finding import Finding
from guardrails.cutover.kinds.record import MOST_WEIGHT, records
from guardrails.cutover.kinds.shares import scaled
from guardrails.cutover.plan import Entrance, Move
from guardrails.cutover.situation import Situation
from guardrails.resolve.balancers import BALANCERS
from guardrails.resolve.live import ways
from guardrails.resolve.live.dns_records import ZONES
from guardrails.resolve.resources.dns_names import plain
from guardrails.resolve.resources.route53_zones import zone_id

_TYPES = ("A", "AAAA", "CNAME")
# Who gets which answer depends on more than weights.
_ROUTING = ("Region", "GeoLocation", "GeoProximityLocation", "CidrRoutingConfig", "Failover", "MultiValueAnswer",
            "TrafficPolicyInstanceId")  # fmt: skip
# Route 53 answers for an alias with this TTL, and takes so long to reach all its servers.
_ALIAS_TTL_S, _SPREADS_S = 60, 60
MOST_TTL_S = 3600
Record = Mapping[str, Any]


@define
class Names:
    """What was found on the way: Elastic IPs and listeners that are to be moved instead of a record."""

    addresses: set[str] = field(factory=set)
    listeners: list[str] = field(factory=list)


@define
class _Group:
    """The records of one name and type in a zone."""

    zone: str
    name: str
    kind: str
    records: Sequence[Record]

    @property
    def id(self) -> str:
        return f"{self.zone} {self.name} {self.kind}"

    @property
    def shown(self) -> str:
        return f"{self.name} ({self.kind})"


def find(situation: Situation, finding: Finding, shares: Sequence[int]) -> Names:
    """Every configured name, followed through other names of the account's zones."""
    names, todo, seen = Names(), [plain(name) for name in situation.settings.live.records], set[str]()
    while todo:
        name = todo.pop()
        if name in seen:
            continue
        seen.add(name)
        for group in _groups(name, situation):
            inside = [host for record in group.records for host in _hosts(record) if _zones(host, situation)]
            todo += inside
            if not inside:
                _move(group, situation, finding, names, shares)
    return names


def _groups(name: str, situation: Situation) -> Iterator[_Group]:
    """Those of the zones with the longest name that have some. A public and a private zone may have the same name."""
    for _, zones in itertools.groupby(_zones(name, situation), key=lambda pair: pair[0]):
        asked = [(zone, name, kind) for _, zone in zones for kind in _TYPES]
        groups = [_Group(*each, records(situation.clients, *each)) for each in asked]
        there = [group for group in groups if group.records]
        if there:
            yield from there
            return


def _zones(name: str, situation: Situation) -> list[tuple[str, str]]:
    """The zones that may have this name, each with its own, those with the longest name first."""
    listed = [(plain(str(zone["Name"])), zone_id(str(zone["Id"]))) for zone in situation.answers[ZONES.key()].items]
    fit = [(top, zone) for top, zone in listed if f".{name}".endswith(f".{top}")]
    return sorted(fit, key=lambda pair: (-len(pair[0]), pair))


def _hosts(record: Record) -> list[str]:
    alias = (record.get("AliasTarget") or {}).get("DNSName")
    if alias:
        return [plain(alias)]
    return [plain(value) for value in _values(record)] if record["Type"] == "CNAME" else []


def _values(record: Record) -> list[str]:
    return [str(each["Value"]) for each in record.get("ResourceRecords") or ()]


def _leads_to(record: Record, situation: Situation) -> set[str | None]:
    """The clusters behind a record; None among them for what is not known."""
    clusters = set[str | None]()
    for host in _hosts(record):
        end = situation.follow(host)
        clusters |= {*end.reached.places} or {None}
    if not _hosts(record):
        for value in _values(record):
            clusters |= {machine.cluster for machine in situation.inventory.at_address(value)} or {None}
    return clusters


def _move(group: _Group, situation: Situation, finding: Finding, names: Names, shares: Sequence[int]) -> None:
    leads = [_leads_to(record, situation) for record in group.records]
    if not any(situation.source in clusters for clusters in leads):
        return
    if any(record.get(key) for record in group.records for key in _ROUTING):
        finding.problems.append(
            f"{group.shown} is answered by more than weights (by region, place or failover): move it yourself, or "
            "leave it out of live.records"
        )
        return
    old = [record for record, clusters in zip(group.records, leads, strict=True) if clusters == {situation.source}]
    new = [record for record, clusters in zip(group.records, leads, strict=True) if clusters == {situation.to}]
    old = [record for record in old if record.get("Weight", 1) > 0]
    if len(old) == len(new) == 1 and "Weight" in old[0]:
        _move_weights(group, old[0], new[0], finding, shares)
    elif len(group.records) == 1:
        _move_alone(group, situation, finding, names, shares)
    else:
        finding.problems.append(
            f"{group.shown} has {len(group.records)} records, and not one for {situation.source} and one for "
            f"{situation.to}: give each of them one weighted record, the one of {situation.to} with the weight 0"
        )


def _move_weights(group: _Group, old: Record, new: Record, finding: Finding, shares: Sequence[int]) -> None:
    weights = {record["SetIdentifier"]: int(record["Weight"]) for record in group.records}
    mine, other = old["SetIdentifier"], new["SetIdentifier"]
    counted = scaled({**weights, mine: weights[mine] + weights[other], other: 0}, mine, MOST_WEIGHT)
    if counted is None:
        finding.problems.append(f"the weights of {group.shown} are too large to be divided: give it smaller ones")
        return
    entrance = _entrance(group, finding)
    for share in shares:
        part = counted[mine] * share // 100
        after = {**counted, mine: counted[mine] - part, other: part}
        state = [{**record, "Weight": after[record["SetIdentifier"]]} for record in group.records]
        finding.move(share, Move(entrance.key, state, f"{group.shown} gives {other} {share} % of the users of {mine}"))
        finding.wait(share, _ttl(group.records) + _SPREADS_S)


def _move_alone(group: _Group, situation: Situation, finding: Finding, names: Names, shares: Sequence[int]) -> None:
    (record,) = group.records
    hosts = _hosts(record)
    if not hosts:
        _move_values(group, record, situation, finding, names)
        return
    listeners = _listeners(hosts, situation)
    trial = Finding()
    forwards.find(situation, trial, listeners, shares)
    if listeners and not trial.problems:
        names.listeners += listeners
        return
    others = [each for each in situation.answers[BALANCERS.key()].items if _serves_only(each, situation)]
    if len(others) != 1 or not record.get("AliasTarget"):
        alone = (
            f"{group.shown} leads to {', '.join(hosts)}, and no load balancer has only {situation.to} behind it: make "
            f"one, or give both sides a weighted record, the one of {situation.to} with the weight 0"
        )
        finding.problems += trial.problems or [alone]
        return
    (balancer,) = others
    alias = {
        **record["AliasTarget"], "DNSName": balancer["DNSName"], "HostedZoneId": balancer["CanonicalHostedZoneId"]
    }  # fmt: skip
    _replace(group, {**record, "AliasTarget": alias}, balancer["LoadBalancerName"], finding)


def _listeners(hosts: Iterable[str], situation: Situation) -> list[str]:
    """The listeners with users of the old side, of the balancers that have these names."""
    every = situation.answers[BALANCERS.key()].items
    arns = [each["LoadBalancerArn"] for each in every if plain(str(each.get("DNSName") or "")) in hosts]
    found = [way for arn in arns for way in ways.of_balancer(situation.settings.live, situation.answers, arn)]
    return forwards.leading_to(situation, found)


def _serves_only(balancer: Mapping[str, Any], situation: Situation) -> bool:
    found = ways.of_balancer(situation.settings.live, situation.answers, balancer["LoadBalancerArn"])
    return {cluster for way in found for cluster in situation.clusters_behind(way.group)} == {situation.to}


def _move_values(group: _Group, record: Record, situation: Situation, finding: Finding, names: Names) -> None:
    values = _values(record)
    elastic = {address.get("PublicIp") for address in situation.inventory.addresses}
    if {*values} <= elastic:
        names.addresses |= {*values}
        return
    if _leads_to(record, situation) != {situation.source}:
        finding.problems.append(f"{group.shown} leads to other machines, too: give each cluster a record of its own")
        return
    private = all(ipaddress.ip_address(value).is_private for value in values)
    running = [machine for machine in situation.machines(situation.to) if machine.state == "running"]
    after = sorted({
        address
        for machine in running
        for address in (machine.private_ips if private else machine.public_ips)
        if (":" in address) == (group.kind == "AAAA")
        and (not private or address == machine.primary_ip or ":" in address)
    })  # fmt: skip
    if not after:
        finding.problems.append(
            f"{group.shown} has {'private' if private else 'public'} addresses, and no running machine of "
            f"{situation.to} has one"
        )
        return
    replaced = {**record, "ResourceRecords": [{"Value": value} for value in after]}
    _replace(group, replaced, f"{len(after)} addresses of {situation.to}", finding)


def _replace(group: _Group, record: Record, to: str, finding: Finding) -> None:
    """All users at once: a record alone has no weights."""
    entrance = _entrance(group, finding)
    finding.move(100, Move(entrance.key, [record], f"{group.shown} leads to {to}"))
    finding.wait(100, _ttl(group.records) + _SPREADS_S)


def _entrance(group: _Group, finding: Finding) -> Entrance:
    entrance = Entrance("record", group.id, group.name, [*group.records])
    finding.entrances.append(entrance)
    ttl = _ttl(group.records)
    if ttl > MOST_TTL_S:
        finding.problems.append(
            f"resolvers keep {group.shown} for {ttl} s, and going back would take as long: give it a TTL of 60, and "
            f"wait {ttl} s before you start"
        )
    return entrance


def _ttl(group: Iterable[Record]) -> int:
    return max(int(record.get("TTL", _ALIAS_TTL_S)) for record in group)
