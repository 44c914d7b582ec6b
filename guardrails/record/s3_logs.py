"""Downloads what the sink S3 has, for reading."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from guardrails.config.settings import LogSettings
from guardrails.errors import ConfigError
from guardrails.record.sinks import aws
from guardrails.record.sinks.s3 import bucket_and_prefix
from guardrails.record.sinks.sink import SinkFailure

_AT_ONCE = 8


def download(url: str, settings: LogSettings, folder: Path) -> dict[Path, str]:
    """The objects below ``s3://BUCKET/PREFIX``, or one object, as files in `folder` with their addresses.

    Raises ConfigError.
    """
    bucket, prefix = bucket_and_prefix(url)
    if not bucket:
        raise ConfigError(f"{url}: no bucket; name one, as in s3://BUCKET/PREFIX")
    try:
        with aws.in_time(url, "s3:ListBucket"):
            client = aws.own_client("s3", settings)
        keys = sorted(_keys(client, url, bucket, prefix))
        files = [folder / f"{number:08}-{key.rpartition('/')[2]}" for number, key in enumerate(keys)]

        def get(key: str, file: Path) -> None:
            with aws.in_time(f"s3://{bucket}/{key}", "s3:GetObject"):
                file.write_bytes(client.get_object(Bucket=bucket, Key=key)["Body"].read())

        with ThreadPoolExecutor(_AT_ONCE) as threads:
            list(threads.map(get, keys, files))
    except SinkFailure as failure:
        raise ConfigError(str(failure)) from failure
    if not keys:
        raise ConfigError(f"{url}: no decision log below it; name the bucket and prefix of log.sink")
    return {file: f"s3://{bucket}/{key}" for file, key in zip(files, keys, strict=True)}


def _keys(client: Any, url: str, bucket: str, prefix: str) -> list[str]:
    found: list[str] = []
    # With its slash, because `prod` is not `prod-old`; the key of an object has none.
    below = prefix.removesuffix("/") if prefix.endswith((".jsonl/", ".jsonl.gz/")) else prefix
    more: dict[str, str] = {}
    while True:
        with aws.in_time(url, "s3:ListBucket"):
            page = client.list_objects_v2(Bucket=bucket, Prefix=below, **more)
        found += [item["Key"] for item in page.get("Contents", ()) if item["Key"].endswith((".jsonl", ".jsonl.gz"))]
        if not page.get("IsTruncated"):
            return found
        more = {"ContinuationToken": page["NextContinuationToken"]}
