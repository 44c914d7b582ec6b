"""Ungoverned calls that add what may serve from then on: what was looked at before them is not used again."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest

import guardrails
from tests.support.balancers import BehindBalancer

MINUTE = {"max_fact_age_s": 60, "pacing": {"enabled": False}}


@pytest.fixture
def shop(aws, install):
    """Blue is behind a listener; green has a target group that nothing forwards to."""
    balancer = BehindBalancer(aws)
    clusters = balancer.start(("blue", "green"), 2)
    balancer.listener(80, blue=1)
    guard = install(**MINUTE)
    machine = clusters["green"].instance_ids[0]
    # What it looked at is kept for a minute.
    assert guard.check(aws.client("ec2"), "StopInstances", InstanceIds=[machine]).allowed
    return balancer, machine


def stop(aws, machine):
    aws.client("ec2").stop_instances(InstanceIds=[machine])


def test_a_new_listener(shop, aws):
    """A group that a new listener forwards to serves at once."""
    balancer, machine = shop
    balancer.listener(443, green=1)
    with pytest.raises(guardrails.CallDenied):
        stop(aws, machine)
    assert aws.count("StopInstances") == 0


def test_a_new_listener_of_an_asynchronous_client(shop, aws, python_of):
    """The same by aiobotocore."""
    balancer, machine = shop
    (live,) = aws.machines("blue")[:1]
    script = Path(__file__).with_name("aio_listener.py")
    done = subprocess.run(
        [python_of("aiobotocore"), script, balancer.arn, balancer.groups["green"], live, machine],
        env={**os.environ, **aws.environment(), "PYTHONPATH": str(script.parents[2])},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.stdout == "denied\ndenied\n", done.stderr
    assert (aws.count("CreateListener"), aws.count("StopInstances")) == (2, 0)


def test_a_listener_that_was_refused(shop, aws):
    """Where AWS refuses it, the call fails with AWS's error, and the next decision looks again."""
    balancer, machine = shop
    with pytest.raises(balancer.elbv2.exceptions.LoadBalancerNotFoundException):
        balancer.elbv2.create_listener(
            LoadBalancerArn=balancer.arn.replace("web-prod", "other"), Protocol="HTTP", Port=82,
            DefaultActions=balancer.forward(green=1),
        )  # fmt: skip
    before = aws.count("DescribeListeners")
    stop(aws, machine)
    assert aws.count("StopInstances") == 1
    assert aws.count("DescribeListeners") > before


def test_a_volume_that_was_attached(site, aws, install):
    """A volume is the live cluster's as soon as it is attached to one of its machines."""
    ec2 = site.ec2
    (reservation,) = ec2.describe_instances(InstanceIds=[site.blue.instance_ids[0]])["Reservations"]
    zone = reservation["Instances"][0]["Placement"]["AvailabilityZone"]
    volume = ec2.create_volume(Size=1, AvailabilityZone=zone)["VolumeId"]
    guard = install(**MINUTE)
    assert guard.check(ec2, "DetachVolume", VolumeId=volume).allowed
    ec2.attach_volume(VolumeId=volume, InstanceId=site.blue.instance_ids[0], Device="/dev/sdf")
    with pytest.raises(guardrails.CallDenied):
        ec2.detach_volume(VolumeId=volume)
    assert aws.count("DetachVolume") == 0


def test_what_only_reads(shop, aws):
    """Other ungoverned calls leave what is at hand as it is."""
    balancer, machine = shop
    before = aws.count("DescribeInstances")
    aws.client("ec2").describe_volumes()
    aws.client("ec2").create_key_pair(KeyName="k")
    balancer.elbv2.describe_listeners(LoadBalancerArn=balancer.arn)
    stop(aws, machine)
    assert aws.count("StopInstances") == 1
    assert aws.count("DescribeInstances") == before


def test_a_form_that_is_not_governed(shop, aws):
    """Cloud Control's calls are governed, but not where they create a listener: what it serves is looked at anew."""
    _, machine = shop
    kind = "AWS::ElasticLoadBalancingV2::Listener"
    event = {"TypeName": kind, "Identifier": "x", "OperationStatus": "IN_PROGRESS"}
    aws.reply("CreateResource", json.dumps({"ProgressEvent": event}))
    before = aws.count("DescribeListeners")
    aws.client("cloudcontrol").create_resource(TypeName=kind, DesiredState="{}")
    stop(aws, machine)
    assert aws.count("StopInstances") == 1
    assert aws.count("DescribeListeners") > before


def test_a_task_that_is_started(shop, aws):
    """A task registers with no load balancer: what is at hand stays, however many are started."""
    _, machine = shop
    ecs = aws.client("ecs")
    before = aws.count("DescribeListeners")
    with pytest.raises(ecs.exceptions.ClusterNotFoundException):
        ecs.run_task(cluster="jobs", taskDefinition="job")
    stop(aws, machine)
    assert aws.count("StopInstances") == 1
    assert aws.count("DescribeListeners") == before
