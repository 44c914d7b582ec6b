"""The DNS records of one name and type: their weights, or what they lead to. All change in one batch.

https://docs.aws.amazon.com/Route53/latest/DeveloperGuide/routing-policy-weighted.html
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from guardrails.cutover.kinds.kind import Clients
from guardrails.cutover.kinds.shares import changing
from guardrails.cutover.plan import State
from guardrails.resolve.resources.dns_names import plain

MOST_WEIGHT = 255
_PAGE = "300"
Record = Mapping[str, Any]


class Records:
    """The Kind of records, by ``ZONE NAME TYPE``."""

    def read(self, clients: Clients, ids: Iterable[str]) -> Mapping[str, State]:
        """The records of each name and type now, all of them."""
        return {id: records(clients, *id.split(" ")) for id in ids}  # noqa: A001

    def write(self, clients: Clients, id: str, now: State, wanted: State) -> None:  # noqa: A002
        """Change what differs, in one batch."""
        there = {_set(record): _plain(record) for record in now}
        changes = [
            {"Action": "UPSERT", "ResourceRecordSet": record}
            for record in wanted
            if there.get(_set(record)) != _plain(record)
        ]
        names = {_set(record) for record in wanted}
        changes += [{"Action": "DELETE", "ResourceRecordSet": record} for record in now if _set(record) not in names]
        zone, _, _ = id.split(" ")
        clients("route53").change_resource_record_sets(HostedZoneId=zone, ChangeBatch={"Changes": changes})

    def same(self, one: State, other: State) -> bool:
        """The same records, with their TTLs and everything."""
        return _all(one) == _all(other)

    def ours(self, now: State, states: Sequence[State]) -> bool:
        """Whatever the weights of the records that it moves users between; the others are as a step leaves them."""
        moved = changing(_weights(states[0]), _weights(states[-1])) | _replaced(states[0], states[-1])
        known = [_without_weight(record) for state in states for record in state]
        mine = [record for record in now if _set(record) in moved]
        kept = [_all(record for record in state if _set(record) not in moved) for state in (now, *states)]
        return bool(now) and all(_without_weight(record) in known for record in mine) and kept[0] in kept[1:]


def records(clients: Clients, zone: str, name: str, kind: str) -> list[Record]:
    """The records of a name and type."""
    answer = clients("route53").list_resource_record_sets(
        HostedZoneId=zone, StartRecordName=name, StartRecordType=kind, MaxItems=_PAGE
    )
    found = answer["ResourceRecordSets"]
    return [record for record in found if plain(record["Name"]) == plain(name) and record["Type"] == kind]


def _set(record: Record) -> str:
    return str(record.get("SetIdentifier") or "")


def _plain(record: Record) -> Record:
    values = sorted(str(each.get("Value")) for each in record.get("ResourceRecords") or ())
    return {**record, "Name": plain(record["Name"]), "ResourceRecords": values}


def _without_weight(record: Record) -> Record:
    return {key: value for key, value in _plain(record).items() if key != "Weight"}


def _weights(state: Iterable[Record]) -> dict[str, int]:
    return {_set(record): int(record["Weight"]) for record in state if "Weight" in record}


def _replaced(before: Iterable[Record], after: Iterable[Record]) -> set[str]:
    """The records that lead elsewhere after."""
    there = {_set(record): _without_weight(record) for record in before}
    return {_set(record) for record in after if there.get(_set(record)) != _without_weight(record)}


def _all(state: Iterable[Record]) -> list[Record]:
    return sorted(map(_plain, state), key=_set)
