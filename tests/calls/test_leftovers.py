"""What has the live cluster's tag and is used by nothing can be deleted; what holds data, by the way that is named."""

from __future__ import annotations

import re

import pytest

import guardrails
from tests.calls.test_unknown_holders import attempt

TAGS = [{"Key": "Cluster", "Value": "blue"}]
NETWORK, STORAGE = {"network/other", "None"}, {"live-cluster/storage", "None"}
VERSIONS = """<DescribeLaunchTemplateVersionsResponse xmlns="http://ec2.amazonaws.com/doc/2016-11-15/">
<launchTemplateVersionSet>{}</launchTemplateVersionSet></DescribeLaunchTemplateVersionsResponse>"""
VERSION = """<item><launchTemplateId>lt-1</launchTemplateId><versionNumber>1</versionNumber>
<launchTemplateData><imageId>{image}</imageId><securityGroupIdSet><item>{group}</item></securityGroupIdSet>
</launchTemplateData></item>"""

GROUPS = """<DescribeAutoScalingGroupsResponse xmlns="http://autoscaling.amazonaws.com/doc/2011-01-01/">
<DescribeAutoScalingGroupsResult><AutoScalingGroups><member><AutoScalingGroupName>web</AutoScalingGroupName>
<MixedInstancesPolicy><LaunchTemplate><LaunchTemplateSpecification><LaunchTemplateName>web</LaunchTemplateName>
<Version>1</Version></LaunchTemplateSpecification><Overrides><member><InstanceType>t3.nano</InstanceType>
<ImageId>{image}</ImageId></member></Overrides></LaunchTemplate></MixedInstancesPolicy></member></AutoScalingGroups>
</DescribeAutoScalingGroupsResult></DescribeAutoScalingGroupsResponse>"""


def templates(aws, image="ami-1", group="sg-1"):
    """All launch templates name this image and this group."""
    aws.reply("DescribeLaunchTemplateVersions", VERSIONS.format(VERSION.format(image=image, group=group)))


@pytest.fixture
def group(site, aws):
    """An unused security group with blue's tag, as a call that deletes it."""
    vpc = site.ec2.describe_subnets(SubnetIds=[site.subnet])["Subnets"][0]["VpcId"]
    of_type = [{"ResourceType": "security-group", "Tags": TAGS}]
    made = site.ec2.create_security_group(GroupName="old", Description="d", VpcId=vpc, TagSpecifications=of_type)
    templates(aws)
    return made["GroupId"], vpc


@pytest.fixture
def image(site, aws):
    """An image with blue's tag that no machine was started from."""
    of_type = [{"ResourceType": "image", "Tags": TAGS}]
    templates(aws)
    made = site.ec2.create_image(InstanceId=site.blue.instance_ids[0], Name="old", TagSpecifications=of_type)
    return made["ImageId"]


def test_an_unused_security_group(group, site, aws, install):
    """It may be deleted; its rules stay, because only what the call deletes is looked up."""
    install()
    assert attempt(aws, "ec2", "delete_security_group", {"GroupId": group[0]}) is None
    rule = {"IpProtocol": "-1", "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}
    revoked = {"GroupId": group[0], "IpPermissions": [rule]}
    assert attempt(aws, "ec2", "revoke_security_group_egress", revoked) == NETWORK


@pytest.mark.parametrize("use", ["interface", "rule", "egress", "template", "configuration", "refused"])
def test_a_security_group_that_something_uses(use, group, site, aws, install):
    """An interface, a rule of another group or a launch template uses it, or a look-up is refused: it stays."""
    name, vpc = group
    if use == "interface":
        site.ec2.create_network_interface(SubnetId=site.subnet, Groups=[name])
    elif use in ("rule", "egress"):
        other = site.ec2.create_security_group(GroupName="web", Description="d", VpcId=vpc)["GroupId"]
        of_group = [{"IpProtocol": "tcp", "FromPort": 1, "ToPort": 1, "UserIdGroupPairs": [{"GroupId": name}]}]
        authorize = "ingress" if use == "rule" else "egress"
        getattr(site.ec2, f"authorize_security_group_{authorize}")(GroupId=other, IpPermissions=of_group)
    elif use == "template":
        templates(aws, group=name)
    elif use == "configuration":
        aws.client("autoscaling").create_launch_configuration(
            LaunchConfigurationName="web", ImageId="ami-1", InstanceType="t3.nano", SecurityGroups=[name]
        )
    else:
        aws.answer("DescribeLaunchTemplateVersions", 403, "UnauthorizedOperation", "not permitted")
    install()
    assert attempt(aws, "ec2", "delete_security_group", {"GroupId": name}) == NETWORK, use


@pytest.mark.parametrize(
    ("named", "more", "expected"),
    [("ami-1", {}, None), ("it", {}, STORAGE), ("resolve:ssm:/golden", {}, STORAGE),
     ("ami-1", {"DeleteAssociatedSnapshots": True}, STORAGE)],
)  # fmt: skip
def test_an_image(named, more, expected, image, site, aws, install):
    """Used by no machine and no template it may go; its snapshots, and one that a template may name, may not."""
    templates(aws, image=image if named == "it" else named)
    install()
    assert attempt(aws, "ec2", "deregister_image", {"ImageId": image, **more}) == expected


def test_an_image_of_one_machine_type(image, site, aws, install):
    """A group that gives one machine type this image uses it, though its template names another."""
    aws.reply("DescribeAutoScalingGroups", GROUPS.format(image=image))
    templates(aws, image="ami-1")
    install()
    assert attempt(aws, "ec2", "deregister_image", {"ImageId": image}) == STORAGE


def test_what_holds_data(site, aws, install):
    """A disk, a database, a queue and a function stay; under break glass for the rules that are named, they go."""
    made = [{"ResourceType": "volume", "Tags": TAGS}]
    volume = site.ec2.create_volume(AvailabilityZone="eu-west-1a", Size=1, TagSpecifications=made)["VolumeId"]
    aws.client("rds").create_db_instance(
        DBInstanceIdentifier="old", Engine="mysql", MasterUsername="root", MasterUserPassword="secret-1",
        AllocatedStorage=20, DBInstanceClass="db.t3.small", Tags=TAGS,
    )  # fmt: skip
    queue = aws.client("sqs").create_queue(QueueName="old", tags={"Cluster": "blue"})["QueueUrl"]
    install()
    for service, method, params in (
        ("ec2", "delete_volume", {"VolumeId": volume}),
        ("ec2", "create_tags", {"Resources": [volume], "Tags": [{"Key": "Cluster", "Value": "retired"}]}),
        ("rds", "delete_db_instance", {"DBInstanceIdentifier": "old", "FinalDBSnapshotIdentifier": "last"}),
        ("sqs", "delete_queue", {"QueueUrl": queue}),
    ):
        client = aws.client(service)
        with pytest.raises(guardrails.CallDenied) as caught:
            getattr(client, method)(**params)
        rules = re.findall(r"If nothing uses it any more, break glass for ([a-z/-]+)\.", str(caught.value))
        assert rules, method
        with guardrails.break_glass(reason="it is a leftover", rules=rules):
            assert attempt(aws, service, method, params) is None, method
