"""Creating the table, and who may do what with it."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from guardrails.memory.dynamodb import failures
from guardrails.memory.dynamodb.approvals import GRANTS, REQUESTS
from guardrails.memory.dynamodb.attributes import table as attributes
from guardrails.memory.dynamodb.table import GONE_AT, VERSION, VERSION_KEY, ConditionFailed, Place, Table
from guardrails.memory.store import StateUnavailable

# What every guard does with the table.
READS, WRITES = ("BatchGetItem", "Query"), "UpdateItem"
# `guardrails state show` reads all of it.
SHOW = ("Scan",)
# AWS fills in who writes; only IAM users have a username.
_OWN_GRANTS = (f"{GRANTS}${{aws:userid}}", f"{GRANTS}${{aws:userid}}#${{aws:username}}")
_NEVER = "attribute_exists(pk) AND attribute_not_exists(pk)"
# For two minutes.
_TRIES, _PAUSE_S = 60, 2.0
_SCHEMA = ({"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"})


def create(place: Place) -> Iterator[str]:
    """Create the table, or complete it; yields what was done. Raises StateUnavailable."""
    table = Table(place)
    try:
        client = table.client()
        existing = _described(client, place.table)
        if existing is None:
            yield _create(client, place.table)
        elif list(existing["KeySchema"]) != list(_SCHEMA):
            raise table.unavailable("its keys are not pk and sk", "name another table in state.table")
        # First, so that the table is of use whatever else fails.
        yield _mark(table)
        yield from _protect(client, place.table, existing or {})
    except (BotoCoreError, ClientError) as error:
        fix = failures.access(error) or "correct that"
        raise table.unavailable(str(error), f"{fix}, and run `guardrails state init` again") from error


def policy(place: Place, account: str = "*", partition: str = "aws") -> str:
    """The IAM policy of a guard, and of who approves calls, as JSON.

    A grant counts by the partition it is in, so each user may write only their own, and a guard no one's.
    """
    arn = f"arn:{partition}:dynamodb:{place.region or '*'}:{account}:table/{place.table}"
    keys = "dynamodb:LeadingKeys"
    statements = [
        {"Sid": "Guard", "Effect": "Allow", "Action": [f"dynamodb:{each}" for each in READS], "Resource": arn},
        {
            "Sid": "GuardWrites",
            "Effect": "Allow",
            "Action": f"dynamodb:{WRITES}",
            "Resource": arn,
            "Condition": {"ForAllValues:StringNotLike": {keys: [f"{GRANTS}*"]}},
        },
        {
            "Sid": "Approve",
            "Effect": "Allow",
            "Action": f"dynamodb:{WRITES}",
            "Resource": arn,
            "Condition": {"ForAllValues:StringLike": {keys: [*_OWN_GRANTS, REQUESTS]}},
        },
        {"Sid": "StateShow", "Effect": "Allow", "Action": [f"dynamodb:{each}" for each in SHOW], "Resource": arn},
    ]
    return json.dumps({"Version": "2012-10-17", "Statement": statements}, indent=2)


def try_permissions(place: Place) -> Iterator[tuple[str, StateUnavailable | None]]:
    """Try what a guard does: the permission, and why it failed. The write cannot succeed."""
    table = Table(place)
    write = partial(table.update, VERSION_KEY, "SET #v = :v", {"v": 0}, {"v": "version"}, condition=_NEVER)
    tries: tuple[tuple[str, Callable[[], Any]], ...] = (
        ("BatchGetItem", partial(table.items, [VERSION_KEY])),
        ("Query", partial(list, table.query(REQUESTS, most=1))),
        ("UpdateItem", write),
        ("Scan", partial(table.request, "Scan", Limit=1)),
    )
    for operation, attempt in tries:
        failed: StateUnavailable | None = None
        try:
            attempt()
        except ConditionFailed:
            pass
        except StateUnavailable as error:
            failed = error
        yield f"dynamodb:{operation}", failed


def _described(client: Any, name: str) -> dict[str, Any] | None:
    try:
        described: dict[str, Any] = client.describe_table(TableName=name)["Table"]
    except client.exceptions.ResourceNotFoundException:
        return None
    return described


def _create(client: Any, name: str) -> str:
    client.create_table(
        TableName=name,
        KeySchema=list(_SCHEMA),
        AttributeDefinitions=[{"AttributeName": each, "AttributeType": "S"} for each in ("pk", "sk")],
        BillingMode="PAY_PER_REQUEST",
        DeletionProtectionEnabled=True,
    )
    client.get_waiter("table_exists").wait(TableName=name, WaiterConfig={"Delay": 2, "MaxAttempts": 60})
    return f"created the table {name}, with on-demand capacity and deletion protection"


def _protect(client: Any, name: str, existing: Mapping[str, Any]) -> Iterator[str]:
    """Switch on what keeps the table small, and its contents safe; yields what was done."""
    if existing.get("DeletionProtectionEnabled") is False:
        yield from _step("deletion protection", client.update_table, TableName=name, DeletionProtectionEnabled=True)
    ttl = client.describe_time_to_live(TableName=name).get("TimeToLiveDescription") or {}
    if ttl.get("TimeToLiveStatus") not in ("ENABLED", "ENABLING"):
        wanted = {"Enabled": True, "AttributeName": GONE_AT}
        yield from _step(
            "expiry of old items", client.update_time_to_live, TableName=name, TimeToLiveSpecification=wanted
        )
    yield from _step(
        "point-in-time recovery",
        client.update_continuous_backups,
        TableName=name,
        PointInTimeRecoverySpecification={"PointInTimeRecoveryEnabled": True},
    )


def _step(what: str, request: Callable[..., Any], **params: Any) -> Iterator[str]:
    for left in reversed(range(_TRIES)):
        try:
            request(**params)
        except ClientError as error:
            # AWS prepares the backups of a new table for up to a minute.
            if left and failures.code(error) == "ContinuousBackupsUnavailableException":
                time.sleep(_PAUSE_S)
                continue
            # A simulator of DynamoDB may not have it.
            if failures.code(error) != "UnknownOperationException":
                raise
            yield f"{what} is not available at this endpoint"
        else:
            yield f"switched on {what}"
        return


def _mark(table: Table) -> str:
    """Write the version, unless the table has one. Raises StateUnavailable for another version."""
    item = attributes({"pk": VERSION_KEY[0], "sk": VERSION_KEY[1], "version": VERSION})
    try:
        table.request("PutItem", Item=item, ConditionExpression="attribute_not_exists(pk)")
    except ConditionFailed:
        table.items([VERSION_KEY])
    return f"the table {table.place.table} is ready: version {VERSION}"
