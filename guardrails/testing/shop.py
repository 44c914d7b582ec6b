"""A small shop behind a load balancer in the simulated AWS, for the first steps of a new user."""

from __future__ import annotations

from collections.abc import Iterable

from guardrails.testing.simulated import SimulatedAWS
from guardrails.values import frozen

_GROUP = "aws:autoscaling:groupName"


@frozen
class Shop:
    """The ids of its machines: `blue` is behind the listener web-prod:443, `green` half started, `box` Anna's own."""

    blue: tuple[str, ...]
    green: tuple[str, ...]
    box: tuple[str, ...]


def open_shop(aws: SimulatedAWS) -> Shop:
    """Two groups of machines, one behind a load balancer, and a machine that belongs to no cluster."""
    blue = aws.start_cluster("web-blue", 6, cluster_tag=_GROUP).instance_ids
    green = aws.start_cluster("web-green", 3, cluster_tag=_GROUP).instance_ids
    box = aws.start_cluster("anna", 1, cluster_tag="Name").instance_ids
    _serve(aws, blue)
    # moto keeps no events.
    aws.reply("LookupEvents", '{"Events": []}')
    aws.clear()
    return Shop(blue, green, box)


def _serve(aws: SimulatedAWS, machines: Iterable[str]) -> None:
    elbv2 = aws.client("elbv2")
    subnets = aws.client("ec2").describe_subnets()["Subnets"]
    vpc = subnets[0]["VpcId"]
    here = [subnet["SubnetId"] for subnet in subnets if subnet["VpcId"] == vpc][:2]
    made = elbv2.create_load_balancer(Name="web-prod", Subnets=here, Type="application", Scheme="internet-facing")
    group = elbv2.create_target_group(Name="web", Protocol="HTTP", Port=80, VpcId=vpc, TargetType="instance")
    arn = group["TargetGroups"][0]["TargetGroupArn"]
    elbv2.register_targets(TargetGroupArn=arn, Targets=[{"Id": machine} for machine in machines])
    elbv2.create_listener(
        LoadBalancerArn=made["LoadBalancers"][0]["LoadBalancerArn"],
        Protocol="HTTP",
        Port=443,
        DefaultActions=[{"Type": "forward", "TargetGroupArn": arn}],
    )
