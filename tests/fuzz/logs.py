"""Decision logs and CloudTrail files, damaged and misshapen: what can be read is read, and nothing fails."""

from __future__ import annotations

import gzip
import json
import random
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from guardrails.audit.cloudtrail import events
from guardrails.classify.catalogue import Catalogue
from guardrails.classify.classify import Evidence
from guardrails.config.settings import Settings
from guardrails.errors import ConfigError
from guardrails.policy.replay.known_facts import KnownFacts
from guardrails.policy.replay.trail import Trail
from guardrails.record.entries import Entry, read
from guardrails.report import decision_page, page
from guardrails.report import tally as tally_of
from tests.fuzz.area import Run
from tests.fuzz.mutations import misshapen, mutated, packed
from tests.support.environments import ROOT

CATALOGUE = Catalogue()
_PROPERTIES = [name for name, value in vars(Entry).items() if isinstance(value, property)]


def fuzz(run: Run, most: int = 10**9) -> None:
    """Files of both kinds while there is time, `most` at most."""
    dice = random.Random(run.seed)
    recorded = gzip.decompress((ROOT / "tests" / "engines" / "recorded_inputs.jsonl.gz").read_bytes()).splitlines()
    with tempfile.TemporaryDirectory() as folder:
        for number in range(most):
            if not run.time_left:
                return
            if number % 2:
                _log(run, dice, [json.loads(line) for line in dice.sample(recorded, 3)], Path(folder))
            else:
                _trail(run, dice, Path(folder))


def _tried(run: Run, what: str, content: bytes, attempt: Callable[[], Any]) -> Any:
    try:
        return attempt()
    except ConfigError:
        run.counts["refused with a sentence"] += 1
    except Exception as error:
        run.found(f"{what}: {type(error).__name__}: {str(error)[:60]}", repr(content[:400]))
    return None


# -- decision logs ----------------------------------------------------------------------------------------------------


def entry(document: Any, number: int) -> dict[str, Any]:
    """A line of a decision log with this input."""
    target = next(iter(document.get("targets") or {"i-1": 0}), "i-1")
    violation = {"rule": "live-cluster/stop", "target": target, "message": "m", "remediation": "r", "action": "deny"}
    return {
        "decision_id": f"8a1f0c9e-0000-4000-8000-{number:012d}", "timestamp": "2023-10-09T15:22:00.000Z",
        "path": "guardrails/main/decision", "input": document, "bundles": {"guardrails": {"revision": "r"}},
        "result": {"action": "deny", "violations": [violation]}, "labels": {"id": "h", "version": "0"},
        "metrics": {"timer_rego_query_eval_ns": 100},
        "custom": {"mode": "enforce", "enforcement": "deny", "sent": False, "caller": {"program": "p", "os_user": "u"}},
    }  # fmt: skip


def _log(run: Run, dice: random.Random, documents: list[Any], folder: Path) -> None:
    lines = [json.dumps(misshapen(dice, entry(each, number))) for number, each in enumerate(documents)]
    good = [json.dumps(entry(documents[0], 10 + number)) for number in range(2)]
    content = "\n".join([good[0], *lines, good[1], ""]).encode()
    broken = mutated(dice, content) if dice.random() < 0.4 else content
    content = packed(dice, broken)
    file = folder / ("decisions.jsonl.gz" if content[:2] == b"\x1f\x8b" else "decisions.jsonl")
    file.write_bytes(content)
    run.counts["decision logs"] += 1
    found = _tried(run, "reading a log", content, lambda: list(read(file)))
    file.unlink()
    if found is None:
        return
    entries = [each for each in found if isinstance(each, Entry)]
    run.counts["decisions read"] += len(entries)
    if content is broken and broken[: len(good[0])] == good[0].encode() and not entries:
        run.found("a whole line was not read", repr(content[:300]))
    for each in entries:
        for name in _PROPERTIES:
            _tried(run, f"Entry.{name}", content, lambda each=each, name=name: getattr(each, name))
    _tried(run, "the report", content, lambda: page(tally_of(entries), "x") if entries else None)
    for each in entries[:1]:
        _tried(run, "the picture of a decision", content, lambda each=each: decision_page(each))


# -- CloudTrail -------------------------------------------------------------------------------------------------------


def record(operation: str, params: Any, service: str) -> dict[str, Any]:
    """An event as CloudTrail writes it."""
    return {
        "eventVersion": "1.10", "eventSource": f"{service}.amazonaws.com", "eventName": operation,
        "requestParameters": params, "userAgent": "[aws-cli/2.31.0]", "eventTime": "2026-11-01T15:22:00Z",
        "awsRegion": "eu-west-1", "sourceIPAddress": "198.51.100.7", "recipientAccountId": "123456789012",
        "userIdentity": {"type": "IAMUser", "arn": "arn:aws:iam::123456789012:user/kim"}, "eventID": "e",
    }  # fmt: skip


_EVENTS = (
    record("TerminateInstances", {"instancesSet": {"items": [{"instanceId": "i-1"}, {"instanceId": "i-2"}]}}, "ec2"),
    record("AuthorizeSecurityGroupIngress", {"groupId": "sg-1", "ipPermissions": {"items": [{"fromPort": 80}]}}, "ec2"),
    record("DeleteDBInstance", {"dBInstanceIdentifier": "db", "skipFinalSnapshot": True}, "rds"),
    record("PutBucketPolicy", {"bucketName": "b", "bucketPolicy": {"Statement": []}}, "s3"),
    record("ChangeResourceRecordSets", {"hostedZoneId": "Z", "changeBatch": {"changes": [{"action": 1}]}}, "route53"),
    record("UpdateService", {"service": "s", "desiredCount": 0}, "ecs"),
)  # fmt: skip


def _trail(run: Run, dice: random.Random, folder: Path) -> None:
    records = [misshapen(dice, dice.choice(_EVENTS)) for _ in range(dice.randint(1, 4))]
    document = dice.choice([{"Records": records}, records, records[0], {"Records": records[0]}])
    content = json.dumps(document).encode()
    if dice.random() < 0.2:
        content = b"\n".join(json.dumps(each).encode() for each in records)
    content = packed(dice, mutated(dice, content) if dice.random() < 0.4 else content)
    file = folder / "trail.json"
    file.write_bytes(content)
    run.counts["CloudTrail files"] += 1
    found = _tried(run, "reading CloudTrail", content, lambda: list(events([file], CATALOGUE)))
    run.counts["events read"] += len(found or ())
    trail = Trail(Settings(), Evidence(frozenset(("Cluster",))), KnownFacts())
    run.counts["calls read"] += len(
        _tried(run, "replaying CloudTrail", content, lambda: list(_calls(trail, file))) or ()
    )


def _calls(trail: Trail, file: Path) -> Iterator[Any]:
    for event, call in trail.calls([file]):
        yield event, call, trail.region_of(call)
