"""What a proposed configuration would have blocked among the last hours of CloudTrail, if that may be read."""

from __future__ import annotations

import json
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from attrs import Factory
from botocore.exceptions import BotoCoreError, ClientError

from guardrails import assembly
from guardrails.config.settings import Settings
from guardrails.errors import GuardrailsError
from guardrails.init.survey import Place
from guardrails.policy.replay.run import replay
from guardrails.policy.replay.snapshot import Snapshot
from guardrails.policy.replay.tally import ReplayTally
from guardrails.policy.replay.trail import Trail
from guardrails.show.sentences import counted
from guardrails.values import frozen

PERMISSION = "cloudtrail:LookupEvents"
UNTAGGED = "live-cluster/untagged"
# LookupEvents answers 50 events, twice a second: https://docs.aws.amazon.com/awscloudtrail/latest/APIReference/API_LookupEvents.html
_MOST = 500
_WRITING = [{"AttributeKey": "ReadOnly", "AttributeValue": "false"}]


@frozen
class Past:
    """`tally` counts the calls that were decided on again; `problem` says why that could not be done, or is ""."""

    hours: int
    events: int = 0
    tally: ReplayTally = Factory(ReplayTally)
    problem: str = ""

    @property
    def blocked(self) -> int:
        """How many calls would have been blocked, or would have needed a confirmation."""
        return self.tally.kinds["newly denied"]

    @property
    def on_loners(self) -> int:
        """How many of them because their machines belong to no cluster."""
        return self.tally.rules[UNTAGGED]["newly denied"] if UNTAGGED in self.tally.rules else 0

    def sentence(self) -> str:
        """What it shows."""
        if self.problem:
            return self.problem
        seen = f"the last {counted(self.events, 'change')}" if self.events >= _MOST else counted(self.events, "change")
        text = f"CloudTrail, {counted(self.hours, 'hour')}: {seen}, {counted(self.tally.decisions, 'call')} that the "
        text += f"guard decides on; {self.blocked} would have been blocked"
        return text + (f", {self.on_loners} of them on machines that belong to no cluster" if self.blocked else "")


def past(make: Callable[[str], Any], where: Place, settings: Settings, hours: int) -> Past:
    """Decide again on the calls of the last `hours` in this region, as the resources are now. Nothing is written.

    `make` makes a client for a service. What cannot be read is the result's `problem`.
    """
    try:
        records = _records(make("cloudtrail"), hours)
    except ClientError as error:
        code = error.response["Error"]["Code"]
        if "AccessDenied" in code or "Unauthorized" in code:
            return Past(
                hours, problem=f"CloudTrail was not read: allow the IAM action {PERMISSION} to see what would change"
            )
        return Past(hours, problem=f"CloudTrail was not read: {PERMISSION} failed with {code}")
    except (BotoCoreError, ValueError) as error:
        return Past(hours, problem=f"CloudTrail was not read: {error}")
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "cloudtrail.json")
        file.write_text("\n".join(records), "utf-8")
        try:
            return Past(hours, len(records), _decided(file, where, settings))
        except GuardrailsError as error:
            return Past(hours, len(records), problem=f"CloudTrail was read, but not decided on: {error}")


def _records(client: Any, hours: int) -> list[str]:
    """The newest changes, one JSON document each."""
    now = datetime.now(UTC)
    pages = client.get_paginator("lookup_events").paginate(
        LookupAttributes=_WRITING,
        StartTime=now - timedelta(hours=hours),
        EndTime=now,
        PaginationConfig={"MaxItems": _MOST},
    )
    events = [str(event.get("CloudTrailEvent") or "{}") for page in pages for event in page["Events"]]
    return [json.dumps(json.loads(event)) for event in events]


def _decided(file: Path, where: Place, settings: Settings) -> ReplayTally:
    evidence = assembly.evidence(settings)
    snapshot = Snapshot(time.time())
    here = [call for _, call in Trail(settings, evidence).calls([file])]
    snapshot.take(here, where.origin, settings, where.lookups)
    trail = Trail(settings, evidence, snapshot=snapshot)
    tally, _ = replay(trail.chunks([file]), assembly.policies(settings), jobs=1, progress=lambda _: None)
    tally.skip(trail.left_out, trail.faults)
    return tally
