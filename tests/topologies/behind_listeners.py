"""Shops whose users come through a load balancer's listener: application and network ones, with and without weights."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from attrs import evolve
from moto.core.base_backend import BackendDict
from moto.elbv2.models import elbv2_backends

from guardrails.testing import SimulatedAWS
from tests.support.balancers import BehindBalancer
from tests.topologies.world import Act, Topology, World, machines, registered, scaled

_ACCOUNT = "123456789012"
_BACKENDS: BackendDict[Any] = elbv2_backends


class Shop:
    """A balancer, blue and green with a target group each, and what is started to be the wrong side of a switch."""

    def __init__(self, aws: SimulatedAWS, tag: str = "Cluster", kind: str = "application") -> None:
        self.aws, self.tag = aws, tag
        self.balancer = BehindBalancer(aws, kind=kind)
        self.sides: dict[str, tuple[str, ...]] = {}
        self.harms: dict[str, dict[str, Act]] = {}

    def start(self, name: str, count: int) -> None:
        """A side of machines, registered with a target group."""
        ids = self.aws.start_cluster(name, count, cluster_tag=self.tag).instance_ids
        self.add(name, ids, self.balancer.group(name, ids))

    def add(self, name: str, ids: tuple[str, ...], group: str, targets: tuple[str, ...] = ()) -> None:
        """A side of these machines; `targets` are what is registered, where that is something else."""
        self.sides[name] = ids
        self.harms[name] = {**machines(ids), **registered(group, targets or ids)}

    def half(self) -> None:
        """A side with one machine that is not running."""
        if "half" not in self.sides:
            self.start("half", 3)
        self.aws.client("ec2").stop_instances(InstanceIds=list(self.sides["half"][:1]))

    def switch(self, listener: str, **weights: int) -> Act:
        """All users, or a part of them, to the group of another side."""
        actions = self.balancer.forward(**weights)
        return Act("elbv2", "modify_listener", {"ListenerArn": listener, "DefaultActions": actions})

    def wrong(self, listener: str, green: Act) -> dict[str, Act]:
        """Switches to an empty side, to one that is half started, and to green while its targets are unhealthy."""
        self.balancer.group("empty", ())
        self.half()
        return {
            "empty": self.switch(listener, empty=1),
            "half-started": self.switch(listener, half=1),
            "unhealthy": evolve(green, around=lambda: self.unhealthy("green")),
        }

    def shown(self, name: str) -> None:
        """Let AWS show that a group has a balancer, which moto leaves out where ModifyListener gave it one."""
        self._of_moto(name).load_balancer_arns = [self.balancer.arn]

    @contextmanager
    def unhealthy(self, name: str, count: int = 100) -> Iterator[None]:
        """The first `count` of what is registered with a group do not pass the checks; in moto everything does."""
        group = self._of_moto(name)
        original = group.health_for

        failing = {*self.sides[name][:count]} if count < len(self.sides[name]) else {*group.targets}

        def health_for(*args: Any) -> Any:
            health = original(*args)
            health.status = "unhealthy" if health.instance_id in failing else health.status
            return health

        group.health_for = health_for
        try:
            yield
        finally:
            del group.health_for

    def _of_moto(self, name: str) -> Any:
        return _BACKENDS[_ACCOUNT][self.aws.region].target_groups[self.balancer.groups[name]]

    def world(self, switch: tuple[Act, ...], wrong: Mapping[str, Act], **more: Any) -> World:
        """Users reach blue."""
        return World("blue", "green", self.harms, switch, wrong, **more)


def _two_groups(aws: SimulatedAWS) -> World:
    """Auto Scaling groups without any tag of the shop's own; the listener forwards to one target group."""
    shop = Shop(aws)
    groups(shop, {"blue": 3, "green": 3, "half": 4})
    listener = shop.balancer.listener(80, blue=1)
    switch = shop.switch(listener, green=1)
    return shop.world((switch,), shop.wrong(listener, switch), moved=lambda: shop.shown("green"))


def groups(shop: Shop, sizes: Mapping[str, int]) -> None:
    """A side for each Auto Scaling group, which registers its machines with its target group."""
    scaling, ec2 = shop.aws.client("autoscaling"), shop.aws.client("ec2")
    launch = {"ImageId": "ami-12345678", "InstanceType": "t3.small"}
    scaling.create_launch_configuration(LaunchConfigurationName="web", **launch)
    vpc = {"Name": "vpc-id", "Values": [shop.balancer.vpc]}
    subnet = ec2.describe_subnets(Filters=[vpc])["Subnets"][0]["SubnetId"]
    for name, size in sizes.items():
        target_group = shop.balancer.group(name, ())
        scaling.create_auto_scaling_group(
            AutoScalingGroupName=f"web-{name}", LaunchConfigurationName="web", MinSize=0, MaxSize=9,
            DesiredCapacity=size, VPCZoneIdentifier=subnet, TargetGroupARNs=[target_group],
        )  # fmt: skip
        ids = shop.aws.machines(f"web-{name}", cluster_tag="aws:autoscaling:groupName")
        shop.add(name, ids, target_group)
        shop.harms[name] |= scaled(f"web-{name}", ids, target_group)


