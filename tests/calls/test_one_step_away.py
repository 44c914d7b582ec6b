"""What names a live resource one step away is followed; what nothing uses passes, and what is unclear is denied."""

from __future__ import annotations

import pytest

from tests.calls.test_unknown_holders import attempt

IMAGE = {"ImageId": "ami-12345678", "InstanceType": "t3.small"}


def group(aws, name, cluster, subnet):
    """A launch template that no machine has used, and an empty group of a cluster that starts machines from it."""
    template = aws.client("ec2").create_launch_template(LaunchTemplateName=name, LaunchTemplateData=IMAGE)
    aws.client("autoscaling").create_auto_scaling_group(
        AutoScalingGroupName=name, MinSize=0, MaxSize=3, DesiredCapacity=0, VPCZoneIdentifier=subnet,
        LaunchTemplate={"LaunchTemplateName": name, "Version": "1"},
        Tags=[{"Key": "Cluster", "Value": cluster, "PropagateAtLaunch": True}],
    )  # fmt: skip
    return template["LaunchTemplate"]["LaunchTemplateId"]


def test_a_template_that_the_live_group_starts_from(site, aws, install):
    """The live group's template stays, by name and by id; the other group's may go."""
    live = group(aws, "web-blue", "blue", site.subnet)
    group(aws, "web-green", "green", site.subnet)
    install()
    for params in ({"LaunchTemplateName": "web-blue"}, {"LaunchTemplateId": live}):
        assert "live-cluster/launch-source" in attempt(aws, "ec2", "delete_launch_template", params)
    assert attempt(aws, "ec2", "delete_launch_template", {"LaunchTemplateName": "web-green"}) is None


def test_a_snapshot_while_an_image_is_gone(site, aws, install):
    """A group whose image no longer exists keeps no snapshot; that of the live group's other image stays."""
    ec2 = aws.client("ec2")
    volume = ec2.create_volume(AvailabilityZone="eu-west-1a", Size=8)["VolumeId"]
    unused = ec2.create_snapshot(VolumeId=volume)["SnapshotId"]
    image = ec2.create_image(InstanceId=site.green.instance_ids[0], Name="own")["ImageId"]
    devices = ec2.describe_images(ImageIds=[image])["Images"][0]["BlockDeviceMappings"]
    used = devices[0]["Ebs"]["SnapshotId"]
    auto = aws.client("autoscaling")
    for name, started in (("gone", "ami-0123456789abcdef0"), ("own", image)):
        auto.create_launch_configuration(LaunchConfigurationName=name, ImageId=started, InstanceType="t3.small")
        auto.create_auto_scaling_group(
            AutoScalingGroupName=name, LaunchConfigurationName=name, MinSize=0, MaxSize=3, DesiredCapacity=0,
            VPCZoneIdentifier=site.subnet, Tags=[{"Key": "Cluster", "Value": "blue", "PropagateAtLaunch": True}],
        )  # fmt: skip
    ec2.create_tags(Resources=[unused, used], Tags=[{"Key": "Cluster", "Value": "green"}])
    install()
    assert "live-cluster/launch-source" in attempt(aws, "ec2", "delete_snapshot", {"SnapshotId": used})
    assert attempt(aws, "ec2", "delete_snapshot", {"SnapshotId": unused}) is None
    aws.reply("DescribeImages", "<DescribeImagesResponse><imagesSet/></DescribeImagesResponse>")
    assert attempt(aws, "ec2", "delete_snapshot", {"SnapshotId": unused})


def test_a_table_without_a_tag(site, aws, install):
    """A table without the cluster tag is denied with a way forward, and the tag that it names opens it."""
    client = aws.client("dynamodb")
    schema = {"AttributeDefinitions": [{"AttributeName": "k", "AttributeType": "S"}], "BillingMode": "PAY_PER_REQUEST"}
    arn = client.create_table(TableName="t", KeySchema=[{"AttributeName": "k", "KeyType": "HASH"}], **schema)[
        "TableDescription"
    ]["TableArn"]
    install()
    assert "indirect/untraced" in attempt(aws, "dynamodb", "delete_table", {"TableName": "t"})
    client.tag_resource(ResourceArn=arn, Tags=[{"Key": "Cluster", "Value": "green"}])
    assert attempt(aws, "dynamodb", "delete_table", {"TableName": "t"}) is None


@pytest.mark.parametrize("service", ["ec2.amazonaws.com", "lambda.amazonaws.com"])
def test_an_unused_role_passes_without_a_warning(service, site, aws, install, caplog):
    """A role that no machine's profile has is deleted, and nothing is said about it."""
    aws.client("iam").create_role(RoleName="own", AssumeRolePolicyDocument=f'{{"Service": "{service}"}}')
    install()
    caplog.clear()
    assert attempt(aws, "iam", "delete_role", {"RoleName": "own"}) is None
    assert not [record for record in caplog.records if "untraced" in record.getMessage()]
