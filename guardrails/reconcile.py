"""Compare what CloudTrail saw with what the guard decided: which governed calls went round it.

CloudTrail records the User-Agent of every call (docs.aws.amazon.com, CloudTrail record contents), and the guard puts
the id of its decision there. A presigned request is sent by somebody else's client, without it.
"""

from __future__ import annotations

import gzip
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Literal

from attrs import frozen

from guardrails.catalogue import Catalogue
from guardrails.errors import ConfigError
from guardrails.trace import PATTERN

Why = Literal["no decision", "unknown decision", "blocked", "another call"]


@frozen
class Round:
    """A governed call that CloudTrail saw and the guard did not let through.

    `why` is ``no decision`` (no id: not made through the guard), ``unknown decision`` (an id that is in no log given),
    ``blocked`` (the guard refused it, and it was sent all the same) or ``another call`` (the id is of another one).
    """

    why: Why
    time: str
    service: str
    operation: str
    region: str
    principal: str
    address: str
    user_agent: str
    event_id: str
    error: str
    place: str


def reconcile(
    files: Iterable[Path], decisions: Iterable[Mapping[str, Any]], catalogue: Catalogue
) -> Iterator[Round | str]:
    """Every call that went round, in the files' order; what cannot be read comes as a sentence with its place.

    `files` are CloudTrail's (JSON with Records, or one event a line; gzip or not) or folders of them. Calls that AWS
    made by itself are left out, and so are rehearsals (DryRun).
    """
    known = {str(entry["decision_id"]): entry for entry in decisions}
    for file in _files(files):
        for place, event in _events(file):
            if isinstance(event, str):
                yield f"{place}: {event}"
                continue
            found = _judge(event, place, known, catalogue)
            if found is not None:
                yield found


def _judge(
    event: Mapping[str, Any], place: str, known: Mapping[str, Mapping[str, Any]], catalogue: Catalogue
) -> Round | None:
    source = str(event.get("eventSource", "")).partition(".")[0]
    service = catalogue.service_of(source, str(event.get("apiVersion") or ""))
    operation = str(event.get("eventName", ""))
    identity = event.get("userIdentity") or {}
    error = str(event.get("errorCode") or "")
    by_aws = bool(identity.get("invokedBy")) or identity.get("type") == "AWSService"
    if not catalogue.governs(service, operation) or by_aws or error.endswith("DryRunOperation"):
        return None
    why = _why(event, service, operation, known)
    if why is None:
        return None
    return Round(
        why=why,
        time=str(event.get("eventTime", "")),
        service=service,
        operation=operation,
        region=str(event.get("awsRegion", "")),
        principal=str(identity.get("arn") or identity.get("principalId") or ""),
        address=str(event.get("sourceIPAddress", "")),
        user_agent=str(event.get("userAgent", "")),
        event_id=str(event.get("eventID", "")),
        error=error,
        place=place,
    )


def _why(event: Mapping[str, Any], service: str, operation: str, known: Mapping[str, Mapping[str, Any]]) -> Why | None:
    carried = re.search(PATTERN, str(event.get("userAgent", "")))
    if carried is None:
        return "no decision"
    decision = known.get(carried["id"])
    if decision is None:
        return "unknown decision"
    call = (decision.get("input") or {}).get("call") or {}
    if (call.get("service"), call.get("operation")) != (service, operation):
        return "another call"
    return None if (decision.get("custom") or {}).get("sent") else "blocked"


def _files(paths: Iterable[Path]) -> Iterator[Path]:
    for path in paths:
        if path.is_dir():
            yield from sorted(found for found in path.rglob("*.json*") if found.is_file())
        elif path.is_file():
            yield path
        else:
            raise ConfigError(f"{path}: no such file or folder; give CloudTrail's files as they lie in its bucket")


def _events(file: Path) -> Iterator[tuple[str, Mapping[str, Any] | str]]:
    try:
        raw = file.read_bytes()
        text = (gzip.decompress(raw) if raw[:2] == b"\x1f\x8b" else raw).decode("utf-8")
    except (OSError, EOFError, UnicodeDecodeError) as error:
        yield str(file), f"cannot be read ({error}); the file is left out"
        return
    try:
        document = json.loads(text)
    except ValueError:
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
        except ValueError:
            event = None
        yield f"{file}:{number}", event if isinstance(event, dict) else "not an event; the line is left out"
