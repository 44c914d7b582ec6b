"""What a call cannot have changed is not asked again after it; everything else is."""

from __future__ import annotations

import gc

import pytest

import guardrails
from guardrails.resolve.lasting import spare
from guardrails.values import Call
from guardrails.waiting.clock import monotonic

MACHINES = ("DescribeInstances", "DescribeAddresses", "DescribeTargetGroups")


def asked(aws):
    return [aws.count(operation) for operation in MACHINES]


def test_snapshots_in_a_loop(site, aws, install):
    """Five snapshots are deleted after one look at the machines; a machine is terminated after another."""
    disk = site.ec2.create_volume(Size=1, AvailabilityZone="eu-west-1a")["VolumeId"]
    ids = [site.ec2.create_snapshot(VolumeId=disk)["SnapshotId"] for _ in range(5)]
    install()
    for snapshot in ids:
        site.ec2.delete_snapshot(SnapshotId=snapshot)
    assert aws.count("DeleteSnapshot") == 5
    assert asked(aws) == [1, 1, 1]
    site.ec2.terminate_instances(InstanceIds=[site.green.instance_ids[0]])
    assert aws.count("TerminateInstances") == 1
    assert asked(aws) == [1, 1, 1]
    site.ec2.terminate_instances(InstanceIds=[site.green.instance_ids[1]])
    assert asked(aws) == [2, 2, 2]


@pytest.mark.parametrize("kind", ["machine", "address", "tag"])
def test_what_a_call_may_have_changed_is_asked_again(kind, site, aws, install):
    """After a call of EC2 that may touch machines or addresses, the next decision looks at all of them again."""
    spare = site.ec2.allocate_address(Domain="vpc")["AllocationId"]
    disk = site.ec2.create_volume(Size=1, AvailabilityZone="eu-west-1a")["VolumeId"]
    snapshot = site.ec2.create_snapshot(VolumeId=disk)["SnapshotId"]
    install()
    first = {
        "machine": lambda: site.ec2.stop_instances(InstanceIds=[site.green.instance_ids[0]]),
        "address": lambda: site.ec2.release_address(AllocationId=spare),
        "tag": lambda: site.ec2.delete_tags(Resources=[site.green.instance_ids[0]], Tags=[{"Key": "Cluster"}]),
    }[kind]
    first()
    before = asked(aws)
    site.ec2.delete_snapshot(SnapshotId=snapshot)
    assert aws.count("DeleteSnapshot") == 1
    assert asked(aws) == [count + 1 for count in before]


def test_an_answer_is_not_used_until_the_last_moment(site, aws, install, monkeypatch):
    """One that would be too old by the time of the decision is asked again: otherwise that call would be denied."""
    guard = install(max_fact_age_s=60)

    def check(seconds_later):
        monkeypatch.setattr("guardrails.resolve.kept_answers.monotonic", lambda: monotonic() + seconds_later)
        guard.check(site.ec2, "TerminateInstances", InstanceIds=[site.green.instance_ids[0]])
        return asked(aws)

    assert [check(0), check(40), check(55)] == [[1, 1, 1], [1, 1, 1], [2, 2, 2]]


def test_old_answers_are_dropped(site, aws, install, monkeypatch):
    """A process that asks for one thing after the other keeps the answers of the last seconds only."""
    guard = install(max_fact_age_s=5, pacing={"enabled": False})

    def kept():
        (memory,) = guard._lookups._memories.values()
        return len(memory._answers)

    sizes = []
    for number in range(6):
        later = number * 10
        monkeypatch.setattr("guardrails.resolve.kept_answers.monotonic", lambda later=later: monotonic() + later)
        guard.check(site.ec2, "DeleteVolume", VolumeId=f"vol-{number:017x}")
        sizes.append(kept())
    assert sizes[-1] == sizes[1]


def test_an_answered_call_is_not_kept(site, aws, install):
    """Whatever the guard notes of a call that is on its way is gone once AWS has answered it, denied ones included."""
    guard = install()
    before = kept_calls()
    for number in range(6):
        site.ec2.create_tags(
            Resources=[site.green.instance_ids[0]], Tags=[{"Key": "Cluster", "Value": f"green{number}"}]
        )
    with pytest.raises(guardrails.CallDenied):
        site.ec2.terminate_instances(InstanceIds=[site.blue.instance_ids[0]])
    assert aws.count("CreateTags") == 6
    assert kept_calls() == before
    assert guard is not None


def kept_calls():
    gc.collect()
    return sum(type(each) is Call and each.operation == "CreateTags" for each in gc.get_objects())


def test_what_may_be_used_again_where_asking_would_wait():
    """What load balancers lead to, after a call of EC2; nothing after any other, or an unknown one."""
    calls = [Call(service, "Anything", {}, "eu-west-1", "") for service in ("elbv2", "elb", "autoscaling", "ecs")]
    assert [spare(call) for call in (*calls, None)] == [frozenset()] * 5
    ours = spare(Call("ec2", "TerminateInstances", {}, "eu-west-1", ""))
    assert {name.partition(":")[0] for name in ours} == {"elb", "elbv2"}
