"""Change sets and Cloud Control change resources in place, and are judged by what that does to the live cluster.

moto's change sets show no values, and it has no Cloud Control: answers are canned, in the form of AWS's API reference.
"""

from __future__ import annotations

import json

import pytest

import guardrails
from tests.calls.test_same_act_other_api import NAMED, sides
from tests.calls.test_stacks import changes
from tests.calls.test_unknown_holders import attempt

__all__ = ["sides"]

IDS = dict(NAMED)
OPEN, OFFICE = ({"IpProtocol": "tcp", "FromPort": port, "ToPort": port, "CidrIp": "0.0.0.0/0"} for port in (443, 22))
TAGS = [{"Key": "Cluster", "Value": "blue"}, {"Key": "Version", "Value": "1"}]


def forward(*weights):
    groups = [{"TargetGroupArn": f"arn:{number}", "Weight": weight} for number, weight in enumerate(weights)]
    return [{"Type": "forward", "ForwardConfig": {"TargetGroups": groups}}]


def throughput(reads):
    return {"ReadCapacityUnits": reads, "WriteCapacityUnits": 5}


# Type, property, its value now, values that harm no one, values that do.
CASES = [
    ("AWS::AutoScaling::AutoScalingGroup", "MaxSize", "4", ["9"], ["0", None, "{{changeSet:KNOWN_AFTER_APPLY}}"]),
    ("AWS::AutoScaling::AutoScalingGroup", "DesiredCapacity", "1", ["9"], ["0", "-1"]),
    ("AWS::AutoScaling::AutoScalingGroup", "MinSize", "1", ["1", "2"], ["0", None]),
    ("AWS::AutoScaling::AutoScalingGroup", "VPCZoneIdentifier", ["a", "b"], [["b", "a"], ["a", "b", "c"]],
     [["a"], ["c"]]),
    ("AWS::AutoScaling::AutoScalingGroup", "LaunchTemplate", {"Version": "1"}, [], [{"Version": "2"}]),
    ("AWS::AutoScaling::AutoScalingGroup", "NotificationConfigurations", None, [[{"TopicARN": "arn:x"}]], []),
    ("AWS::AutoScaling::AutoScalingGroup", "Tags", TAGS, [[TAGS[0]], [*TAGS, {"Key": "Owner", "Value": "me"}]],
     [[{"Key": "Cluster", "Value": "green"}], [TAGS[1]], [{"Key": "Cluster", "Value": "{{changeSet:X}}"}]]),
    ("AWS::ElasticLoadBalancingV2::Listener", "DefaultActions", forward(1, 0), [forward(1, 0)], [forward(0, 1)]),
    ("AWS::ElasticLoadBalancingV2::ListenerRule", "Actions", forward(9, 1), [], [forward(1, 9), forward(9)]),
    ("AWS::ElasticLoadBalancingV2::LoadBalancer", "Subnets", ["a", "b"], [["a", "b", "c"]], [["a"]]),
    ("AWS::ElasticLoadBalancingV2::LoadBalancer", "LoadBalancerAttributes",
     [{"Key": "deletion_protection.enabled", "Value": "true"}],
     [[{"Key": "deletion_protection.enabled", "Value": "true"}, {"Key": "idle_timeout.timeout_seconds", "Value": "9"}]],
     [[], [{"Key": "deletion_protection.enabled", "Value": "false"}]]),
    ("AWS::ElasticLoadBalancingV2::TargetGroup", "HealthCheckPath", "/", [], ["/other"]),
    ("AWS::Route53::RecordSet", "ResourceRecords", ["192.0.2.1"], [["192.0.2.1", "192.0.2.2"]], [["192.0.2.2"]]),
    ("AWS::Route53::RecordSet", "Weight", 10, [20], [0, None]),
    ("AWS::Route53::RecordSet", "TTL", "60", ["300"], []),
    ("AWS::DynamoDB::Table", "ProvisionedThroughput", throughput(5), [throughput(10)], [throughput(1), throughput(7)]),
    ("AWS::DynamoDB::Table", "DeletionProtectionEnabled", True, [], [False, "false", None]),
    ("AWS::RDS::DBInstance", "DeletionProtection", "false", ["true"], []),
    ("AWS::RDS::DBInstance", "DBInstanceClass", "db.m5.large", [], ["db.t3.micro"]),
    ("AWS::RDS::DBInstance", "MonitoringInterval", "0", ["60"], []),
    ("AWS::EC2::SecurityGroup", "SecurityGroupIngress", [OPEN], [[OPEN, OFFICE], [{**OPEN, "Description": "web"}]],
     [[OFFICE], None]),
    ("AWS::EC2::Instance", "UserData", "eA==", [], ["eQ=="]),
    ("AWS::EC2::Instance", "Monitoring", False, [True], []),
    ("AWS::EC2::EIP", "InstanceId", "i-1", [], ["i-2"]),
    ("AWS::ECS::Cluster", "AFutureProperty", 1, [], [2]),
    # Nothing of these hurts a machine, whatever changes in them.
    ("AWS::Lambda::Function", "Code", {"S3Key": "1"}, [{"S3Key": "2"}], []),
    ("AWS::EC2::FlowLog", "DeliverLogsPermissionArn", "a", ["b"], []),
]  # fmt: skip


