"""Shops behind load balancers in the simulated AWS: a balancer, target groups for clusters, listeners with weights."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from guardrails.testing import Cluster, SimulatedAWS

_HEALTH = """<DescribeTargetHealthResponse xmlns="http://elasticloadbalancing.amazonaws.com/doc/2015-12-01/">
<DescribeTargetHealthResult><TargetHealthDescriptions>{members}</TargetHealthDescriptions></DescribeTargetHealthResult>
</DescribeTargetHealthResponse>"""
_MEMBER = (
    "<member><Target><Id>{id}</Id><Port>80</Port></Target><TargetHealth><State>{state}</State></TargetHealth></member>"
)


def health(states: Iterable[tuple[str, str]]) -> str:
    """What AWS answers about targets, each an id with its state; in moto all are healthy."""
    return _HEALTH.format(members="".join(_MEMBER.format(id=name, state=state) for name, state in states))


class BehindBalancer:
    """One load balancer; `group(cluster)` registers its machines, `listener(port, weights)` forwards to groups."""

    def __init__(
        self, aws: SimulatedAWS, *, kind: str = "application", scheme: str = "internet-facing", name: str = "web-prod"
    ) -> None:
        self.aws, self.kind = aws, kind
        self.elbv2: Any = aws.client("elbv2")
        ec2 = aws.client("ec2")
        subnets = ec2.describe_subnets()["Subnets"]
        self.vpc = subnets[0]["VpcId"]
        same = [subnet["SubnetId"] for subnet in subnets if subnet["VpcId"] == self.vpc][:2]
        created = self.elbv2.create_load_balancer(Name=name, Subnets=same, Type=kind, Scheme=scheme)
        self.arn: str = created["LoadBalancers"][0]["LoadBalancerArn"]
        self.groups: dict[str, str] = {}

    @property
    def protocol(self) -> str:
        return "HTTP" if self.kind == "application" else "TCP"

    def group(self, name: str, targets: list[str] | tuple[str, ...], *, by: str = "instance") -> str:
        made = self.elbv2.create_target_group(Name=name, Protocol=self.protocol, Port=80, VpcId=self.vpc, TargetType=by)
        arn: str = made["TargetGroups"][0]["TargetGroupArn"]
        if targets:
            self.elbv2.register_targets(TargetGroupArn=arn, Targets=[{"Id": target} for target in targets])
        self.groups[name] = arn
        return arn

    def start(self, names: Iterable[str], size: int) -> dict[str, Cluster]:
        """A cluster of each name, registered with a group of its own."""
        clusters = {name: self.aws.start_cluster(name, size) for name in names}
        for name, cluster in clusters.items():
            self.group(name, cluster.instance_ids)
        return clusters

    def forward(self, **weights: int) -> list[dict[str, Any]]:
        groups = [{"TargetGroupArn": self.groups[name], "Weight": weight} for name, weight in weights.items()]
        if len(groups) == 1 or self.kind != "application":
            return [{"Type": "forward", "TargetGroupArn": groups[0]["TargetGroupArn"]}]
        return [{"Type": "forward", "ForwardConfig": {"TargetGroups": groups}}]

    def listener(self, port: int, **weights: int) -> str:
        made = self.elbv2.create_listener(
            LoadBalancerArn=self.arn, Protocol=self.protocol, Port=port, DefaultActions=self.forward(**weights)
        )
        arn: str = made["Listeners"][0]["ListenerArn"]
        return arn

    def rule(self, listener: str, path: str, **weights: int) -> str:
        made = self.elbv2.create_rule(
            ListenerArn=listener,
            Priority=10,
            Conditions=[{"Field": "path-pattern", "Values": [path]}],
            Actions=self.forward(**weights),
        )
        arn: str = made["Rules"][0]["RuleArn"]
        return arn
