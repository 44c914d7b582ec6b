"""The guard's own look-ups wait for their turn in AWS's limits, which the script that it guards uses as well."""

from __future__ import annotations

import threading
from types import SimpleNamespace

import boto3
import pytest

import guardrails
from tests.calls.test_unknown_holders import attempt

THREADS = 8
# AWS allows 50 reads without a filter at once, then 10 a second. Here the guard has this share of it, and the
# simulation allows a little more, because requests do not arrive evenly.
SHARE = 0.12
SIZE, RATE = 50 * SHARE + 1, 10 * SHARE + 1
KEY = {"aws_access_key_id": "testing", "aws_secret_access_key": "testing"}


def burst(aws, machine):
    """What a call from each of many threads comes to: None where it was sent. Each has credentials of its own.

    They are of two operations, so that only the reads come near a limit.
    """
    clients = [boto3.client("ec2", endpoint_url=aws.endpoint_url, **KEY) for _ in range(THREADS)]
    calls = [client.stop_instances if number % 2 else client.reboot_instances for number, client in enumerate(clients)]
    outcomes = []

    def work(call):
        try:
            call(InstanceIds=[machine])
            outcomes.append(None)
        except guardrails.CallDenied as error:
            outcomes.append(str(error))

    workers = [threading.Thread(target=work, args=(call,)) for call in calls]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    return outcomes


@pytest.fixture
def green(aws):
    """A machine of a cluster that is not live, beside one that is."""
    aws.start_cluster("blue", 1, addresses=1)
    return aws.start_cluster("green", 1).instance_ids[0]


@pytest.fixture
def sleeps(monkeypatch):
    """The waits for a turn, which are not waited for; meanwhile the buckets do not fill."""
    asked = []
    monkeypatch.setattr("guardrails.resolve.own_requests.monotonic", lambda: 1000.0)
    monkeypatch.setattr("guardrails.resolve.own_requests.time", SimpleNamespace(sleep=asked.append))
    return asked


def test_a_burst_waits_instead_of_being_throttled(aws, green, install):
    """Eight threads need more reads at once than AWS allows: AWS refuses none of them, and every call is sent."""
    aws.throttle("DescribeAddresses", SIZE, RATE)
    install(pacing={"share": SHARE}, lookup_timeout_s=60)
    assert burst(aws, green) == [None] * THREADS
    assert aws.count("StopInstances", "RebootInstances") == THREADS
    assert aws.count("DescribeAddresses") >= THREADS
    assert aws.refused("DescribeAddresses") == 0


def test_without_pacing_the_burst_is_throttled(aws, green, install):
    """The same burst without turns: AWS refuses look-ups, and calls are denied for it.

    The bucket fills more slowly here, so that a slow machine does not make the burst a trickle.
    """
    aws.throttle("DescribeAddresses", SIZE, RATE / 100)
    guard = install(pacing={"enabled": False})
    outcomes = burst(aws, green)
    assert 0 < aws.refused("DescribeAddresses") == guard.own_requests.throttled
    assert any("RequestLimitExceeded" in str(outcome) for outcome in outcomes)


def test_a_turn_after_the_deadline_denies_the_governed_call_only(aws, green, install, sleeps):
    """The denial is immediate and names the setting; the script's own calls are neither counted nor delayed."""
    guard = install(pacing={"share": 0.02}, lookup_timeout_s=4)
    assert attempt(aws, "ec2", "reboot_instances", {"InstanceIds": [green]}) is None
    rules = attempt(aws, "ec2", "stop_instances", {"InstanceIds": [green]})
    assert any("lookup_timeout_s" in rule and "10 a second" in rule and "pacing.share" in rule for rule in rules)
    own, before = guard.own_requests.busiest(), aws.count("DescribeAddresses")
    for _ in range(10):
        aws.client("ec2").describe_addresses()
    assert aws.count("DescribeAddresses") == before + 10
    assert guard.own_requests.busiest() == own
    assert sleeps == []


def test_a_throttled_look_up_is_counted_and_empties_the_bucket(aws, green, install, sleeps):
    """Others use the account, too: after AWS has refused a look-up, the next ones wait."""
    aws.answer("DescribeAddresses", 503, "RequestLimitExceeded", "Request limit exceeded.", times=1)
    guard = install()
    assert attempt(aws, "ec2", "reboot_instances", {"InstanceIds": [green]}) is None
    assert guard.own_requests.throttled == 1
    assert len(sleeps) == 1


def test_every_request_is_counted(aws, green, install):
    """The counts are what arrives at the server, second attempts included, by operation and region."""
    aws.answer("DescribeInstances", 503, "Unavailable", "try again", times=1)
    guard = install()
    assert attempt(aws, "ec2", "reboot_instances", {"InstanceIds": [green]}) is None
    counts = {name.partition(" ")[0].partition(":")[2]: most for name, most in guard.own_requests.busiest().items()}
    arrived = {request.operation for request in aws.requests} - {"RebootInstances"}
    assert counts == {operation: aws.count(operation) for operation in arrived}
    assert counts["DescribeInstances"] > 1
    assert all(name.endswith(" in eu-west-1") for name in guard.own_requests.busiest())