@pytest.fixture
def tables(sides, aws):
    """The live table has more throughput now than its template says: it scales itself."""
    now = {"TableName": "x", "ProvisionedThroughput": throughput(8)}
    aws.reply("DescribeTable", json.dumps({"Table": now}))
    return sides


def physical(aws, kind, side):
    if kind != "AWS::EC2::SecurityGroup":
        return IDS[kind](side)[1] if kind in IDS else f"{side.name}-x"
    ec2 = aws.client("ec2")
    group = ec2.create_security_group(GroupName=str(len(aws.requests)), Description="x", VpcId=side.vpc)["GroupId"]
    tags = [{"ResourceType": "instance", "Tags": [{"Key": "Cluster", "Value": side.name}]}]
    ec2.run_instances(
        ImageId="ami-12345678", InstanceType="t3.small", MinCount=1, MaxCount=1, SubnetId=side.parts.subnet,
        SecurityGroupIds=[group], TagSpecifications=tags,
    )  # fmt: skip
    return group


def context(name, value):
    return json.dumps({"Properties": {"Other": "same", **({} if value is None else {name: value})}})


def modify(kind, name, **more):
    return {
        "Action": "Modify", "Replacement": "False", "ResourceType": kind, "LogicalResourceId": "R0",
        "PhysicalResourceId": name, **more,
    }  # fmt: skip


def execute(aws, number, *rows):
    aws.reply("DescribeChangeSet", changes(*rows))
    params = {"ChangeSetName": f"cs-{number}", "StackName": f"s-{number}"}
    return attempt(aws, "cloudformation", "execute_change_set", params)


@pytest.mark.cases(13)
@pytest.mark.parametrize("kind", dict.fromkeys(case[0] for case in CASES))
def test_changes_in_place(kind, tables, aws):
    """What takes from the live cluster is denied by name; what adds to it, or tells of it, arrives; staging's does."""
    number = 0
    for _, name, old, *both in (case for case in CASES if case[0] == kind):
        for new, arrives in ((value, not harms) for harms, values in enumerate(both) for value in values):
            shown = {"BeforeContext": context(name, old), "AfterContext": context(name, new)}
            for side in tables.values():
                number += 1
                denied = execute(aws, number, modify(kind, physical(aws, kind, side), **shown))
                expected = None if arrives or side.name == "green" else {"live-cluster/replace", "None"}
                assert denied == expected, (name, new, side.name)


def target(**members):
    inside = "".join(f"<{key}>{value}</{key}>" for key, value in members.items())
    return f"<member><Target>{inside}</Target></member>"


UNSEEN = [
    ({}, False),
    ({"Scope": "<member>Properties</member>"}, False),
    ({"Scope": "<member>Metadata</member><member>UpdatePolicy</member>"}, True),
    ({"Scope": "<member>Tags</member>"}, False),
    ({"Details": target(Attribute="Properties", Name="MaxSize")}, False),
    ({"Details": target(Attribute="Properties", Name="MinSize")}, False),
    ({"Details": target(Attribute="Properties", Name="Cooldown")}, True),
    ({"Details": target(Attribute="Properties", Name="MetricsCollection") + target(Attribute="Metadata")}, True),
    ({"Details": target(Attribute="Properties")}, False),
    ({"BeforeContext": "{", "AfterContext": "{"}, False),
    ({"BeforeContext": context("MaxSize", "1"), "AfterContext": context("MaxSize", "1")}, True),
]


