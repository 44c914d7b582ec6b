"""The first entrance of a region, where no target group is behind a balancer yet."""

from __future__ import annotations

import boto3


def test_the_first_listener(aws, install):
    """Where nothing is behind a balancer yet, a listener is created: it takes no entrance away from anyone."""
    aws.start_cluster("blue", 2, addresses=1)
    install()
    ec2, elbv2 = boto3.client("ec2"), boto3.client("elbv2")
    subnets = ec2.describe_subnets()["Subnets"]
    several = list({each["AvailabilityZone"]: each["SubnetId"] for each in subnets}.values())[:2]
    balancer = elbv2.create_load_balancer(Name="first", Subnets=several)["LoadBalancers"][0]
    group = elbv2.create_target_group(Name="first", Protocol="HTTP", Port=80, VpcId=subnets[0]["VpcId"])
    aws.clear()
    elbv2.create_listener(
        LoadBalancerArn=balancer["LoadBalancerArn"], Protocol="HTTP", Port=80,
        DefaultActions=[{"Type": "forward", "TargetGroupArn": group["TargetGroups"][0]["TargetGroupArn"]}],
    )  # fmt: skip
    assert aws.count("CreateListener") == 1
