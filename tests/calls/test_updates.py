"""An update is judged by what it changes: what repeats the present state, or only adds to it, harms nothing."""

from __future__ import annotations

import pytest

from tests.calls.test_unknown_holders import attempt
from tests.support import rest
from tests.support.places import build

pytestmark = pytest.mark.every(3)

LAUNCH = {"LaunchTemplateSpecification": {"LaunchTemplateName": "web", "Version": "$Default"}}
MIX = {
    "LaunchTemplate": {**LAUNCH, "Overrides": [{"InstanceType": "t3.nano"}, {"InstanceType": "t3.micro"}]},
    "InstancesDistribution": {"OnDemandBaseCapacity": 1, "OnDemandPercentageAboveBaseCapacity": 50},
}


def judge(aws, service, method, name, cases):
    """Try each change of a case, on top of the parameters that name the target, in both lists."""
    protocol = aws.client(service).meta.service_model.protocol
    trial = rest.attempt if protocol.startswith("rest") else attempt
    for arrives, changes in zip((True, False), cases, strict=True):
        for change in changes:
            denied = trial(aws, service, method, {**name, **change})
            assert (denied is None) is arrives, (method, change, denied)


@pytest.fixture
def group(aws):
    """A live cluster's group of two machines in two subnets, and another subnet."""
    ec2, autoscaling = aws.client("ec2"), aws.client("autoscaling")
    subnets = [aws.create_subnet(f"10.0.{number}.0/24") for number in range(3)]
    data = {"ImageId": "ami-12345678", "InstanceType": "t3.nano"}
    ec2.create_launch_template(LaunchTemplateName="web", LaunchTemplateData=data)
    autoscaling.create_auto_scaling_group(
        AutoScalingGroupName="blue", MinSize=1, MaxSize=4, DesiredCapacity=2, MixedInstancesPolicy=MIX,
        VPCZoneIdentifier=",".join(subnets[:2]), Tags=[{"Key": "Cluster", "Value": "blue", "PropagateAtLaunch": True}],
        HealthCheckType="EC2", HealthCheckGracePeriod=300, DefaultCooldown=60, TerminationPolicies=["OldestInstance"],
        NewInstancesProtectedFromScaleIn=False,
    )  # fmt: skip
    machine = aws.machines("blue")[0]
    allocation = ec2.allocate_address(Domain="vpc")["AllocationId"]
    ec2.associate_address(AllocationId=allocation, InstanceId=machine)
    return subnets


@pytest.mark.parametrize(
    ("subnets", "more", "arrives"),
    [
        ((0, 1), {}, True),
        ((1, 0), {"MinSize": 1, "MaxSize": 4, "DesiredCapacity": 2}, True),
        ((0, 1, 2), {"MaxSize": 6, "DesiredCapacity": 3}, True),
        ((0,), {}, False),
        ((0, 2), {}, False),
        ((0, 1, 2), {"DesiredCapacity": 1}, False),
        ((0, 1, 2), {"MaxInstanceLifetime": 86400}, False),
    ],
)
def test_updating_the_live_group(subnets, more, arrives, group, aws, install):
    """Repeating what is there, growing, and adding a subnet arrive; leaving one out, and shrinking, do not."""
    install()
    zones = ",".join(group[number] for number in subnets)
    update = {"AutoScalingGroupName": "blue", "VPCZoneIdentifier": zones, **more}
    denied = attempt(aws, "autoscaling", "update_auto_scaling_group", update)
    assert (denied is None) is arrives, denied


