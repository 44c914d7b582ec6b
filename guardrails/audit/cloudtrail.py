"""Reads CloudTrail files: JSON with Records, or one event per line; gzipped or not; single files or folders as in S3.

The members are described by AWS (docs.aws.amazon.com, CloudTrail record contents).
"""

from __future__ import annotations

import gzip
import json
import os
import re
import zlib
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from guardrails.classify.catalogue import Catalogue
from guardrails.errors import ConfigError
from guardrails.intercept.user_agent import PATTERN
from guardrails.values import frozen


@frozen
class Event:
    """One call as CloudTrail saw it.

    `service` is a key of the catalogue, `params` are CloudTrail's `requestParameters`, `error` is AWS's error code if
    the call was refused. `decision_id` is the one in the User-Agent, put there by the guard. `by_aws` is true for calls
    that an AWS service made by itself. `place` is ``file#number`` or ``file:line``.
    """

    place: str
    time: str
    service: str
    operation: str
    region: str
    account: str
    principal: str
    address: str
    user_agent: str
    event_id: str
    error: str
    by_aws: bool
    decision_id: str | None
    params: Mapping[str, Any]


def events(paths: Iterable[Path], catalogue: Catalogue) -> Iterator[Event | str]:
    """Every event, in the order of the files; for what cannot be read, a sentence with its place.

    Raises ConfigError if a path does not exist.
    """
    for file in files(paths):
        for place, record in _records(file):
            yield f"{place}: {record}" if isinstance(record, str) else _event(record, place, catalogue)


def files(paths: Iterable[Path]) -> Iterator[Path]:
    """The files of `paths`; for a folder, every .json and .json.gz below it, by name, which in S3 is by time."""
    for path in paths:
        if os.path.isdir(path):
            yield from sorted(file for file in path.rglob("*.json*") if file.is_file())
        elif os.path.isfile(path):
            yield path
        else:
            raise ConfigError(f"{path}: no such file or folder; give CloudTrail files as they are in its bucket")


def _event(record: Mapping[str, Any], place: str, catalogue: Catalogue) -> Event:
    source = str(record.get("eventSource", "")).partition(".")[0]
    identity = record.get("userIdentity")
    identity = identity if isinstance(identity, dict) else {}
    params = record.get("requestParameters")
    agent = str(record.get("userAgent", ""))
    carried = re.search(PATTERN, agent)
    return Event(
        place=place,
        time=str(record.get("eventTime", "")),
        service=catalogue.service_of(source, str(record.get("apiVersion") or "")),
        operation=str(record.get("eventName", "")),
        region=str(record.get("awsRegion", "")),
        account=str(record.get("recipientAccountId") or identity.get("accountId") or ""),
        principal=str(identity.get("arn") or identity.get("principalId") or ""),
        address=str(record.get("sourceIPAddress", "")),
        user_agent=agent,
        event_id=str(record.get("eventID", "")),
        error=str(record.get("errorCode") or ""),
        by_aws=bool(identity.get("invokedBy")) or identity.get("type") == "AWSService",
        decision_id=carried["id"] if carried else None,
        params=params if isinstance(params, dict) else {},
    )


def _records(file: Path) -> Iterator[tuple[str, Mapping[str, Any] | str]]:
    try:
        raw = file.read_bytes()
        text = (gzip.decompress(raw) if raw[:2] == b"\x1f\x8b" else raw).decode("utf-8")
    except (OSError, EOFError, zlib.error, UnicodeDecodeError) as error:
        yield str(file), f"cannot be read ({error}); the file is left out"
        return
    try:
        document = json.loads(text)
    except (ValueError, RecursionError):
        yield from _lines(file, text)
        return
    records = document.get("Records") if isinstance(document, dict) else document
    if records is None and isinstance(document, dict) and "eventName" in document:
        records = [document]
    if not isinstance(records, list):
        yield str(file), "has no Records; the file is left out"
        return
    for number, record in enumerate(records):
        yield f"{file}#{number}", record if isinstance(record, dict) else "not an event; it is left out"


def _lines(file: Path, text: str) -> Iterator[tuple[str, Mapping[str, Any] | str]]:
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip():
            continue
        try:
            event = json.loads(line)
        except (ValueError, RecursionError):
            event = None
        yield f"{file}:{number}", event if isinstance(event, dict) else "not an event; the line is left out"
