"""The ready-made health checks: true where health is proved, and nothing else is."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import boto3
import pytest

import guardrails
from guardrails.testing.shop import open_shop
from tests.support.balancers import health as described
from tests.support.waiting import until

ARN = "arn:aws:elasticloadbalancing:eu-west-1:123456789012:targetgroup/web/0123456789abcdef"
ALARM = {
    "AlarmName": "errors", "MetricName": "5xx", "Namespace": "web", "Period": 60, "EvaluationPeriods": 1,
    "Threshold": 1.0, "ComparisonOperator": "GreaterThanThreshold", "Statistic": "Sum",
}  # fmt: skip


@pytest.fixture
def group(aws):
    """check(states, **how): the answer for a target group whose targets are in these states (moto knows only one)."""

    def check(states, **how):
        aws.reply("DescribeTargetHealth", described(states))
        return guardrails.health.target_group(ARN, client=aws.client("elbv2"), **how)()

    return check


@pytest.mark.parametrize("states", [
    [],
    [("i-1", "draining")],
    [("i-1", "initial")],
    [("i-1", "unused")],
    [("i-1", "unavailable")],
    [("i-1", "healthy"), ("i-2", "unhealthy")],
    [("i-1", "healthy"), ("i-1", "unhealthy")],
    [("i-1", "something new")],
])  # fmt: skip
def test_a_target_group_that_is_not_proved_healthy(group, states):
    """Empty, draining, starting, unused, unmeasured, only in part, on one port of two, in a new state: not true."""
    answer = group(states)
    assert not answer
    assert "web" in answer.why


def test_a_healthy_target_group(group):
    """All targets healthy is true; one that drains does not count; a smaller share or number may be asked for."""
    assert group([("i-1", "healthy"), ("i-2", "healthy"), ("i-3", "draining")])
    most = [("i-1", "healthy"), ("i-2", "healthy"), ("i-3", "unhealthy")]
    assert not group(most)
    assert group(most, share=0.6)
    assert not group(most, share=0.6, at_least=3)
    assert "i-3 is unhealthy" in group(most).why


def test_named_targets(group):
    """Only the named targets count, and one that is not registered is not healthy."""
    states = [("i-1", "healthy"), ("i-2", "unhealthy")]
    assert group(states, targets=["i-1"])
    assert not group(states, targets=["i-1", "i-2"])
    assert "i-9 is not registered" in group(states, targets=["i-1", "i-9"]).why


def test_target_groups_that_cannot_be_asked(aws):
    """A group that does not exist, a missing permission, an answer of another shape: unknown, with a sentence."""
    check = guardrails.health.target_group(ARN, client=aws.client("elbv2"))
    assert check().ok is None
    assert "TargetGroupNotFound" in check().why
    aws.answer("DescribeTargetHealth", 403, "AccessDenied", "no")
    assert "the permission elasticloadbalancing:DescribeTargetHealth is missing" in check().why
    aws.reply("DescribeTargetHealth", "<Strange/>")
    assert check().ok is None


def test_clients_are_made_when_asked(aws, monkeypatch):
    """Without a client, one is made in the region of the ARN, from the environment or from a session of boto3."""
    open_shop(aws)
    (found,) = aws.client("elbv2").describe_target_groups()["TargetGroups"]
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-2")
    assert guardrails.health.target_group(found["TargetGroupArn"])()
    assert guardrails.health.target_group(found["TargetGroupArn"], session=boto3.Session())()
    monkeypatch.delenv("AWS_DEFAULT_REGION")
    answer = guardrails.health.alarm("errors")()
    assert answer.ok is None
    assert "region" in answer.why


def test_checks_are_reads(aws, site, install):
    """Under a guard that denies the live cluster's end, checks are asked and never decided on."""
    install(live={"eip_addresses": list(site.blue.public_ips)})
    aws.client("cloudwatch").put_metric_alarm(**ALARM)
    aws.clear()
    guardrails.health.alarm("errors")()
    assert [request.operation for request in aws.requests] == ["DescribeAlarms"]


def test_alarms(aws):
    """OK is true; ALARM is false; INSUFFICIENT_DATA and a missing alarm are unknown."""
    client = aws.client("cloudwatch")
    check = guardrails.health.alarm("errors", client=client)
    assert check().ok is None
    assert "there is no alarm errors" in check().why
    client.put_metric_alarm(**ALARM)
    for state, ok in (("OK", True), ("ALARM", False), ("INSUFFICIENT_DATA", None)):
        client.set_alarm_state(AlarmName="errors", StateValue=state, StateReason="seen by a test")
        assert (check().ok, state in check().why) == (ok, True)


