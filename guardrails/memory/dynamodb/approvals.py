"""Requests, grants and uses in a table of many hosts.

A request is an item, with the ids of who answered it, and its use. All are in one partition: the sort key begins with
the account, region and operation, so those of one operation are read by a query, the last to end first.

A grant is an item of its own, in the partition ``gra#USERID``, or ``gra#USERID#NAME`` of an IAM user. IAM lets each
user write only their own (`dynamodb:LeadingKeys`), so the partition proves who gave it. The id of a role's session has
its name, and that of an IAM user has not.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import Any

from attrs import evolve, field
from botocore.exceptions import BotoCoreError, ClientError

from guardrails.aws.in_time import OutOfTime
from guardrails.memory.approvals import Grant, Identity, Record, Request
from guardrails.memory.approvals.reading import read_grant, read_request
from guardrails.memory.dynamodb.own_client import create
from guardrails.memory.dynamodb.table import GONE_AT, ConditionFailed, Item, Key, Table
from guardrails.memory.store import StateUnavailable
from guardrails.values import frozen

# For every account whose guards share the table.
REQUESTS, GRANTS = "req#*", "gra#"
FREE, MINE = "attribute_not_exists(#u)", "#u = :u"
_NEVER = "attribute_exists(#u) AND attribute_not_exists(#u)"
_USED = {"u": "used"}
_USER = re.compile(r"arn:[\w-]+:iam::\d*:user/(?:.*/)?([^/]+)")
# AWS may delete a request so long after its end, when no grant of it counts any more.
_KEPT_S = 2 * 86_400
# A decision reads no more. Guards ask for less than that at a time.
_MOST = 500


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

    def try_it(self) -> None:
        """Read a request, and try a write that cannot succeed."""
        for _ in self.table.query(REQUESTS, most=1):
            pass
        with suppress(ConditionFailed):
            self.table.update((REQUESTS, "0"), "SET #u = :u", {"u": ""}, _USED, condition=_NEVER)

    def records(self, place: str) -> list[Record]:
        """The requests for an operation in an account and region, the oldest first."""
        return self._records(self.table.query(REQUESTS, f"{place}#", most=_MOST))

    def all(self) -> list[Record]:
        """Every request, the oldest first."""
        return self._records(self.table.query(REQUESTS))

    def ask(self, request: Request) -> None:
        """Put a request up."""
        values = {"r": request.written(), "gone": int(request.until) + _KEPT_S}
        self.table.update(_key(request), "SET #r = :r, #gone = :gone", values, {"r": "request", "gone": GONE_AT})

    def grant(self, request: Request, grant: Grant) -> None:
        """Answer it, in this user's own partition; the request then says where to look."""
        by = _proof(grant)
        key = (f"{GRANTS}{by}", request.id)
        self.table.update(key, "SET #g = :g", {"g": grant.written()}, {"g": "grant"}, expires=True)
        self.table.update(_key(request), "ADD #by :by", {"by": {by}}, {"by": "answered"})

    def take(self, request: Request, decision_id: str) -> bool:
        """Use its grant, in one write. Where the answer is lost, what is written there says who has it."""
        key = _key(request)
        try:
            self.table.update(key, "SET #u = :u", {"u": decision_id}, _USED, condition=FREE)
        except (ConditionFailed, StateUnavailable) as error:
            holder = self.table.items([key]).get(key, {}).get("used")
            if holder is None:
                if isinstance(error, StateUnavailable):
                    raise
                return False
            return bool(holder == decision_id)
        return True

    def give_back(self, place: str, request_id: str, decision_id: str) -> None:
        """Undo what `take` did for this decision, whose call was never sent."""
        for key, _ in self.table.query(REQUESTS, f"{place}#", most=_MOST):
            if key[1].rpartition("#")[2] == request_id:
                with suppress(ConditionFailed):
                    self.table.update(key, "REMOVE #u", {"u": decision_id}, _USED, condition=MINE)

    def _records(self, found: Iterable[tuple[Key, Item]]) -> list[Record]:
        asked = [(key, read_request(item.get("request")), item) for key, item in found]
        whole = [(request, item) for key, request, item in asked if request and key == _key(request)]
        keys = [(f"{GRANTS}{by}", request.id) for request, item in whole for by in _answered(item)]
        grants = self.table.items(keys) if keys else {}
        records = []
        for request, item in whole:
            mine = [
                _proven(each.get("grant"), partition.removeprefix(GRANTS))
                for (partition, sort), each in grants.items()
                if sort == request.id
            ]
            given = tuple(sorted(filter(None, mine), key=lambda grant: grant.at))
            records.append(Record(request, given, used_by=str(item.get("used", ""))))
        return sorted(records, key=lambda record: record.request.asked_at)


def _key(request: Request) -> Key:
    # By the time of its end, in digits that sort as the times do.
    return REQUESTS, f"{request.place}#{request.until:012.1f}#{request.id}"


def _proof(grant: Grant) -> str:
    """The id of who gives it, with the name of an IAM user."""
    user = _USER.fullmatch(grant.name)
    return f"{grant.by}#{user[1]}" if user else grant.by


def _proven(text: object, by: str) -> Grant | None:
    """A grant from its text, with no other id and name than its partition proves; None for anything else."""
    user_id, _, user = by.partition("#")
    read = read_grant(text, user_id)
    if read is None or _is_of_session(user_id):
        return read
    said = _USER.fullmatch(read.name)
    if user and not (said and said[1] == user):
        return evolve(read, name=f"arn:aws:iam:::user/{user}")
    # The root user has no name.
    return read if user or user_id.isdigit() else evolve(read, name="")


def _is_of_session(user_id: str) -> bool:
    return ":" in user_id


def _answered(item: Item) -> list[str]:
    """The user ids that answered, whatever else was written there."""
    by = item.get("answered")
    return sorted(one for one in by if isinstance(one, str)) if isinstance(by, (set, frozenset)) else []