def test_repeating_the_whole_group(group, aws, install):
    """As Terraform and Ansible do: everything once more arrives without a warning; one difference is judged as such."""
    guard = install()
    whole = {
        "AutoScalingGroupName": "blue", "MinSize": 1, "MaxSize": 4, "DesiredCapacity": 2, "MixedInstancesPolicy": MIX,
        "VPCZoneIdentifier": ", ".join(group[:2]), "HealthCheckType": "EC2", "HealthCheckGracePeriod": 300,
        "DefaultCooldown": 60, "TerminationPolicies": ["OldestInstance"], "NewInstancesProtectedFromScaleIn": False,
    }  # fmt: skip
    other_mix = {**MIX, "InstancesDistribution": {"OnDemandPercentageAboveBaseCapacity": 0}}
    fewer_kinds = {**MIX, "LaunchTemplate": {**LAUNCH, "Overrides": [{"InstanceType": "t3.nano"}]}}
    judge(aws, "autoscaling", "update_auto_scaling_group", whole, (
        [{}, {"MaxSize": 9}, {"HealthCheckGracePeriod": 600}],
        [{"DesiredCapacity": 1}, {"MaxSize": 1}, {"MixedInstancesPolicy": other_mix}, {"MaxInstanceLifetime": 86400},
         {"MixedInstancesPolicy": fewer_kinds}, {"VPCZoneIdentifier": group[0]}, {"AvailabilityZones": ["x"]}],
    ))  # fmt: skip
    asked = guard.check(aws.client("autoscaling"), "UpdateAutoScalingGroup", **whole)
    assert (asked.action, asked.call.effects, asked.call.forms) == ("allow", (), ())
    later = guard.check(aws.client("autoscaling"), "UpdateAutoScalingGroup", **{**whole, "HealthCheckType": "ELB"})
    assert (later.action, later.call.effects) == ("warn", ("indirect",))


@pytest.mark.parametrize("size", [2, 3, 1, 0])
def test_setting_the_desired_capacity(size, group, aws, install):
    """The present size and more arrive, less does not."""
    install()
    update = {"AutoScalingGroupName": "blue", "DesiredCapacity": size}
    denied = attempt(aws, "autoscaling", "set_desired_capacity", update)
    assert denied == (None if size >= 2 else {"live-cluster/scale-in", "None"})


def test_without_the_present_state_all_of_it_changes(group, aws, install):
    """Where the look-up answers nothing, or something else, the same repetition is denied."""
    install()
    update = {"AutoScalingGroupName": "blue", "VPCZoneIdentifier": ",".join(group[:2]), "DesiredCapacity": 2}
    empty = "<DescribeAutoScalingGroupsResponse><DescribeAutoScalingGroupsResult><AutoScalingGroups/>"
    aws.reply(
        "DescribeAutoScalingGroups", empty + "</DescribeAutoScalingGroupsResult></DescribeAutoScalingGroupsResponse>"
    )
    assert attempt(aws, "autoscaling", "update_auto_scaling_group", update)


@pytest.fixture
def blue(aws):
    return build(aws, "blue", "10.1")


def described(aws, operation, member, **names):
    """The one item that AWS describes."""
    (item,) = getattr(aws.client("ec2"), operation)(**names)[member]
    return item


def test_a_live_machine(blue, aws, install):
    """Its attributes once more, another security group in addition, and protection on: all arrive."""
    machine = described(aws, "describe_instances", "Reservations", InstanceIds=[blue.machine])["Instances"][0]
    groups = [group["GroupId"] for group in machine["NetworkInterfaces"][0]["Groups"]]
    device = machine["BlockDeviceMappings"][0]
    aws.client("ec2").modify_instance_attribute(InstanceId=blue.machine, DisableApiTermination={"Value": True})
    kept = {"DeviceName": device["DeviceName"], "Ebs": {"DeleteOnTermination": device["Ebs"]["DeleteOnTermination"]}}
    install(live={"eip_addresses": [blue.public_ip]})
    kind, other = machine["InstanceType"], "m5.large"
    judge(aws, "ec2", "modify_instance_attribute", {"InstanceId": blue.machine}, (
        [{"InstanceType": {"Value": kind}}, {"Groups": groups}, {"Groups": [*groups, "sg-2"]},
         {"BlockDeviceMappings": [kept]}, {"Attribute": "instanceType", "Value": kind},
         {"DisableApiTermination": {"Value": True}},
         {"SourceDestCheck": {"Value": machine["SourceDestCheck"]}}, {"EbsOptimized": {"Value": False}}],
        [{"InstanceType": {"Value": other}}, {"Groups": ["sg-2"]},
         {"Attribute": "instanceType", "Value": other},
         {"DisableApiTermination": {"Value": False}}, {"SourceDestCheck": {"Value": not machine["SourceDestCheck"]}},
         {"UserData": {"Value": b"x"}}, {"EbsOptimized": {"Value": True}}, {"EnaSupport": {"Value": False}}],
    ))  # fmt: skip
    placement = {"InstanceId": blue.machine}
    judge(aws, "ec2", "modify_instance_placement", placement, ([{"Tenancy": "default"}], [{"Tenancy": "host"}]))


