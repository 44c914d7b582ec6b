"""Turns in a token bucket: an item whose only number is the time at which the bucket will be full again.

A turn is one conditional update, or two. The turn is a time by AWS's clock, not a delay: a delay that is added when the
answer has come would let calls through too early or too late.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress

from guardrails.memory.buckets import Bucket, Draw
from guardrails.memory.dynamodb.table import ConditionFailed, Item, Table

_NAMES = {"t": "tat"}
# Between the two updates another host may take a turn or give one back.
_TRIES = 4
WAS_FULL = "attribute_not_exists(pk) OR #t < :now"
IS_THERE = "attribute_exists(pk)"
HAS_ROOM = "#t BETWEEN :now AND :last"


def key(scope: str, bucket: Bucket) -> tuple[str, str]:
    """The bucket's item."""
    return f"buk#{scope.replace('/', '#')}#{bucket.name}", "0"


def level(item: Mapping[str, float], bucket: Bucket, now: float) -> float:
    """The tokens in a bucket; below zero is what is reserved."""
    return bucket.size - max(0.0, item.get("tat", 0.0) - now) * bucket.rate


def take(table: Table, scope: str, draw: Draw, max_wait_s: float, now: float) -> float:
    """Reserve tokens. Returns the time of the turn; later than `now + max_wait_s`: nothing was taken."""
    bucket = draw.bucket
    step, ahead = draw.amount / bucket.rate, (bucket.size - draw.needed) / bucket.rate
    for _ in range(_TRIES):
        try:
            _update(table, scope, bucket, "SET #t = :full", {"full": now + step, "now": now}, WAS_FULL)
        except ConditionFailed:
            pass
        else:
            return now
        try:
            values = {"step": step, "now": now, "last": now + ahead + max_wait_s}
            after = _update(table, scope, bucket, "SET #t = #t + :step", values, HAS_ROOM)
        except ConditionFailed:
            before = table.items([key(scope, bucket)]).get(key(scope, bucket), {}).get("tat", 0.0)
            if before > now + ahead + max_wait_s:
                return float(before - ahead)
        else:
            return max(now, float(after["tat"] - step - ahead))
    raise table.unavailable(f"the bucket {bucket.name} changed {_TRIES} times at once")


def give_back(table: Table, scope: str, draw: Draw) -> None:
    """Return tokens that were not used. Where AWS has deleted the bucket meanwhile, it is full and there is no need."""
    with suppress(ConditionFailed):
        values = {"step": draw.amount / draw.bucket.rate}
        _update(table, scope, draw.bucket, "SET #t = #t - :step", values, IS_THERE)


def drain(table: Table, scope: str, bucket: Bucket, now: float) -> None:
    """Leave no tokens in the bucket."""
    empty = {"empty": now + bucket.size / bucket.rate}
    try:
        _update(table, scope, bucket, "SET #t = :empty", empty, "attribute_not_exists(pk) OR #t < :empty")
    except ConditionFailed:
        # It is empty already.
        return


def _update(
    table: Table, scope: str, bucket: Bucket, expression: str, values: Mapping[str, float], condition: str
) -> Item:
    return table.update(key(scope, bucket), expression, values, _NAMES, condition=condition, expires=True)