def _weights(aws: SimulatedAWS) -> World:
    shop = Shop(aws)
    shop.start("blue", 2)
    shop.start("green", 2)
    listener = shop.balancer.listener(443, blue=100, green=0)
    steps = tuple(shop.switch(listener, blue=100 - share, green=share) for share in (10, 100))
    return shop.world(steps, shop.wrong(listener, steps[0]))


def _stage_listener(aws: SimulatedAWS) -> World:
    """Machines without any tag that says whose they are: their target groups do."""
    shop = Shop(aws, tag="Name")
    shop.start("blue", 2)
    shop.start("green", 2)
    listener, stage = shop.balancer.listener(443, blue=1), shop.balancer.listener(8443, green=1)
    switch = shop.switch(listener, green=1)
    return shop.world((switch, shop.switch(stage, blue=1)), shop.wrong(listener, switch))


def _network(aws: SimulatedAWS) -> World:
    """Each side is a stack, known by AWS's own tag."""
    shop = Shop(aws, tag="aws:cloudformation:stack-name", kind="network")
    shop.start("blue", 2)
    shop.start("green", 2)
    listener = shop.balancer.listener(443, blue=1)
    switch = shop.switch(listener, green=1)
    return shop.world((switch,), shop.wrong(listener, switch), moved=lambda: shop.shown("green"))


def _kubernetes(aws: SimulatedAWS) -> World:
    """Two EKS clusters; the targets are the addresses of pods, which are secondary ones of the nodes' interfaces."""
    shop = Shop(aws, tag="eks:cluster-name")
    eks, ec2 = aws.client("eks"), aws.client("ec2")
    vpc = {"Name": "vpc-id", "Values": [shop.balancer.vpc]}
    subnet = ec2.describe_subnets(Filters=[vpc])["Subnets"][0]["SubnetId"]
    pods: dict[str, tuple[str, ...]] = {}
    for name in ("blue", "green"):
        role = f"arn:aws:iam::{_ACCOUNT}:role/eks"
        eks.create_cluster(name=name, roleArn=role, resourcesVpcConfig={"subnetIds": [subnet]})
        eks.create_nodegroup(clusterName=name, nodegroupName="web", nodeRole=role, subnets=[subnet])
        ids = aws.start_cluster(
            name, 2, cluster_tag=shop.tag, subnet=subnet, tags={"eks:nodegroup-name": "web"}
        ).instance_ids
        pods[name] = tuple(_pod(ec2, node) for node in ids)
        shop.add(name, ids, shop.balancer.group(name, pods[name], by="ip"), pods[name])
        group, nodes = {"clusterName": name, "nodegroupName": "web"}, f"/clusters/{name}/node-groups/web"
        shop.harms[name] |= {
            "scale in": Act(
                "eks",
                "update_nodegroup_config",
                {**group, "scalingConfig": {"desiredSize": 0}},
                request=f"POST {nodes}/update-config",
            ),
            "delete group": Act("eks", "delete_nodegroup", group, request=f"DELETE {nodes}"),
            "delete cluster": Act("eks", "delete_cluster", {"name": name}, request=f"DELETE /clusters/{name}"),
        }
    listener = shop.balancer.listener(443, blue=100, green=0)
    switch = shop.switch(listener, green=100)
    return shop.world((switch,), shop.wrong(listener, switch))


def _pod(ec2: Any, node: str) -> str:
    """A second private address of a node."""
    machine = ec2.describe_instances(InstanceIds=[node])["Reservations"][0]["Instances"][0]
    interface = machine["NetworkInterfaces"][0]["NetworkInterfaceId"]
    made = ec2.assign_private_ip_addresses(NetworkInterfaceId=interface, SecondaryPrivateIpAddressCount=1)
    return str(made["AssignedPrivateIpAddresses"][0]["PrivateIpAddress"])


_HEALTH = "the health of targets that are not healthy"
TOPOLOGIES = (
    Topology("application load balancer, two target groups", "target-group", _two_groups, canned=_HEALTH),
    Topology("application load balancer, weights", "target-group", _weights, canned=_HEALTH),
    Topology("application load balancer, stage listener", "target-group", _stage_listener, canned=_HEALTH),
    Topology("network load balancer", "target-group", _network, canned=_HEALTH),
    Topology("EKS, addresses of pods as targets", "target-group", _kubernetes, canned=_HEALTH),
)
