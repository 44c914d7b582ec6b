"""The source `asg`: live is an Auto Scaling group that a load balancer sends requests to."""

from __future__ import annotations

import pytest
from attrs import evolve

from tests.support.balancers import BehindBalancer
from tests.support.sources import assert_denied_without, assert_protects, seen_by


@pytest.fixture
def shop(aws):
    """Two groups of two machines, each with its target group behind one balancer."""
    balancer = BehindBalancer(aws)
    ec2, scaling = aws.client("ec2"), aws.client("autoscaling")
    subnet = ec2.describe_subnets(Filters=[{"Name": "vpc-id", "Values": [balancer.vpc]}])["Subnets"][0]["SubnetId"]
    scaling.create_launch_configuration(
        LaunchConfigurationName="web", ImageId="ami-00000000000000001", InstanceType="t3.small"
    )
    for name in ("blue", "green"):
        scaling.create_auto_scaling_group(
            AutoScalingGroupName=f"web-{name}", MinSize=0, MaxSize=4, DesiredCapacity=2, VPCZoneIdentifier=subnet,
            LaunchConfigurationName="web",
            TargetGroupARNs=[balancer.group(name, ())],
            Tags=[{"Key": "Cluster", "Value": name, "PropagateAtLaunch": True}],
        )  # fmt: skip
    return aws, balancer, scaling


def test_weights(shop, install):
    """The group behind the weight 100 is live and stays; the one behind 0 may go, healthy as it is."""
    aws, balancer, _ = shop
    balancer.listener(443, blue=100, green=0)
    seen, report = seen_by("asg", aws, install)
    assert (seen.clusters, seen.known, seen.disputed) == (("blue",), True, False)
    where = "web-blue (2 of 2 machines active) behind web-prod:443, rule default, weight 100"
    assert report.evidence == f"blue is in Auto Scaling group {where}"
    sides = [evolve(aws.start_cluster(name, 0), instance_ids=aws.machines(name)) for name in ("blue", "green")]
    assert_protects("asg", aws, install, *sides)


def test_standby_and_size(shop, install):
    """A group whose machines are in standby keeps its cluster live by its tag while it wants machines, not at 0."""
    aws, balancer, scaling = shop
    balancer.listener(443, blue=1, green=1)
    stray = aws.client("ec2")
    ids = list(aws.machines("green"))
    stray.delete_tags(Resources=ids, Tags=[{"Key": "Cluster"}])
    scaling.delete_tags(Tags=[{"ResourceId": "web-green", "ResourceType": "auto-scaling-group", "Key": "Cluster"}])
    assert seen_by("asg", aws, install)[0].clusters == ("asg/web-green", "blue")
    scaling.enter_standby(AutoScalingGroupName="web-green", InstanceIds=ids, ShouldDecrementDesiredCapacity=True)
    assert seen_by("asg", aws, install)[0].clusters == ("blue",)
    scaling.update_auto_scaling_group(AutoScalingGroupName="web-blue", DesiredCapacity=0)
    seen, report = seen_by("asg", aws, install)
    assert seen.clusters == ()
    assert not report.silent


def test_classic_balancers(shop, install):
    """A group behind a classic balancer is live."""
    aws, _, scaling = shop
    aws.client("elb").create_load_balancer(
        LoadBalancerName="old", AvailabilityZones=["eu-west-1a"],
        Listeners=[{"Protocol": "TCP", "LoadBalancerPort": 25, "InstanceProtocol": "TCP", "InstancePort": 25}],
    )  # fmt: skip
    scaling.attach_load_balancers(AutoScalingGroupName="web-green", LoadBalancerNames=["old"])
    seen, report = seen_by("asg", aws, install)
    assert seen.clusters == ("green",)
    assert "behind old:25" in report.evidence


def test_nothing_of_its_kind(site, aws, install):
    """Without a group that has a balancer the source is silent, and takes one look-up."""
    seen, report = seen_by("asg", aws, install)
    assert report.silent
    assert (seen.known, seen.disputed) == (True, False)
    assert aws.count("DescribeTargetGroups", "DescribeLoadBalancers") == 0
    permission = "autoscaling:DescribeAutoScalingGroups"
    assert_denied_without(permission, "asg", aws, install, site.green)
