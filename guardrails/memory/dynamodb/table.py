"""The table: its keys, its version, and requests to it that end with `timeout_s`, all as the guard itself."""

from __future__ import annotations

import os
import random
import threading
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import AbstractContextManager
from itertools import islice
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError, ProfileNotFound

from guardrails.aws.in_time import OutOfTime
from guardrails.memory.dynamodb import failures
from guardrails.memory.dynamodb.attributes import read_table, table
from guardrails.memory.dynamodb.own_client import create
from guardrails.memory.dynamodb.server_clock import MOST_S, ServerClock
from guardrails.memory.store import StateUnavailable
from guardrails.values import frozen
from guardrails.waiting import deadline
from guardrails.waiting.deadline import Deadline, within

VERSION = 1
VERSION_KEY = ("ver", "0")
# When AWS may delete an item, some days later. Nothing depends on it.
GONE_AT = "gone_at"
_GONE_S = 60 * 86_400
# Before another attempt; the deadline ends them earlier.
_PAUSES_S = (0.05, 0.1, 0.2)
# BatchGetItem takes no more keys.
_BATCH = 100
Key = tuple[str, str]
Item = dict[str, Any]


class ConditionFailed(Exception):
    """The item is not as the condition of a write says; nothing was written."""


class _MayPass(StateUnavailable):
    """Another attempt may succeed."""


@frozen
class Place:
    """Where the table is. `region` and `profile` are botocore's own where they are None."""

    table: str
    region: str | None = None
    profile: str | None = None
    timeout_s: float = 2.0


