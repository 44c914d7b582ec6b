"""After a cutover by another process, nothing is decided on answers from before it that are still in use."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest
from attrs import frozen

import guardrails
from guardrails import decider
from guardrails.testing import Cluster

CUTOVER = """
import json, sys
import boto3
import guardrails

config, moves, spare = json.loads(sys.argv[1])
guard = guardrails.install(config)
ec2 = boto3.client("ec2")
for address, machine in moves:
    ec2.associate_address(AllocationId=address, InstanceId=machine, AllowReassociation=True)
# The next call of this process, whatever it is, sees who serves now.
ec2.reboot_instances(InstanceIds=[spare])
"""


@frozen
class Shop:
    """Blue serves, with two addresses; `cutover` has a guarded process of its own move them to green."""

    blue: Cluster
    green: Cluster
    spare: Cluster
    config: dict
    guard: guardrails.Guard

    def cutover(self, aws):
        moves = [*zip(self.blue.allocation_ids, self.green.instance_ids, strict=False)]
        given = json.dumps([self.config, moves, self.spare.instance_ids[0]])
        environment = {**os.environ, **aws.environment()}
        subprocess.run([sys.executable, "-c", CUTOVER, given], check=True, env=environment)
        aws.clear()


@pytest.fixture
def shop(aws, install, tmp_path):
    """This process has looked a moment ago, and goes on using these answers for a minute."""
    blue, green = aws.start_cluster("blue", 2, addresses=2), aws.start_cluster("green", 3)
    config = {
        "max_fact_age_s": 60, "pacing": {"enabled": False}, "state": {"path": str(tmp_path / "state.db")},
        "log": {"path": str(tmp_path / "other.jsonl")},
    }  # fmt: skip
    guard = install(**{name: value for name, value in config.items() if name != "log"})
    made = Shop(blue, green, aws.start_cluster("spare", 1), config, guard)
    guard.check(aws.client("ec2"), "RebootInstances", InstanceIds=[made.spare.instance_ids[0]])
    aws.clear()
    return made


# Calls that hurt green, which serves now, and would not have a moment ago.
HARMS = [
    ("DeleteTags", "delete_tags", "Resources", {"Tags": [{"Key": "Cluster"}]}),
    ("CreateTags", "create_tags", "Resources", {"Tags": [{"Key": "Cluster", "Value": "x"}]}),
    ("TerminateInstances", "terminate_instances", "InstanceIds", {}),
    ("RebootInstances", "reboot_instances", "InstanceIds", {}),
]


@pytest.mark.parametrize(("operation", "method", "ids", "more"), HARMS, ids=[harm[0] for harm in HARMS])
def test_who_serves_now_is_known(operation, method, ids, more, aws, shop):
    """A call on the side that has just begun to serve is denied, and nothing of it arrives."""
    ec2 = aws.client("ec2")
    shop.cutover(aws)
    with pytest.raises(guardrails.CallDenied) as denied:
        getattr(ec2, method)(**{ids: [shop.green.instance_ids[0]]}, **more)
    assert "live" in str(denied.value)
    assert aws.count(operation) == 0
    assert aws.count("DescribeInstances") >= 1


def test_a_second_decision_that_fails(aws, shop, monkeypatch):
    """What was allowed by the answers from before is denied where the decision on new ones fails."""
    shop.cutover(aws)
    once = iter([decider.evaluate])

    def evaluate(*given):
        return next(once)(*given)

    # A part of the guard itself fails the second time, which no part of it does when asked.
    monkeypatch.setattr(decider, "evaluate", evaluate)
    with pytest.raises(guardrails.GuardUnavailable):
        aws.client("ec2").terminate_instances(InstanceIds=[shop.green.instance_ids[0]])
    assert aws.count("TerminateInstances") == 0


def test_what_a_second_look_costs(aws, shop):
    """The decision counts the look-ups of both."""
    shop.cutover(aws)
    before = len(aws.requests)
    decision = shop.guard.check(aws.client("ec2"), "StopInstances", InstanceIds=[shop.green.instance_ids[0]])
    assert decision.facts.lookups == len(aws.requests) - before >= 1


def test_without_a_cutover_the_answers_stay_in_use(aws, shop):
    """Nothing is asked again where no guard has seen another side serve."""
    ec2 = aws.client("ec2")
    with pytest.raises(guardrails.CallDenied):
        ec2.terminate_instances(InstanceIds=[shop.blue.instance_ids[0]])
    assert aws.count("DescribeInstances") == 0


def test_what_is_remembered_stays(aws, shop):
    """A look at old answers does not make the memory think that the cutover was undone."""
    shop.cutover(aws)
    decision = shop.guard.check(aws.client("ec2"), "StopInstances", InstanceIds=[shop.green.instance_ids[0]])
    assert not decision.allowed
    assert [*decision.facts.live.clusters] == ["green"]
    assert [*decision.facts.past.retired_at] == ["blue"]
    assert decision.facts.past.retired_at["blue"] == pytest.approx(decision.facts.past.live_since["green"], abs=30)
