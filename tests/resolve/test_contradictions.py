"""An answer that shows nothing of what another one names is no answer: the call is blocked, and says which look-up."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from attrs import asdict

from guardrails.resolve import contradictions
from guardrails.resolve.inventory import ADDRESSES, INSTANCES, Inventory
from guardrails.resolve.lists import INTERFACES
from guardrails.resolve.ownership import Ownership
from guardrails.resolve.region import Region
from guardrails.values import Answer, Lookup
from tests.calls.test_unknown_holders import attempt
from tests.support.places import build

SUBNET = ("ec2", "delete_subnet", lambda place: {"SubnetId": place.subnet})


@pytest.mark.parametrize(
    ("lookup", "member", "call"),
    [
        ("DescribeInstances", "reservationSet", SUBNET),
        ("DescribeNetworkInterfaces", "networkInterfaceSet", SUBNET),
        ("DescribeSubnets", "subnetSet", SUBNET),
        ("DescribeRouteTables", "routeTableSet",
         ("ec2", "delete_nat_gateway", lambda place: {"NatGatewayId": place.nat})),
        ("DescribeNatGateways", "natGatewaySet",
         ("ec2", "delete_route_table", lambda place: {"RouteTableId": place.route_table})),
        ("DescribeNetworkAcls", "networkAclSet",
         ("ec2", "delete_network_acl", lambda place: {"NetworkAclId": place.acl})),
        ("DescribeVolumes", "volumeSet", ("kms", "disable_key", lambda place: {"KeyId": place.key})),
    ],
)  # fmt: skip
def test_an_empty_answer_that_another_one_contradicts(lookup, member, call, aws, install):
    """On the live side it is blocked because of that look-up; on the other side the true answers let it arrive."""
    blue, green = build(aws, "blue", "10.1"), build(aws, "green", "10.2")
    install(live={"eip_addresses": [blue.public_ip]})
    service, method, params = call
    key = aws.client("kms").create_key()["KeyMetadata"]["KeyId"]
    blue, green = (SimpleNamespace(**asdict(place), key=key) for place in (blue, green))
    assert attempt(aws, service, method, params(green)) is None
    aws.reply(lookup, f"<{lookup}Response><{member}/></{lookup}Response>")
    denied = attempt(aws, service, method, params(blue)) or set()
    assert any(f"ec2:{lookup}" in text and "Contradiction" in text for text in denied), denied


def facts(**items):
    """The answers of look-ups, by operation, and the inventory of these."""
    lookups = {"DescribeInstances": INSTANCES, "DescribeAddresses": ADDRESSES, "DescribeNetworkInterfaces": INTERFACES,
               "DescribeVpcs": Lookup("ec2", "DescribeVpcs", "Vpcs"),
               "DescribeAutoScalingGroups":
                   Lookup("autoscaling", "DescribeAutoScalingGroups", "AutoScalingGroups"),
               "DescribeTargetGroups": Lookup("elbv2", "DescribeTargetGroups", "TargetGroups"),
               "GetResources":
                   Lookup("resourcegroupstaggingapi", "GetResources", "ResourceTagMappingList")}  # fmt: skip
    answers = {lookups[name].key(): Answer(tuple(found), 1.0) for name, found in items.items()}
    return answers, Inventory(
        Region(tuple(items["DescribeInstances"]), 0.0), items.get("DescribeAddresses", ()), Ownership()
    )


MACHINE = {"InstanceId": "i-1", "State": {"Name": "running"}, "VpcId": "vpc-1",
           "NetworkInterfaces": [{"NetworkInterfaceId": "eni-1"}]}  # fmt: skip
# Addresses that were allocated are Elastic IPs; the others are Amazon's.
OWNED, LENT = (
    {"NetworkInterfaceId": "eni-1", "Association": {"PublicIp": "198.51.100.7", **more}}
    for more in ({"AllocationId": "eipalloc-1"}, {})
)
LOOSE = {"PublicIp": "198.51.100.7"}
IN_GROUP = {**MACHINE, "Tags": [{"Key": "aws:autoscaling:groupName", "Value": "web"}]}
HELD = {"PublicIp": "198.51.100.7", "InstanceId": "i-1"}
OURS, ELSEWHERE = ([{"OwnerId": account, "Instances": [MACHINE]}] for account in ("123456789012", "210987654321"))
GROUP = {"TargetGroupArn": "arn:aws:elasticloadbalancing:eu-west-1:123456789012:targetgroup/web/1"}
TAGGED = {"ResourceARN": "arn:aws:sqs:eu-west-1:123456789012:web"}
# The ARN of a bucket does not say whose it is.
BUCKET = {"ResourceARN": "arn:aws:s3:::web"}


@pytest.mark.parametrize(
    ("items", "contradicted"),
    [
        ({"DescribeInstances": [], "DescribeAddresses": [HELD]}, ["ec2:DescribeInstances"]),
        ({"DescribeInstances": [], "DescribeAddresses": [{"PublicIp": "198.51.100.7"}]}, []),
        ({"DescribeInstances": [{"Instances": [MACHINE]}],
          "DescribeAddresses": [HELD, {**HELD, "InstanceId": "i-2"}]}, []),
        ({"DescribeInstances": [{"Instances": [MACHINE]}],
          "DescribeNetworkInterfaces": [{"NetworkInterfaceId": "eni-9"}]}, ["ec2:DescribeNetworkInterfaces"]),
        ({"DescribeInstances": [{"Instances": [{**MACHINE, "State": {"Name": "terminated"}}]}],
          "DescribeNetworkInterfaces": []}, []),
        ({"DescribeInstances": [{"Instances": [MACHINE]}], "DescribeVpcs": [{"VpcId": "vpc-2"}]}, ["ec2:DescribeVpcs"]),
        ({"DescribeInstances": [{"Instances": [MACHINE]}], "DescribeVpcs": [{"VpcId": "vpc-1"}]}, []),
        ({"DescribeInstances": [], "DescribeVpcs": []}, []),
        ({"DescribeInstances": [], "DescribeNetworkInterfaces": [OWNED], "DescribeAddresses": []},
         ["ec2:DescribeAddresses"]),
        ({"DescribeInstances": [], "DescribeNetworkInterfaces": [OWNED], "DescribeAddresses": [LOOSE]}, []),
        ({"DescribeInstances": [], "DescribeNetworkInterfaces": [LENT], "DescribeAddresses": []}, []),
        ({"DescribeInstances": [{"Instances": [IN_GROUP]}], "DescribeAutoScalingGroups": []},
         ["autoscaling:DescribeAutoScalingGroups"]),
        ({"DescribeInstances": [{"Instances": [IN_GROUP]}],
          "DescribeAutoScalingGroups": [{"AutoScalingGroupName": "web"}]}, []),
        ({"DescribeInstances": ELSEWHERE, "DescribeTargetGroups": [GROUP]}, ["ec2:DescribeInstances"]),
        ({"DescribeInstances": ELSEWHERE, "GetResources": [BUCKET, TAGGED]}, ["ec2:DescribeInstances"]),
        ({"DescribeInstances": ELSEWHERE, "GetResources": [BUCKET]}, []),
        ({"DescribeInstances": OURS, "DescribeTargetGroups": [GROUP], "GetResources": [TAGGED]}, []),
    ],
)  # fmt: skip
def test_one_that_is_shown_is_enough(items, contradicted):
    """Nothing contradicts an answer that shows one of those that must be there, or where none must."""
    assert [failure.lookup for failure in contradictions.among(*facts(**items))] == contradicted
