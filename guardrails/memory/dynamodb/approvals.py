"""Requests, grants and uses in a table of many hosts.

An item holds the requests for an operation in an account and region, with the ids of who answered each, and its use. A
grant is an item of its own, in the partition ``gra#USERID``. IAM lets each user write only their own
(`dynamodb:LeadingKeys`), so the partition proves who gave it.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import Any

from attrs import field
from botocore.exceptions import BotoCoreError, ClientError

from guardrails.aws.in_time import OutOfTime
from guardrails.memory.approvals import Grant, Identity, Record, Request
from guardrails.memory.approvals.reading import read_grant, read_request
from guardrails.memory.dynamodb.attributes import starting
from guardrails.memory.dynamodb.own_client import create
from guardrails.memory.dynamodb.table import ConditionFailed, Item, Table
from guardrails.memory.store import StateUnavailable
from guardrails.values import frozen

REQUESTS, GRANTS = "req#", "gra#"
_ASKED, _ANSWERED, _USED = "r_", "g_", "u_"
_FREE = "attribute_not_exists(#u)"
_KEPT_S = 86_400.0
_AT_ONCE = 50


def _sts(table: Table) -> Any:
    place = table.place
    return create("sts", place.profile, place.region, place.timeout_s)


@frozen
class ApprovalTable:
    """The Board in a table. `client` makes the one of STS that says as whom the table is used."""

    table: Table
    client: Callable[[Table], Any] = field(default=_sts)
    _who: list[Identity] = field(factory=list, init=False)

    def me(self) -> Identity:
        """AWS's user id of the credentials with which the table is used."""
        if not self._who:
            try:
                with self.table.in_time():
                    answer = self.client(self.table).get_caller_identity()
                self._who.append(Identity(str(answer["UserId"]), str(answer["Arn"])))
            except (BotoCoreError, ClientError, OutOfTime, OSError, KeyError) as error:
                raise StateUnavailable(
                    f"it is unknown who uses the table ({error}); make sts:GetCallerIdentity reachable"
                ) from error
        return self._who[0]

    def records(self, place: str) -> list[Record]:
        """The requests for an operation in an account and region, the oldest first."""
        key = (f"{REQUESTS}{place}", "0")
        return self._records([self.table.items([key]).get(key, {})])

    def all(self) -> list[Record]:
        """Every request, the oldest first. Reads the whole table."""
        return self._records([item for _, item in self.table.scan(REQUESTS)])

    def ask(self, request: Request) -> None:
        """Put a request up."""
        key = self._key(request)
        self._clear(key, request.asked_at)
        names = {"r": f"{_ASKED}{request.id}"}
        self.table.update(key, "SET #r = :r", {"r": request.written()}, names, expires=True)

    def grant(self, request: Request, grant: Grant) -> None:
        """Answer it, in this user's own partition; the request then says where to look."""
        key = (f"{GRANTS}{grant.by}", request.id)
        self.table.update(key, "SET #g = :g", {"g": grant.written()}, {"g": "grant"}, expires=True)
        names = {"g": f"{_ANSWERED}{request.id}"}
        self.table.update(self._key(request), "ADD #g :by", {"by": {grant.by}}, names)

    def take(self, request: Request, decision_id: str) -> bool:
        """Use its grant, in one write. Where the answer is lost, what is written there says who has it."""
        key, name = self._key(request), f"{_USED}{request.id}"
        try:
            self.table.update(key, "SET #u = :u", {"u": decision_id}, {"u": name}, condition=_FREE)
        except (ConditionFailed, StateUnavailable) as error:
            holder = self.table.items([key]).get(key, {}).get(name)
            if holder is None:
                if isinstance(error, StateUnavailable):
                    raise
                return False
            return bool(holder == decision_id)
        return True

    def give_back(self, place: str, request_id: str, decision_id: str) -> None:
        """Undo what `take` did for this decision, whose call was never sent."""
        values, names = {"u": decision_id}, {"u": f"{_USED}{request_id}"}
        with suppress(ConditionFailed):
            self.table.update((f"{REQUESTS}{place}", "0"), "REMOVE #u", values, names, condition="#u = :u")

    def _records(self, items: list[Item]) -> list[Record]:
        asked = [(name, read_request(value), item) for item in items for name, value in starting(item, _ASKED).items()]
        found = [(request, item) for name, request, item in asked if request and name == f"{_ASKED}{request.id}"]
        keys = [(f"{GRANTS}{by}", request.id) for request, item in found for by in _answered(item, request)]
        grants = self.table.items(keys) if keys else {}
        records = []
        for request, item in found:
            mine = [
                read_grant(each.get("grant"), partition.removeprefix(GRANTS))
                for (partition, sort), each in grants.items()
                if sort == request.id
            ]
            given = tuple(sorted(filter(None, mine), key=lambda grant: grant.at))
            records.append(Record(request, given, used_by=str(item.get(f"{_USED}{request.id}", ""))))
        return sorted(records, key=lambda record: record.request.asked_at)

    def _key(self, request: Request) -> tuple[str, str]:
        return f"{REQUESTS}{request.place}", "0"

    def _clear(self, key: tuple[str, str], now: float) -> None:
        """Remove what is of no use any more."""
        item = self.table.items([key]).get(key, {})
        old = [name.removeprefix(_ASKED) for name, value in starting(item, _ASKED).items() if _is_old(value, now)]
        names = [f"{kind}{one}" for one in old[:_AT_ONCE] for kind in (_ASKED, _ANSWERED, _USED)]
        # They do no harm, and go next time.
        with suppress(StateUnavailable):
            self.table.remove(key, names)


def _answered(item: Item, request: Request) -> list[str]:
    """The user ids that answered, whatever else was written there."""
    by = item.get(f"{_ANSWERED}{request.id}")
    return sorted(one for one in by if isinstance(one, str)) if isinstance(by, (set, frozenset)) else []


def _is_old(value: object, now: float) -> bool:
    request = read_request(value)
    return request is None or request.until < now - _KEPT_S