@pytest.mark.parametrize(("more", "arrives"), UNSEEN)
def test_values_that_are_not_shown(more, arrives, sides, aws):
    """Without its values a change counts, unless what changes is known to harm no one."""
    for name, side in sides.items():
        denied = execute(aws, name, modify("AWS::AutoScaling::AutoScalingGroup", side.parts.asg, **more))
        assert (denied is None) is (arrives or name == "green"), (name, denied)


def test_the_message_names_the_property(sides, aws):
    """The denial says which property of which resource may harm, and what to do."""
    group = sides["blue"].parts.asg
    shown = {"BeforeContext": context("MaxSize", "4"), "AfterContext": context("MaxSize", "0")}
    aws.reply("DescribeChangeSet", changes(modify("AWS::AutoScaling::AutoScalingGroup", group, **shown)))
    with pytest.raises(guardrails.CallDenied) as denied:
        aws.client("cloudformation").execute_change_set(ChangeSetName="cs", StackName="s")
    text = " ".join(str(denied.value).split())
    assert f"would remove, replace or change AWS::AutoScaling::AutoScalingGroup {group} (MaxSize) of cs" in text
    assert "Leave these changes out of the change set" in text


def update(aws, kind, name, properties, *steps):
    """The rules that deny a patch of a resource with these properties."""
    aws.reply("GetResource", json.dumps({"ResourceDescription": {"Properties": json.dumps(properties)}}))
    document = json.dumps([dict(zip(("op", "path", "value"), step, strict=False)) for step in steps])
    params = {"TypeName": kind, "Identifier": name, "PatchDocument": document}
    return attempt(aws, "cloudcontrol", "update_resource", params)


PROPERTIES = {"MaxSize": "4", "DesiredCapacity": "2", "VPCZoneIdentifier": ["a"], "Tags": TAGS}
PATCHES = [
    ([("replace", "/MaxSize", "9")], True),
    ([("replace", "/MaxSize", "9"), ("add", "/VPCZoneIdentifier/-", "b"), ("add", "/Cooldown", "60")], True),
    ([("test", "/MaxSize", "4"), ("replace", "/DesiredCapacity", "3")], True),
    ([("replace", "/MaxSize", "9"), ("add", "/Tags/-", {"Key": "Owner", "Value": "me"})], True),
    ([("replace", "/MaxSize", "1")], False),
    ([("replace", "/DesiredCapacity", "1"), ("replace", "/MaxSize", "9")], False),
    ([("remove", "/VPCZoneIdentifier/0"), ("add", "/VPCZoneIdentifier/-", "b")], False),
    ([("add", "/LaunchTemplate", {"Version": "2"})], False),
    ([("test", "/MaxSize", "5"), ("replace", "/MaxSize", "9")], False),
    ([("replace", "/Nowhere", "9")], False),
    ([("replace", "/MaxSize", "9"), ("remove", "/Tags/0")], False),
    ([("replace", "/MaxSize", "9"), ("add", "/Tags/-", {"Key": "Cluster", "Value": "green"})], False),
]


@pytest.mark.parametrize(("steps", "arrives"), PATCHES)
def test_patches_in_place(steps, arrives, sides, aws):
    """A patch that adds to a live group arrives; one that takes from it, or does not fit, is denied."""
    for name, side in sides.items():
        denied = update(aws, "AWS::AutoScaling::AutoScalingGroup", side.parts.asg, PROPERTIES, *steps)
        assert (denied is None) is (arrives or name == "green"), (name, denied)


def test_patches_of_other_types(tables, aws):
    """The same comparison judges tables and databases; without the present properties nothing is known."""
    table, users = "AWS::DynamoDB::Table", {"ProvisionedThroughput": throughput(5), "DeletionProtectionEnabled": True}
    assert update(aws, table, "blue-users", users, ("replace", "/ProvisionedThroughput", throughput(9))) is None
    assert update(aws, table, "blue-users", users, ("replace", "/ProvisionedThroughput/ReadCapacityUnits", 1))
    assert "protection/switch-off" in update(
        aws, table, "blue-users", users, ("replace", "/DeletionProtectionEnabled", False)
    )
    database = "AWS::RDS::DBInstance"
    assert update(aws, database, "blue-db", {"MultiAZ": False}, ("replace", "/MultiAZ", True)) is None
    aws.answer("GetResource", 400, "ResourceNotFoundException", "not there")
    params = {
        "TypeName": database,
        "Identifier": "blue-db",
        "PatchDocument": '[{"op":"replace","path":"/MultiAZ","value":true}]',
    }
    assert attempt(aws, "cloudcontrol", "update_resource", params)
