"""A schedule that makes a call of AWS later is judged like that call, with the parameters in its input."""

from __future__ import annotations

import json

import pytest

from tests.support import rest

pytestmark = pytest.mark.every(3)


@pytest.fixture
def places(places, install):
    """Blue is live, green is not."""
    built = tuple(places.values())
    install(live={"eip_addresses": [built[0].public_ip]})
    return built


def schedule(aws, call, params, method="create_schedule"):
    content = params if isinstance(params, str) else json.dumps(params)
    target = {"Arn": f"arn:aws:scheduler:::aws-sdk:{call}", "RoleArn": "arn:aws:iam::1:role/r", "Input": content}
    named = {"Name": "night", "ScheduleExpression": "at(2030-01-01T03:00:00)", "FlexibleTimeWindow": {"Mode": "OFF"}}
    return rest.attempt(aws, "scheduler", method, {**named, "Target": target})


CALLS = [
    ("ec2:terminateInstances", lambda p: {"InstanceIds": [p.machine]}, "live-cluster/terminate"),
    ("ec2:stopInstances", lambda p: {"instanceIds": [p.machine]}, "live-cluster/stop"),
    ("ec2:disassociateAddress", lambda p: {"AssociationId": p.association}, "addresses/release"),
    ("ec2:releaseAddress", lambda p: {"AllocationId": p.allocation}, "addresses/release"),
    (
        "ec2:deleteRoute",
        lambda p: {"RouteTableId": p.route_table, "DestinationCidrBlock": "::/0"},
        "network/route-table",
    ),
    (
        "ec2:createRoute",
        lambda p: {"RouteTableId": p.route_table, "DestinationCidrBlock": "10.50.0.0/16"},
        "network/route-table",
    ),
    ("ec2:createNetworkAclEntry", lambda p: {"NetworkAclId": p.acl, "RuleAction": "deny"}, "network/acl"),
    ("ec2:deleteVolume", lambda p: {"VolumeId": p.volume}, "live-cluster/storage"),
    (
        "ec2:modifyInstanceMetadataOptions",
        lambda p: {"InstanceId": p.machine, "HttpEndpoint": "disabled"},
        "network/machine",
    ),
    ("ec2:deleteTags", lambda p: {"Resources": [p.machine], "Tags": [{"Key": "Cluster"}]}, "protection/retag"),
    ("autoscaling:deleteAutoScalingGroup", lambda p: {"AutoScalingGroupName": p.asg}, "live-cluster/terminate"),
    (
        "autoscaling:setDesiredCapacity",
        lambda p: {"AutoScalingGroupName": p.asg, "DesiredCapacity": 0},
        "live-cluster/scale-in",
    ),
    (
        "autoscaling:updateAutoScalingGroup",
        lambda p: {"AutoScalingGroupName": p.asg, "MaxSize": 1},
        "live-cluster/scale-in",
    ),
    ("autoscaling:startInstanceRefresh", lambda p: {"AutoScalingGroupName": p.asg}, "live-cluster/replace"),
]


@pytest.mark.parametrize(("call", "params", "rule"), CALLS)
def test_scheduled_harm(call, params, rule, places, aws):
    """What would hurt the live cluster now is denied when it is scheduled, by either operation; green's is not."""
    blue, green = places
    for method in ("create_schedule", "update_schedule"):
        assert rule in (schedule(aws, call, params(blue), method) or ()), method
        assert schedule(aws, call, params(green), method) is None


@pytest.mark.parametrize(
    ("call", "params"),
    [
        ("ec2:startInstances", lambda p: {"InstanceIds": [p.machine]}),
        ("ec2:createSnapshot", lambda p: {"VolumeId": p.volume}),
        ("autoscaling:setDesiredCapacity", lambda p: {"AutoScalingGroupName": p.asg, "DesiredCapacity": 5}),
        ("autoscaling:updateAutoScalingGroup", lambda p: {"AutoScalingGroupName": p.asg, "DesiredCapacity": 3}),
        ("sqs:sendMessage", lambda p: {"MessageBody": p.machine}),
        ("ec2:createTags", lambda p: {"Resources": [p.machine], "Tags": [{"Key": "Owner", "Value": "x"}]}),
    ],
)
def test_scheduled_calls_that_hurt_no_one(call, params, places, aws):
    """A snapshot, a start or a larger group may be scheduled for the live cluster, and what is ungoverned."""
    assert schedule(aws, call, params(places[0])) is None


def test_a_schedule_that_cannot_be_read(places, aws):
    """An input that is not JSON may name any machine, if the call it is for could hurt one."""
    assert schedule(aws, "ec2:terminateInstances", "<machines>") >= {"live-cluster/empty-selector"}
    assert schedule(aws, "sqs:sendMessage", "<message>") is None


def test_other_targets_of_a_schedule(places, aws):
    """A schedule that starts a function is no call of AWS that the guard knows."""
    target = {"Arn": "arn:aws:lambda:eu-west-1:1:function:f", "RoleArn": "arn:aws:iam::1:role/r"}
    named = {"Name": "f", "ScheduleExpression": "rate(1 day)", "FlexibleTimeWindow": {"Mode": "OFF"}, "Target": target}
    assert rest.attempt(aws, "scheduler", "create_schedule", named) is None
