"""An update is judged by what it changes: what repeats the present state, or only adds to it, harms nothing."""

from __future__ import annotations

import pytest

from tests.calls.test_unknown_holders import attempt


@pytest.fixture
def group(aws):
    """A live cluster's group of two machines in two subnets, and another subnet."""
    ec2, autoscaling = aws.client("ec2"), aws.client("autoscaling")
    subnets = [aws.create_subnet(f"10.0.{number}.0/24") for number in range(3)]
    autoscaling.create_launch_configuration(LaunchConfigurationName="c", ImageId="ami-12345678", InstanceType="t3.nano")
    autoscaling.create_auto_scaling_group(
        AutoScalingGroupName="blue", MinSize=1, MaxSize=4, DesiredCapacity=2, LaunchConfigurationName="c",
        VPCZoneIdentifier=",".join(subnets[:2]), Tags=[{"Key": "Cluster", "Value": "blue", "PropagateAtLaunch": True}],
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