class Table:
    """Requests to the table, by one process. Every method raises StateUnavailable, which says what to do."""

    def __init__(self, place: Place) -> None:
        self.place = place
        self._checked = False
        self._start_over()

    def _start_over(self) -> None:
        self.clock = ServerClock()
        # Reentrant: a signal handler may make a governed call while the client is made.
        self._lock = threading.RLock()
        self._client: Any = None
        self._pid = os.getpid()

    def update(
        self,
        key: Key,
        expression: str,
        values: Mapping[str, Any],
        names: Mapping[str, str],
        *,
        condition: str | None = None,
        whole: bool = False,
        expires: bool = False,
    ) -> Item:
        """Write one item, which AWS may delete long after its last write if it `expires`.

        Returns what it set or added to, or the `whole` item, as it is now. Raises ConditionFailed.
        """
        sets = expression.startswith(("SET", "ADD"))
        returns = "NONE" if not sets else "ALL_NEW" if whole else "UPDATED_NEW"
        if expires:
            values, names = {**values, "gone": int(time.time()) + _GONE_S}, {**names, "gone": GONE_AT}
            expression += f"{',' if expression.startswith('SET') else ' SET'} #gone = :gone"
        request: dict[str, Any] = {"Key": _key(key), "UpdateExpression": expression, "ReturnValues": returns}
        if values:
            request["ExpressionAttributeValues"] = table({f":{name}": value for name, value in values.items()})
        if names:
            request["ExpressionAttributeNames"] = {f"#{name}": attribute for name, attribute in names.items()}
        if condition is not None:
            request["ConditionExpression"] = condition
        self._check()
        written = self.request("UpdateItem", **request).get("Attributes")
        # Without what was written, the answer is none of DynamoDB.
        if sets and (written is None or (whole and not written.keys() >= {*names.values()})):
            raise self.unavailable(*failures.STRANGE)
        return read_table(written or {})

    def remove(self, key: Key, attributes: Iterable[str]) -> None:
        """Take these attributes out of an item, in one write; nothing is written for none."""
        names = {f"n{number}": name for number, name in enumerate(attributes)}
        if names:
            self.update(key, "REMOVE " + ", ".join(f"#{name}" for name in names), {}, names)

    def items(self, keys: Iterable[Key]) -> dict[Key, Item]:
        """The items with these keys, as they are now; those that do not exist are missing."""
        self._check()
        left = [_key(key) for key in dict.fromkeys(keys)]
        found: dict[Key, Item] = {}
        while left:
            asked = {"Keys": left[:_BATCH], "ConsistentRead": True}
            answered, unread = self._read(asked)
            for item in answered:
                values = read_table(item)
                found[values.pop("pk"), values.pop("sk")] = values
            left = [*unread, *left[_BATCH:]]
        return found

    def _read(self, asked: Mapping[str, Any]) -> tuple[list[Any], list[Any]]:
        """The items of one request, and the keys that are left to read."""
        answer = self.request("BatchGetItem", RequestItems={self.place.table: asked})
        answered = (answer.get("Responses") or {}).get(self.place.table)
        unread = (answer.get("UnprocessedKeys") or {}).get(self.place.table) or {}
        # What does not name the table does not say that it is empty.
        if answered is None and not unread:
            raise self.unavailable(*failures.STRANGE)
        return answered or [], unread.get("Keys") or []

    def scan(self, prefix: str) -> Iterator[tuple[Key, Item]]:
        """Every item whose partition key starts with `prefix`. Reads the whole table."""
        return self._pages("Scan", {":prefix": prefix}, FilterExpression="begins_with(pk, :prefix)")

    def query(self, partition: str, prefix: str = "", *, most: int | None = None) -> Iterator[tuple[Key, Item]]:
        """The items of a partition whose sort keys start with `prefix`, the last sort key first; `most` at most."""
        condition, values = "pk = :pk", {":pk": partition}
        if prefix:
            condition, values = f"{condition} AND begins_with(sk, :prefix)", {**values, ":prefix": prefix}
        limit = {} if most is None else {"Limit": most}
        found = self._pages("Query", values, KeyConditionExpression=condition, ScanIndexForward=False, **limit)
        return islice(found, most)

    def _pages(self, operation: str, values: Mapping[str, str], **params: Any) -> Iterator[tuple[Key, Item]]:
        self._check()
        more: dict[str, Any] = {"ExpressionAttributeValues": table(values), "ConsistentRead": True, **params}
        while True:
            answer = self.request(operation, **more)
            if "Items" not in answer:
                raise self.unavailable(*failures.STRANGE)
            for item in answer["Items"]:
                read = read_table(item)
                yield (read.pop("pk"), read.pop("sk")), read
            if not answer.get("LastEvaluatedKey"):
                return
            more["ExclusiveStartKey"] = answer["LastEvaluatedKey"]

    def in_time(self) -> AbstractContextManager[None]:
        """All requests inside end `timeout_s` from now."""
        return within(Deadline(deadline.left(self.place.timeout_s)))

    def now(self, local: float) -> float:
        """A time of this host by AWS's clock."""
        self._check()
        return local + self.clock.ahead_s

    def request(self, operation: str, **params: Any) -> Mapping[str, Any]:
        """One request of the DynamoDB API for this table, until `timeout_s` at the latest. Raises ConditionFailed."""
        if operation != "BatchGetItem":
            params["TableName"] = self.place.table
        with self.in_time():
            for pause_s in _PAUSES_S:
                try:
                    return self._attempt(operation, params)
                except _MayPass:
                    if deadline.left(pause_s) < pause_s:
                        raise
                # Hosts that were throttled together do not come back together.
                time.sleep(pause_s * (0.5 + 0.5 * random.random()))  # noqa: S311  (no secret)
            return self._attempt(operation, params)

    def _attempt(self, operation: str, params: Mapping[str, Any]) -> Mapping[str, Any]:
        asked_at, kept = time.time(), self._client
        try:
            answer: dict[str, Any] = self.client()._make_api_call(operation, params)
            self.clock.answered(answer["ResponseMetadata"]["HTTPHeaders"], asked_at, time.time())
        except (BotoCoreError, ClientError, OutOfTime, OSError, ValueError) as error:
            if failures.code(error) == "ConditionalCheckFailedException":
                raise ConditionFailed from error
            failed = self.unavailable(*failures.advice(operation, error))
            may_pass = failures.may_pass(error)
            if failures.has_old_credentials(error):
                # A client keeps the credentials that it was made with.
                self._client, may_pass = None, kept is not None
            raise (_MayPass(str(failed)) if may_pass else failed) from error
        ahead_s = self.clock.ahead_s
        if abs(ahead_s) > MOST_S:
            way = "behind" if ahead_s > 0 else "ahead of"
            raise self.unavailable(f"this host's clock is {abs(ahead_s):.0f} s {way} AWS's", "correct the clock")
        return answer

    def unavailable(self, why: str, fix: str = "") -> StateUnavailable:
        """The error that says so."""
        where = f"{self.place.table}, {self.place.region}" if self.place.region else self.place.table
        ways = fix or "make it reachable, or raise state.timeout_s; `guardrails doctor` tries it"
        return StateUnavailable(f"the shared memory (DynamoDB table {where}) cannot be used ({why}); {ways}")

    def client(self) -> Any:
        """The guard's own client. A forked child has one of its own, and does not wait for a lock of its parent's."""
        if self._pid != os.getpid():
            self._start_over()
        with self._lock:
            if self._client is None:
                self._client = self._create()
            return self._client

    def _create(self) -> Any:
        try:
            return create("dynamodb", self.place.profile, self.place.region, self.place.timeout_s)
        except ProfileNotFound as error:
            raise self.unavailable(str(error), "correct state.profile") from error

    def _check(self) -> None:
        """Once: the table is one of this version."""
        if self._checked:
            return
        found, _ = self._read({"Keys": [_key(VERSION_KEY)]})
        version = read_table(found[0]).get("version") if found else None
        if version is None:
            raise self.unavailable("it was not made by guardrails", failures.INIT)
        if version != VERSION:
            raise self.unavailable(
                f"it has version {str(version).removesuffix('.0')}, and this guard uses version {VERSION}",
                "use one version of guardrails on all hosts, or another table: `guardrails state init` creates it",
            )
        self._checked = True


def _key(key: Key) -> dict[str, Any]:
    return table({"pk": key[0], "sk": key[1]})
