"""What another process has just made is not refused because of an answer from before it was there."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import boto3
import pytest

import guardrails
from guardrails.waiting.clock import monotonic

NOBODYS = "i-0123456789abcdef0"
PROCESS = """
import boto3, json, sys
for line in sys.stdin:
    service, method, params = json.loads(line)
    print(json.dumps(getattr(boto3.client(service), method)(**params), default=str), flush=True)
"""


@pytest.fixture(scope="module")
def other(_server):
    """Makes calls in another process, without a guard."""
    environment = {**os.environ, **_server.environment()}
    with subprocess.Popen(
        [sys.executable, "-c", PROCESS], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment
    ) as process:

        def call(service, method, **params):
            process.stdin.write(json.dumps([service, method, params]) + "\n")
            process.stdin.flush()
            return json.loads(process.stdout.readline())

        yield call
        process.stdin.close()


@pytest.fixture
def guarded(aws, site, install):
    """A guard that has looked a moment ago, and goes on using these answers for a minute."""
    guard = install(max_fact_age_s=60, pacing={"enabled": False})
    guard.check(site.ec2, "TerminateInstances", InstanceIds=[site.blue.instance_ids[0]])
    aws.clear()
    return guard


def refused(call, **params):
    """What the guard says of a call; "" where it was sent."""
    try:
        call(**params)
    except guardrails.CallDenied as error:
        return str(error)
    return ""


def machine(call, cluster="green"):
    tags = [{"ResourceType": "instance", "Tags": [{"Key": "Cluster", "Value": cluster}]}]
    made = call("ec2", "run_instances", ImageId="ami-12c6146b", MinCount=1, MaxCount=1, TagSpecifications=tags)
    return made["Instances"][0]["InstanceId"]


def one(call, site):
    return {"InstanceIds": [machine(call)]}


def several(call, site):
    return {"InstanceIds": [site.green.instance_ids[0], machine(call), machine(call)]}


def disk(call, site):
    return {"VolumeId": call("ec2", "create_volume", AvailabilityZone="eu-west-1a", Size=1)["VolumeId"]}


def address(call, site):
    return {"AllocationId": call("ec2", "allocate_address", Domain="vpc")["AllocationId"]}


def scaling_group(call, site):
    call("autoscaling", "create_launch_configuration", LaunchConfigurationName="new", ImageId="ami-12c6146b",
         InstanceType="t3.small")  # fmt: skip
    call("autoscaling", "create_auto_scaling_group", AutoScalingGroupName="new", LaunchConfigurationName="new",
         MinSize=0, MaxSize=1, DesiredCapacity=0, AvailabilityZones=["eu-west-1a"],
         Tags=[{"Key": "Cluster", "Value": "green", "PropagateAtLaunch": True}])  # fmt: skip
    return {"AutoScalingGroupName": "new"}


def database(call, site):
    call("rds", "create_db_instance", DBInstanceIdentifier="new", DBInstanceClass="db.t3.micro", Engine="postgres",
         MasterUsername="me", MasterUserPassword="not-a-secret", AllocatedStorage=20,
         Tags=[{"Key": "Cluster", "Value": "green"}])  # fmt: skip
    return {"DBInstanceIdentifier": "new"}


MADE = {
    "machine": ("ec2", "TerminateInstances", {"InstanceIds": [NOBODYS]}, one),
    "several": ("ec2", "StopInstances", {"InstanceIds": [NOBODYS]}, several),
    "disk": ("ec2", "DeleteVolume", {"VolumeId": "vol-0123456789abcdef0"}, disk),
    "address": ("ec2", "ReleaseAddress", {"AllocationId": "eipalloc-0123456789abcdef0"}, address),
    "group": ("autoscaling", "DeleteAutoScalingGroup", {"AutoScalingGroupName": "none"}, scaling_group),
    "database": ("rds", "DeleteDBInstance", {"DBInstanceIdentifier": "none"}, database),
}  # fmt: skip


def test_what_was_just_made(aws, site, guarded, other):
    """What another process made after the answers in use is found by a second look, and the call is sent."""
    said = {}
    for kind, (service, operation, nobodys, make) in MADE.items():
        client = boto3.client(service)
        method = next(name for name, each in client.meta.method_to_api_mapping.items() if each == operation)
        assert not guarded.check(client, operation, **nobodys).allowed, kind
        params = make(other, site)
        aws.clear()
        refusal = refused(getattr(client, method), **params)
        said[kind] = refusal, aws.count(operation), aws.count("DescribeInstances") <= 1
    assert said == dict.fromkeys(MADE, ("", 1, True))


def test_an_unknown_id(aws, site, guarded):
    """It costs one more round of look-ups, and is denied."""
    assert "was not found" in refused(site.ec2.terminate_instances, InstanceIds=[NOBODYS])
    assert aws.count("DescribeInstances") == 1
    assert aws.count("TerminateInstances") == 0


def test_answers_of_this_very_decision_are_not_asked_again(aws, site, install):
    """A first call that names an unknown id has only new answers: there is no second round."""
    install(max_fact_age_s=60)
    assert "was not found" in refused(site.ec2.terminate_instances, InstanceIds=[NOBODYS])
    assert aws.count("DescribeInstances") == 1


def test_a_machine_of_the_live_cluster(aws, site, guarded, other):
    """No second look: nothing that is newer would lift it. One that was just started there is as live as the others."""
    assert "live" in refused(site.ec2.terminate_instances, InstanceIds=[site.blue.instance_ids[0]])
    assert aws.count("DescribeInstances") == 0
    assert "live" in refused(site.ec2.terminate_instances, InstanceIds=[machine(other, "blue")])
    assert aws.count("TerminateInstances") == 0


def test_a_loop_of_denials_does_not_storm_aws(aws, site, guarded):
    """Thirty such calls cost as many rounds as second looks are allowed: 20, then one a second."""
    began = monotonic()
    for _ in range(30):
        assert refused(site.ec2.terminate_instances, InstanceIds=[NOBODYS])
    took = monotonic() - began
    assert 20 <= aws.count("DescribeInstances") <= 21 + took
    assert aws.count("TerminateInstances") == 0
