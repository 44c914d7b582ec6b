"""Whose facts are whose, where a script changes the keys of its credentials in place."""

from __future__ import annotations

import boto3
import pytest

import guardrails

PRODUCTION, STAGING = "111111111111", "222222222222"


@pytest.fixture
def keys(aws):
    """The keys of a role, by account. Both have a group `web`, which is live in production only."""
    found = {}
    for account in (PRODUCTION, STAGING):
        role = f"arn:aws:iam::{account}:role/ops"
        given = aws.client("sts").assume_role(RoleArn=role, RoleSessionName="ops")["Credentials"]
        found[account] = (given["AccessKeyId"], given["SecretAccessKey"], given["SessionToken"])
        session = boto3.Session(*found[account], region_name="eu-west-1")
        ec2, auto = session.client("ec2"), session.client("autoscaling")
        auto.create_launch_configuration(LaunchConfigurationName="web", ImageId="ami-12345678", InstanceType="t3.small")
        subnet = ec2.describe_subnets()["Subnets"][0]["SubnetId"]
        for name in ("web", "other"):
            auto.create_auto_scaling_group(
                AutoScalingGroupName=name, LaunchConfigurationName="web", MinSize=0, MaxSize=5, DesiredCapacity=2,
                VPCZoneIdentifier=subnet,
            )  # fmt: skip
        live = "web" if account == PRODUCTION else "other"
        group = auto.describe_auto_scaling_groups(AutoScalingGroupNames=[live])["AutoScalingGroups"][0]
        address = ec2.allocate_address(Domain="vpc")["AllocationId"]
        ec2.associate_address(AllocationId=address, InstanceId=group["Instances"][0]["InstanceId"])
    aws.clear()
    return found


def test_keys_that_are_changed_in_place(aws, keys, install):
    """Facts of the account that the keys were for before do not count for the next call."""
    session = boto3.Session(*keys[STAGING], region_name="eu-west-1")
    auto = session.client("autoscaling")
    guard = install()
    params = {"AutoScalingGroupName": "web", "ForceDelete": True}
    assert guard.check(auto, "DeleteAutoScalingGroup", **params).allowed
    held = session._session.get_credentials()
    held.access_key, held.secret_key, held.token = keys[PRODUCTION]
    with pytest.raises(guardrails.CallDenied, match="live cluster"):
        auto.delete_auto_scaling_group(**params)
    assert aws.count("DeleteAutoScalingGroup") == 0
