"""What runs later, and what new machines need: rules and schedules, keys, tags, metadata, ranges of a VPC."""

from __future__ import annotations

import json

import pytest

from tests.support import rest

pytestmark = pytest.mark.every(3)

FUNCTION = "arn:aws:lambda:eu-west-1:123456789012:function:{}"
ROLE = "arn:aws:iam::123456789012:role/r"
ALWAYS = {"FlexibleTimeWindow": {"Mode": "OFF"}}
EVERY_HOUR = {"ScheduleExpression": "rate(1 hour)"}


def tagged(aws, *arns):
    """The tagging API shows these ARNs of blue and green; moto's knows few services."""
    listed = [
        {"ResourceARN": f"arn:aws:{arn.format(name)}", "Tags": [{"Key": "Cluster", "Value": name}]}
        for arn in arns
        for name in ("blue", "green")
    ]
    aws.reply("GetResources", json.dumps({"ResourceTagMappingList": listed}))


@pytest.fixture
def guard(places, install, log):
    """The guard is there; guard() gives the rules of its last decision, those of warnings among them."""
    install(live={"sources": ["eip"], "eip_addresses": [places["blue"].public_ip]})

    def warned():
        entry = json.loads(log.read_text("utf-8").splitlines()[-1])
        return {violation["rule"] for violation in entry["result"].get("violations", ())}

    return warned


def test_event_rules(aws, places, guard):
    """Another pattern, rate or target of a rule of the live cluster is pointed out; a repeat and green's are not."""
    events = aws.client("events")
    tagged(aws, "events:eu-west-1:123456789012:rule/{}", "events:eu-west-1:123456789012:rule/{}-pattern")
    for name in ("blue", "green"):
        events.put_rule(Name=name, **EVERY_HOUR)
        events.put_rule(Name=f"{name}-pattern", EventPattern='{"source": ["aws.ec2"]}')
        events.put_targets(Rule=name, Targets=[{"Id": "1", "Arn": FUNCTION.format("a")}])
    changes = [
        ("put_rule", lambda name: {"Name": name, **EVERY_HOUR}, set()),
        ("put_rule", lambda name: {"Name": name, **EVERY_HOUR, "Description": "x"}, set()),
        ("put_rule", lambda name: {"Name": f"{name}-pattern", "EventPattern": '{"source":["aws.ec2"]}'}, set()),
        ("put_targets", lambda name: {"Rule": name, "Targets": [{"Id": "1", "Arn": FUNCTION.format("a")}]}, set()),
        ("put_rule", lambda name: {"Name": name, "ScheduleExpression": "rate(365 days)"}, {"live-cluster/indirect"}),
        ("put_rule", lambda name: {"Name": f"{name}-pattern", "EventPattern": '{"source":["x"]}'},
         {"live-cluster/indirect"}),
        ("put_targets", lambda name: {"Rule": name, "Targets": [{"Id": "1", "Arn": FUNCTION.format("b")}]},
         {"live-cluster/indirect"}),
    ]  # fmt: skip
    for method, params, warnings in changes:
        assert rest.attempt(aws, "events", method, params("blue")) is None
        assert guard() == warnings, (method, params("blue"))
        assert rest.attempt(aws, "events", method, params("green")) is None
        assert guard() == set(), (method, params("green"))
    assert rest.attempt(aws, "events", "put_rule", {"Name": "new", **EVERY_HOUR}) is None
    assert guard() == set()


def test_schedules(aws, places, guard):
    """Switching a schedule off that starts something live, or moving it, is pointed out; a repeat is not."""
    tagged(aws, "lambda:eu-west-1:123456789012:function:{}")
    scheduler = aws.client("scheduler")
    starts = {"Arn": "arn:aws:scheduler:::aws-sdk:ec2:startInstances", "RoleArn": ROLE}
    for name, place in places.items():
        calls = {**starts, "Input": json.dumps({"InstanceIds": [place.machine]})}
        targets = {f"{name}-call": calls, f"{name}-function": {"Arn": FUNCTION.format(name), "RoleArn": ROLE}}
        for each, target in targets.items():
            scheduler.create_schedule(Name=each, Target=target, **ALWAYS, **EVERY_HOUR)
            now = {"Name": each, "Target": target, **ALWAYS, **EVERY_HOUR}
            later = {"ScheduleExpression": "at(2030-01-01T00:00:00)"}
            for change in ({}, {"State": "DISABLED"}, later):
                assert rest.attempt(aws, "scheduler", "update_schedule", {**now, **change}) is None
                expected = {"live-cluster/indirect"} if change and name == "blue" else set()
                assert guard() == expected, (each, change)
            assert rest.attempt(aws, "scheduler", "delete_schedule", {"Name": each}) is None
            assert guard() == ({"live-cluster/indirect"} if name == "blue" else set()), each