def test_an_interface_of_a_live_machine(blue, aws, install):
    """Its security groups once more or with another one, and its checks as they are, arrive."""
    eni = described(aws, "describe_network_interfaces", "NetworkInterfaces", NetworkInterfaceIds=[blue.eni])
    groups = [group["GroupId"] for group in eni["Groups"]]
    install(live={"eip_addresses": [blue.public_ip]})
    judge(aws, "ec2", "modify_network_interface_attribute", {"NetworkInterfaceId": blue.eni}, (
        [{"Groups": groups}, {"Groups": ["sg-2", *groups]}, {"SourceDestCheck": {"Value": eni["SourceDestCheck"]}}],
        [{"Groups": ["sg-2"]}, {"SourceDestCheck": {"Value": not eni["SourceDestCheck"]}}],
    ))  # fmt: skip


def test_a_live_network(blue, aws, install):
    """Attributes, routes, associations and entries that are there already arrive; another value does not."""
    ec2 = aws.client("ec2")
    vpc = described(aws, "describe_subnets", "Subnets", SubnetIds=[blue.subnet])["VpcId"]
    default = described(aws, "describe_vpcs", "Vpcs", VpcIds=[vpc])["DhcpOptionsId"]
    spare = ec2.create_nat_gateway(SubnetId=blue.subnet)["NatGateway"]["NatGatewayId"]
    acl = described(aws, "describe_network_acls", "NetworkAcls", NetworkAclIds=[blue.acl])
    number = acl["Entries"][0]
    entry = {key: number[key] for key in ("RuleNumber", "Egress", "RuleAction", "Protocol", "CidrBlock")}
    ec2.modify_vpc_attribute(VpcId=vpc, EnableDnsHostnames={"Value": False})
    install(live={"eip_addresses": [blue.public_ip]})
    everywhere = {"DestinationCidrBlock": "0.0.0.0/0"}
    for method, name, cases in (
        ("modify_vpc_attribute", {"VpcId": vpc},
         ([{"EnableDnsSupport": {"Value": True}}, {"EnableDnsHostnames": {"Value": False}}],
          [{"EnableDnsSupport": {"Value": False}}])),
        ("modify_subnet_attribute", {"SubnetId": blue.subnet},
         ([{"MapPublicIpOnLaunch": {"Value": False}}, {"AssignIpv6AddressOnCreation": {"Value": False}}],
          [{"MapPublicIpOnLaunch": {"Value": True}}, {"EnableDns64": {"Value": True}}])),
        ("replace_route", {"RouteTableId": blue.route_table, **everywhere},
         ([{"NatGatewayId": blue.nat}], [{"NatGatewayId": spare}, {"GatewayId": "igw-1"}])),
        ("replace_network_acl_entry", {"NetworkAclId": blue.acl, **entry}, ([{}], [{"RuleAction": "deny"}])),
        ("associate_route_table", {"SubnetId": blue.subnet},
         ([{"RouteTableId": blue.route_table}], [{"RouteTableId": blue.main_table}])),
        ("replace_route_table_association", {"AssociationId": blue.route_association},
         ([{"RouteTableId": blue.route_table}], [{"RouteTableId": blue.main_table}])),
        ("replace_network_acl_association", {"AssociationId": blue.acl_association},
         ([{"NetworkAclId": blue.acl}], [{"NetworkAclId": "acl-1"}])),
        ("associate_dhcp_options", {"VpcId": vpc},
         ([{"DhcpOptionsId": default}], [{"DhcpOptionsId": "dopt-1"}])),
    ):  # fmt: skip
        judge(aws, "ec2", method, name, cases)


def test_tags_that_are_there(blue, aws, install):
    """Writing the cluster tag with the value that it has arrives, with another value it does not."""
    install(live={"eip_addresses": [blue.public_ip]})
    judge(aws, "ec2", "create_tags", {"Resources": [blue.machine]}, (
        [{"Tags": [{"Key": "Cluster", "Value": "blue"}, {"Key": "Owner", "Value": "me"}]}],
        [{"Tags": [{"Key": "Cluster", "Value": "green"}]}],
    ))  # fmt: skip
