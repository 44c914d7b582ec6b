"""Shops whose users move by what a service does: a classic load balancer, groups, environments, services of tasks."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from attrs import evolve

from guardrails.testing import SimulatedAWS
from tests.resolve.test_beanstalk import ENVIRONMENT, ENVIRONMENTS
from tests.topologies.behind_listeners import Shop, groups
from tests.topologies.world import Act, Topology, World, machines

_HALF = 3


def _classic(aws: SimulatedAWS) -> World:
    """Machines are registered with a classic load balancer; green's are added, then blue's are taken out."""
    sides = {
        name: aws.start_cluster(name, size).instance_ids for name, size in (("blue", 2), ("green", 2), ("half", _HALF))
    }
    elb = aws.client("elb")
    aws.client("ec2").stop_instances(InstanceIds=list(sides["half"][:1]))
    for balancer, side, port in (("web", "blue", 80), ("staging", "green", 80)):
        listener = {"Protocol": "HTTP", "LoadBalancerPort": port, "InstanceProtocol": "HTTP", "InstancePort": 80}
        scheme = {"Scheme": "internal"} if balancer == "staging" else {}
        elb.create_load_balancer(
            LoadBalancerName=balancer, Listeners=[listener], AvailabilityZones=["eu-west-1a"], **scheme
        )
        elb.register_instances_with_load_balancer(**_members(balancer, sides[side]))
    harms = {name: machines(sides[name]) for name in ("blue", "green")}
    for name, balancer in (("blue", "web"), ("green", "staging")):
        harms[name]["deregister"] = _of_classic("deregister_instances_from", balancer, sides[name])
        delete = Act("elb", "delete_load_balancer", {"LoadBalancerName": balancer})
        harms[name]["delete balancer"] = delete
    add = _of_classic("register_instances_with", "web", sides["green"])
    remove = _of_classic("deregister_instances_from", "web", sides["blue"])
    gained = {
        "deregister": _of_classic("deregister_instances_from", "web", sides["green"]),
        "delete balancer": harms["blue"]["delete balancer"],
    }
    wrong = {
        "empty": remove,
        "half-started": _of_classic("register_instances_with", "web", sides["half"]),
    }
    return World("blue", "green", harms, (add, remove), wrong, gained)


def _members(balancer: str, ids: tuple[str, ...]) -> dict[str, Any]:
    return {"LoadBalancerName": balancer, "Instances": [{"InstanceId": name} for name in ids]}


def _of_classic(what: str, balancer: str, ids: tuple[str, ...]) -> Act:
    return Act("elb", f"{what}_load_balancer", _members(balancer, ids))


def _swapped_groups(aws: SimulatedAWS) -> World:
    """One target group; green's Auto Scaling group is attached to it, then blue's is taken away."""
    shop = Shop(aws)
    groups(shop, {"blue": 2, "green": 2, "half": 3})
    scaling = aws.client("autoscaling")
    for name in ("green", "half"):
        arns = [shop.balancer.groups[name]]
        scaling.detach_load_balancer_target_groups(AutoScalingGroupName=f"web-{name}", TargetGroupARNs=arns)
    aws.client("ec2").stop_instances(InstanceIds=list(shop.sides["half"][:1]))
    shop.balancer.listener(443, blue=1)
    web = shop.balancer.groups["blue"]
    for name in ("blue", "green"):
        shop.harms[name]["detach balancer"] = _attach("detach", name, web)
        del shop.harms[name]["deregister"]
    steps = (_attach("attach", "green", web), _attach("detach", "blue", web))
    wrong = {"empty": steps[1], "half-started": _attach("attach", "half", web)}
    return shop.world(steps, wrong)


def _attach(what: str, side: str, target_group: str) -> Act:
    params = {"AutoScalingGroupName": f"web-{side}", "TargetGroupARNs": [target_group]}
    return Act("autoscaling", f"{what}_load_balancer_target_groups", params)


class _Environments:
    """Elastic Beanstalk environments as AWS describes them; users come to the name ``shop``."""

    def __init__(self, aws: SimulatedAWS, sides: tuple[str, ...]) -> None:
        self._aws, self._sides = aws, sides
        self.live, self._health = "blue", "Green"

    def canned(self) -> None:
        """Answer what moto cannot: the names and health of environments, and the swap."""
        members = "".join(
            ENVIRONMENT.format(
                name=side, cname="shop" if side == self.live else f"shop-{side}", status="Ready"
            ).replace("</member>", f"<Health>{'Green' if side == self.live else self._health}</Health></member>")
            for side in self._sides
        )
        self._aws.reply("DescribeEnvironments", ENVIRONMENTS.format(members=members))
        self._aws.reply("SwapEnvironmentCNAMEs", "<SwapEnvironmentCNAMEsResponse/>")

    @contextmanager
    def failing(self) -> Iterator[None]:
        """The environments that are not live do not pass their checks."""
        self._health = "Red"
        self.canned()
        try:
            yield
        finally:
            self._health = "Green"

    def moved(self) -> None:
        """Users reach green."""
        self.live = "green"
        self.canned()


def _beanstalk(aws: SimulatedAWS) -> World:
    tag = "elasticbeanstalk:environment-name"
    sides = {
        name: aws.start_cluster(name, size, cluster_tag=tag).instance_ids
        for name, size in (("blue", 2), ("green", 2), ("half", _HALF))
    }
    aws.client("ec2").stop_instances(InstanceIds=list(sides["half"][:1]))
    environments = _Environments(aws, (*sides, "empty"))
    harms = {name: machines(sides[name]) for name in ("blue", "green")}
    for name, acts in harms.items():
        acts["terminate environment"] = Act("elasticbeanstalk", "terminate_environment", {"EnvironmentName": name})
    wrong = {
        "empty": _swap("empty"),
        "half-started": _swap("half"),
        "unhealthy": evolve(_swap("green"), around=environments.failing),
    }
    return World("blue", "green", harms, (_swap("green"),), wrong, canned=environments.canned, moved=environments.moved)


def _swap(other: str) -> Act:
    params = {"SourceEnvironmentName": "blue", "DestinationEnvironmentName": other}
    return Act("elasticbeanstalk", "swap_environment_cnames", params)


def _ecs(aws: SimulatedAWS) -> World:
    """An ECS cluster for each side, on machines of its own; the listener's weights say whose tasks get requests."""
    shop = Shop(aws, tag="aws:ecs:clusterName")
    ecs = aws.client("ecs")
    container = {"name": "web", "image": "web", "memory": 64, "cpu": 64}
    ecs.register_task_definition(family="web", containerDefinitions=[container])
    for name in ("blue", "green"):
        shop.start(name, 2)
        ecs.create_cluster(clusterName=name)
        ecs.create_service(cluster=name, serviceName="web", taskDefinition="web", desiredCount=2)
        service = {"cluster": name, "service": "web"}
        shop.harms[name] |= {
            "scale in": Act("ecs", "update_service", {**service, "desiredCount": 0}),
            "delete service": Act("ecs", "delete_service", {**service, "force": True}),
            "delete cluster": Act("ecs", "delete_cluster", {"cluster": name}),
        }
    listener = shop.balancer.listener(443, blue=100, green=0)
    steps = tuple(shop.switch(listener, blue=100 - share, green=share) for share in (10, 100))
    return shop.world(steps, shop.wrong(listener, steps[0]))


TOPOLOGIES = (
    Topology(
        "classic load balancer", "elb", _classic,
        config={"live": {"sources": ["eip", "target-group", "elb"]}},
    ),
    Topology("Auto Scaling groups, swapped at a target group", "target-group", _swapped_groups),
    Topology(
        "Elastic Beanstalk, names swapped", "beanstalk", _beanstalk,
        config={"live": {"sources": ["eip", "beanstalk"], "cnames": ["shop"]}},
        canned="the environments' names and health, and the swap",
    ),
    Topology("ECS, blue/green by weights", "target-group", _ecs, canned="the health of targets that are not healthy"),
)  # fmt: skip