@pytest.fixture
def launching(aws, places):
    """Each cluster has a group without machines yet, whose template names a key pair of the cluster's name."""
    ec2, groups = aws.client("ec2"), aws.client("autoscaling")
    for name, place in places.items():
        ec2.create_key_pair(KeyName=name)
        ec2.create_launch_template(
            LaunchTemplateName=name, LaunchTemplateData={"ImageId": "ami-12345678", "KeyName": name}
        )
        groups.create_auto_scaling_group(
            AutoScalingGroupName=f"{name}-empty", MinSize=0, MaxSize=3, DesiredCapacity=0,
            LaunchTemplate={"LaunchTemplateName": name}, VPCZoneIdentifier=place.subnet,
            Tags=[{"Key": "Cluster", "Value": name, "PropagateAtLaunch": True}],
        )  # fmt: skip


def test_key_pairs(aws, launching, guard):
    """A key pair that the live group's template names stays, by name and by id; any other may go."""
    ec2 = aws.client("ec2")
    ec2.create_key_pair(KeyName="unused")
    ids = {each["KeyName"]: each["KeyPairId"] for each in ec2.describe_key_pairs()["KeyPairs"]}
    for name in ("blue", "green", "unused"):
        for params in ({"KeyPairId": ids[name]}, {"KeyName": name}):
            denied = rest.attempt(aws, "ec2", "delete_key_pair", params)
            assert ("live-cluster/launch-source" in (denied or ())) is (name == "blue"), params
            assert (denied is None) is (name != "blue"), params


def test_tags_that_new_machines_no_longer_get(aws, launching, guard):
    """The cluster tag goes on reaching the live group's new machines; other tags and green's need not."""

    def tag(group, key, value, passed_on):
        one = {"ResourceId": group, "ResourceType": "auto-scaling-group", "Key": key, "Value": value}
        params = {"Tags": [{**one, "PropagateAtLaunch": passed_on}]}
        return rest.attempt(aws, "autoscaling", "create_or_update_tags", params)

    assert "protection/retag" in tag("blue-empty", "Cluster", "blue", False)
    assert tag("blue-empty", "Cluster", "blue", True) is None
    assert tag("blue-empty", "Owner", "someone", False) is None
    assert tag("green-empty", "Cluster", "green", False) is None
    # It is so already.
    assert tag("green-empty", "Cluster", "green", False) is None


METADATA = """<GetInstanceMetadataDefaultsResponse><accountLevel><httpEndpoint>{}</httpEndpoint></accountLevel>
</GetInstanceMetadataDefaultsResponse>"""


@pytest.mark.parametrize(("now", "rules"), [("enabled", {"network/other", "None"}), ("disabled", None)])
def test_metadata_of_new_machines(now, rules, aws, places, guard):
    """New machines keep their metadata while something is live; what is off already, and tokens, arrive.

    moto has no such defaults.
    """
    aws.reply("GetInstanceMetadataDefaults", METADATA.format(now))
    for params, expected in (({"HttpEndpoint": "disabled"}, rules), ({"HttpTokens": "required"}, None)):
        aws.answer("ModifyInstanceMetadataDefaults", 400, "Arrived", "it arrived")
        assert rest.attempt(aws, "ec2", "modify_instance_metadata_defaults", params) == expected


def test_ranges_of_a_network(aws, places, guard):
    """A new range does not take addresses from a route of the live network; a free one, and green's, arrive."""
    ec2 = aws.client("ec2")
    other = ec2.create_vpc(CidrBlock="10.7.0.0/16")["Vpc"]["VpcId"]
    for name, place in places.items():
        vpc = ec2.describe_subnets(SubnetIds=[place.subnet])["Subnets"][0]["VpcId"]
        peering = ec2.create_vpc_peering_connection(VpcId=vpc, PeerVpcId=other)["VpcPeeringConnection"]
        gateway = peering["VpcPeeringConnectionId"]
        ec2.accept_vpc_peering_connection(VpcPeeringConnectionId=gateway)
        route = {"RouteTableId": place.route_table, "DestinationCidrBlock": "10.7.0.0/16"}
        assert rest.attempt(aws, "ec2", "create_route", {**route, "VpcPeeringConnectionId": gateway}) is None
        inside, free = ({"VpcId": vpc, "CidrBlock": cidr} for cidr in ("10.7.1.0/24", "10.44.0.0/16"))
        denied = rest.attempt(aws, "ec2", "associate_vpc_cidr_block", inside)
        assert denied == ({"network/other", "None"} if name == "blue" else None)
        assert rest.attempt(aws, "ec2", "associate_vpc_cidr_block", free) is None