def test_an_alarm_of_the_same_name_elsewhere(aws):
    """The ARN's account and region count: an alarm of the same name in another place proves nothing."""
    cloudwatch = aws.client("cloudwatch")
    cloudwatch.put_metric_alarm(**ALARM)
    cloudwatch.set_alarm_state(AlarmName="errors", StateValue="OK", StateReason="fine")
    for place, ok in (
        ("eu-west-1:123456789012", True), ("eu-west-1:999999999999", None), ("us-west-2:123456789012", None),
    ):  # fmt: skip
        answer = guardrails.health.alarm(f"arn:aws:cloudwatch:{place}:alarm:errors", client=cloudwatch)()
        assert (answer.ok, place in answer.why) == (ok, not ok)


async def later():
    return True


@pytest.mark.parametrize(
    "answer", [later, lambda: guardrails.health.alarm("x"), lambda: subprocess.CompletedProcess("false", 1), lambda: 1]
)
def test_what_is_only_true_as_any_object_is(answer):
    """A coroutine, a check that was not asked, a program that failed or a number proves no health."""
    health = guardrails.health.all_of(answer)()
    assert health.ok is None
    assert "instead of True or False" in health.why


def test_alarms_that_prove_nothing():
    """An alarm of part of its data, one of a longer name, or without a state is unknown (moto has none of them)."""

    class Answers:
        def __init__(self, *alarms):
            self.alarms, self.meta = alarms, boto3.client("cloudwatch", region_name="eu-west-1").meta

        def describe_alarms(self, **_):
            return {"CompositeAlarms": list(self.alarms)}

    for found in ({"AlarmName": "errors", "StateValue": "OK", "EvaluationState": "PARTIAL_DATA"},
                  {"AlarmName": "errors-2", "StateValue": "OK"}, {"AlarmName": "errors"}):  # fmt: skip
        assert guardrails.health.alarm("errors", client=Answers(found))().ok is None
    assert guardrails.health.alarm("errors", client=Answers({"AlarmName": "errors", "StateValue": "OK"}))()
    two = [{"AlarmName": "errors", "StateValue": state} for state in ("OK", "ALARM")]
    assert guardrails.health.alarm("errors", client=Answers(*two))().ok is False


def test_commands():
    """Exit code 0 is true; another is false, with the last line; one that cannot be started is unknown."""
    python = [sys.executable, "-S", "-c"]
    assert guardrails.health.command([*python, "pass"])()
    answer = guardrails.health.command(
        [*python, "print('looking', flush=True); raise SystemExit('the queue is full')"]
    )()
    assert (answer.ok, "the queue is full" in answer.why) == (False, True)
    answer = guardrails.health.command(["no-such-program-here"])()
    assert (answer.ok, "could not be started" in answer.why) == (None, True)


def ended(state):
    """Whether the process is gone, or only waits to be collected."""
    try:
        return ") Z" in state.read_text()
    except OSError:
        return True


def test_a_command_that_hangs_is_killed(tmp_path):
    """A program that does not end is unknown, and is killed with what it started, which still holds its output."""
    pids = tmp_path / "pids"
    check = guardrails.health.command(["/bin/sh", "-c", f"sleep 600 & echo $! $$ > {pids}; wait"], timeout_s=0.5)
    answer = check()
    assert answer.ok is None
    assert "did not end within 0.5 s" in answer.why
    # On a busy machine it may have been killed before it wrote anything.
    for pid in pids.read_text().split() if pids.exists() else ():
        until(lambda pid=pid: ended(Path(f"/proc/{pid}/stat")))


def test_all_of():
    """Several checks are true together where each is; a function of yours counts, an exception is unknown."""
    true = lambda: True
    assert guardrails.health.all_of(true, true)()
    assert guardrails.health.all_of(true, lambda: 0)().ok is False
    assert guardrails.health.all_of(true, lambda: 1 / 0)().ok is None


@pytest.mark.parametrize("make", [
    lambda health: health.target_group("web"),
    lambda health: health.target_group(ARN, at_least=0),
    lambda health: health.target_group(ARN, at_least=float("nan")),
    lambda health: health.target_group(ARN, share=1.5),
    lambda health: health.target_group(ARN, share=float("nan")),
    lambda health: health.target_group(ARN, targets=[]),
    lambda health: health.alarm(""),
    lambda health: health.command("true"),
    lambda health: health.command([]),
    lambda health: health.command(["true"], timeout_s=0),
    lambda health: health.command(["true"], timeout_s=float("nan")),
    lambda health: health.command(["true"], timeout_s=float("inf")),
    lambda health: health.command(["true"], timeout_s="1"),
    lambda health: health.all_of(),
])  # fmt: skip
def test_arguments_that_make_no_sense(make):
    """They are a ValueError when the check is made, not a health that is unknown for ever."""
    with pytest.raises(ValueError, match=r"\(.*\)"):
        make(guardrails.health)
