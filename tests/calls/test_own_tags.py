"""Resources that their own tag alone ties to the live cluster: kept beside the other cluster's, which may go."""

from __future__ import annotations

import json
import re

import pytest

from tests.calls.test_unknown_holders import attempt

NAMES = ("blue", "green")


def tags(name):
    return [{"Key": "Cluster", "Value": name}]


@pytest.fixture
def owned(aws, places, install):
    """A group, image, stack, profile and parameter of each cluster that no machine uses; blue is live."""
    ec2, iam, ssm = aws.client("ec2"), aws.client("iam"), aws.client("ssm")
    vpc = ec2.describe_subnets(SubnetIds=[places["green"].subnet])["Subnets"][0]["VpcId"]
    template = json.dumps({"Resources": {"T": {"Type": "AWS::SNS::Topic"}}})
    made = {}
    for name in NAMES:
        group = {"GroupName": f"{name}-spare", "Description": "spare", "VpcId": vpc}
        made[name] = {
            "group": ec2.create_security_group(**group)["GroupId"],
            "image": ec2.create_image(InstanceId=places["green"].machine, Name=f"{name}-spare")["ImageId"],
        }
        ec2.create_tags(Resources=[*made[name].values()], Tags=tags(name))
        # What nothing at all uses may go (test_leftovers.py).
        ec2.create_network_interface(SubnetId=places["green"].subnet, Groups=[made[name]["group"]])
        aws.client("cloudformation").create_stack(StackName=name, TemplateBody=template, Tags=tags(name))
        iam.create_instance_profile(InstanceProfileName=f"{name}-spare", Tags=tags(name))
        for parameter in (f"/{name}/url", f"{name}-url"):
            ssm.put_parameter(Name=parameter, Value="x", Type="String", Tags=tags(name))
    install(live={"eip_addresses": [places["blue"].public_ip]})
    return made


def takes(name, made):
    """Calls that take what is the cluster's own."""
    return [
        ("ec2", "delete_security_group", {"GroupId": made["group"]}, "network/other"),
        ("ec2", "deregister_image", {"ImageId": made["image"], "DeleteAssociatedSnapshots": True},
         "live-cluster/storage"),
        ("cloudformation", "delete_stack", {"StackName": name}, "live-cluster/terminate"),
        ("iam", "delete_instance_profile", {"InstanceProfileName": f"{name}-spare"}, "live-cluster/stop"),
        ("ssm", "delete_parameter", {"Name": f"/{name}/url"}, "live-cluster/storage"),
        ("ssm", "delete_parameter", {"Name": f"{name}-url"}, "live-cluster/storage"),
        ("ssm", "delete_parameters", {"Names": [f"{name}-url", "other"]}, "live-cluster/storage"),
    ]  # fmt: skip


def test_what_its_own_tag_makes_the_live_clusters(owned, aws):
    """A group, image, stack, profile or parameter with the live cluster's tag stays; green's may go."""
    for name in NAMES:
        for service, method, params, rule in takes(name, owned[name]):
            denied = attempt(aws, service, method, params)
            assert (denied is None) == (name == "green"), (method, name, denied)
            assert denied is None or rule in denied, (method, denied)


def test_overwriting_a_parameter(owned, aws, caplog):
    """Another value for the live cluster's parameter gets a warning; the same value, or green's, gets none."""

    def warned(service, method, **params):
        caplog.clear()
        assert attempt(aws, service, method, params) is None
        return {*re.findall(r"Rule ([a-z/-]+):", caplog.text)}

    put = {"Type": "String", "Overwrite": True}
    assert warned("ssm", "put_parameter", Name="blue-url", Value="y", **put) == {"live-cluster/indirect"}
    assert warned("ssm", "put_parameter", Name="blue-url", Value="x", **put) == set()
    assert warned("ssm", "put_parameter", Name="green-url", Value="y", **put) == set()
