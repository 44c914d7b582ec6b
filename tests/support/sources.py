"""What the tests of the sources of liveness share."""

from __future__ import annotations

from typing import Any

import pytest

import guardrails
from guardrails.testing import Cluster, SimulatedAWS
from guardrails.values import Live, SourceReport


def seen_by(source: str, aws: SimulatedAWS, install: Any, **live: Any) -> tuple[Live, SourceReport]:
    """What the guard sees with this source beside `eip`, and the report of the source."""
    guard = install(live={"sources": ["eip", source], **live})
    seen = guard.live(aws.client("ec2")).live
    guardrails.uninstall()
    return seen, next(report for report in seen.sources if report.name == source)


def assert_protects(source: str, aws: SimulatedAWS, install: Any, live: Cluster, other: Cluster, **config: Any) -> None:
    """At the server, no machine of the live side is terminated, and those of the other side are."""
    install(live={"sources": ["eip", source], **config})
    ec2 = aws.client("ec2")
    before = aws.count("TerminateInstances")
    with pytest.raises(guardrails.CallDenied, match=source):
        ec2.terminate_instances(InstanceIds=list(live.instance_ids))
    assert aws.count("TerminateInstances") == before
    ec2.terminate_instances(InstanceIds=list(other.instance_ids))
    assert aws.count("TerminateInstances") == before + 1
    guardrails.uninstall()


def assert_denied_without(
    permission: str, source: str, aws: SimulatedAWS, install: Any, side: Cluster, request: str = "", **config: Any
) -> None:
    """A look-up that is not permitted blocks, also the side that is not live, and the message names the permission.

    `request` is what the front door calls the operation where that is another name.
    """
    aws.answer(request or permission.partition(":")[2], 403, "AccessDenied", "not authorized", times=1)
    # Without what an earlier guard has learned: that is asked at once, and again when it fails.
    install(live={"sources": ["eip", source], **config}, state={"enabled": False})
    before = aws.count("TerminateInstances")
    with pytest.raises(guardrails.GuardUnavailable, match=permission):
        aws.client("ec2").terminate_instances(InstanceIds=list(side.instance_ids))
    assert aws.count("TerminateInstances") == before
    guardrails.uninstall()
