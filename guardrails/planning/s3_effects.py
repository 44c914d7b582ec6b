"""What the calls of S3 do to buckets and objects, as HeadBucket and HeadObject show it: waiters end."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from guardrails.planning.effects import Effect, Planned, register
from guardrails.planning.request import Request
from guardrails.planning.world import Change, World

BUCKET, OBJECT = "Bucket", "Object"


@register("s3", "CreateBucket", "DeleteBucket")
def _bucket(planned: Planned) -> Effect:
    name = str(planned.params.get("Bucket"))
    made = planned.call.operation == "CreateBucket"
    # A list of buckets is not among what the plan knows.
    return Effect((planned.change(BUCKET, name, {"Bucket": name} if made else None),), known=False)


@register("s3", "PutObject", "CopyObject", "CompleteMultipartUpload", "DeleteObject", "DeleteObjects")
def _object(planned: Planned) -> Effect:
    bucket, operation = str(planned.params.get("Bucket")), planned.call.operation
    if operation == "DeleteObjects":
        listed: Mapping[str, Any] = planned.params.get("Delete") or {}
        keys = [str(each.get("Key")) for each in listed.get("Objects") or ()]
        answer = {"Deleted": [{"Key": key} for key in keys], "Errors": []}
        return Effect(tuple(_one(planned, bucket, key, None) for key in keys), answer, known=False)
    key = str(planned.params.get("Key"))
    item = None if operation == "DeleteObject" else {"ETag": '"planned"', "ContentLength": 0, "Metadata": {}}
    return Effect((_one(planned, bucket, key, item),), known=False)


def _one(planned: Planned, bucket: str, key: str, item: dict[str, Any] | None) -> Change:
    return planned.change(OBJECT, f"{bucket}/{key}", item)


def listed(world: World, request: Request) -> dict[str, Any] | None:
    """What ListObjects says of a bucket that the plan has made; None for others."""
    params, place = request.params, request.place
    bucket, start = str(params.get("Bucket")), str(params.get("Prefix") or "")
    if request.service != "s3" or request.operation not in ("ListObjects", "ListObjectsV2"):
        return None
    if not world.of_kind("s3", place, BUCKET).get(bucket):
        return None
    items = [
        {"Key": name.partition("/")[2], "ETag": item["ETag"], "Size": 0, "LastModified": datetime.now(UTC)}
        for name, item in sorted(world.of_kind("s3", place, OBJECT).items())
        if item is not None and name.startswith(f"{bucket}/{start}")
    ]
    return {"Name": bucket, "Prefix": start, "IsTruncated": False, "KeyCount": len(items)} | (
        {"Contents": items} if items else {}
    )


def head(params: Mapping[str, Any]) -> tuple[str, str]:
    """The noun and the id that HeadBucket or HeadObject asks for."""
    bucket, key = str(params.get("Bucket")), params.get("Key")
    return (OBJECT, f"{bucket}/{key}") if key is not None else (BUCKET, bucket)
