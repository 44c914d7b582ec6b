"""A launch template may name its image by a parameter of Parameter Store: the image behind it is the group's source."""

from __future__ import annotations

import pytest
from moto.ec2.responses.launch_templates import LaunchTemplates

from tests.support import rest

pytestmark = pytest.mark.every(3)


@pytest.fixture
def images(aws):
    """The image of each cluster's group, which is behind a parameter of its name, and one that nothing uses."""
    ec2, groups = aws.client("ec2"), aws.client("autoscaling")
    blue, green = (aws.start_cluster(name, 1, addresses=name == "blue") for name in ("blue", "green"))
    subnet = ec2.describe_subnets()["Subnets"][0]["SubnetId"]
    found = {}
    for name, cluster in (("blue", blue), ("green", green), ("unused", green)):
        found[name] = ec2.create_image(InstanceId=cluster.instance_ids[0], Name=name)["ImageId"]
    for name in ("blue", "green"):
        data = {"ImageId": f"resolve:ssm:/golden/{name}", "InstanceType": "t3.micro"}
        ec2.create_launch_template(LaunchTemplateName=name, LaunchTemplateData=data)
        groups.create_auto_scaling_group(
            AutoScalingGroupName=name, MinSize=0, MaxSize=3, DesiredCapacity=0,
            LaunchTemplate={"LaunchTemplateName": name, "Version": "$Latest"}, VPCZoneIdentifier=subnet,
            Tags=[{"Key": "Cluster", "Value": name, "PropagateAtLaunch": True}],
        )  # fmt: skip
    return found


@pytest.fixture
def resolving(images, monkeypatch):
    """AWS tells the image behind a parameter where it is asked to; moto does not."""
    answer = LaunchTemplates.describe_launch_template_versions

    def resolved(response):
        result = answer(response)
        for each in result._result["LaunchTemplateVersions"] if response._get_param("ResolveAlias") else ():
            data = each["LaunchTemplateData"]
            each["LaunchTemplateData"] = {**data, "ImageId": images[data["ImageId"].rpartition("/")[2]]}
        return result

    monkeypatch.setattr(LaunchTemplates, "describe_launch_template_versions", resolved)


def test_an_image_behind_a_parameter(images, resolving, aws, install):
    """The image from which the live group would start its next machine stays; green's, and one of no group, may go."""
    install()
    for name, image in images.items():
        denied = rest.attempt(aws, "ec2", "deregister_image", {"ImageId": image})
        assert (denied is None) is (name != "blue"), (name, denied)
        assert denied is None or "live-cluster/storage" in denied


def test_an_image_that_the_parameter_does_not_show(images, aws, install):
    """Where nobody may read the parameter, any image may be the live group's: none is deregistered."""
    install()
    for image in images.values():
        assert rest.attempt(aws, "ec2", "deregister_image", {"ImageId": image})
