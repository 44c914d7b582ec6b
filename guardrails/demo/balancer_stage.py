"""The setting of the second shop: users come through an application load balancer with two target groups."""

from __future__ import annotations

from typing import Any

from attrs import define

from guardrails.demo.stage import LARGE, SIZE, SMALL, Stage
from guardrails.testing import SimulatedAWS

CLUSTERS = ("blue", "green")
BALANCER = "web-prod"


class BalancerStage(Stage):
    """As the first shop, without Elastic IPs: all users go to blue, and green's target group has the weight 0."""

    listener = ""

    def set_up(self) -> None:
        """The morning of the deploy: blue is behind the balancer, there is a larger subnet, and no green yet."""
        self.aws.reset()
        self.small, self.large = self.aws.create_subnet(SMALL), self.aws.create_subnet(LARGE)
        self._balancer().build(self.aws.start_cluster("blue", SIZE, subnet=self.small).instance_ids, self.large)
        self.aws.clear()

    def serving(self) -> dict[str, int]:
        """How many running machines of each cluster get requests from the balancer."""
        weights = self._balancer().weights()
        return {name: self.aws.running(name) if weights[name] else 0 for name in CLUSTERS}

    def weights(self) -> str:
        """``blue=100 green=0``, as the balancer has it."""
        return " ".join(f"{name}={weight}" for name, weight in self._balancer().weights().items())

    def _balancer(self) -> _Balancer:
        return _Balancer(self.aws)


@define
class _Balancer:
    aws: SimulatedAWS

    @property
    def _elbv2(self) -> Any:
        return self.aws.client("elbv2")

    def build(self, blue: tuple[str, ...], subnet: str) -> None:
        """The balancer, with a target group for each cluster; blue's machines are registered with theirs."""
        elbv2, ec2 = self._elbv2, self.aws.client("ec2")
        vpc = ec2.describe_subnets(SubnetIds=[subnet])["Subnets"][0]["VpcId"]
        made = elbv2.create_load_balancer(Name=BALANCER, Subnets=[subnet])["LoadBalancers"][0]
        groups = []
        for name, weight in zip(CLUSTERS, (100, 0), strict=True):
            group = elbv2.create_target_group(Name=name, Protocol="HTTP", Port=80, VpcId=vpc)["TargetGroups"][0]
            groups.append({"TargetGroupArn": group["TargetGroupArn"], "Weight": weight})
        targets = [{"Id": machine} for machine in blue]
        elbv2.register_targets(TargetGroupArn=groups[0]["TargetGroupArn"], Targets=targets)
        forward = [{"Type": "forward", "ForwardConfig": {"TargetGroups": groups}}]
        elbv2.create_listener(LoadBalancerArn=made["LoadBalancerArn"], Protocol="HTTP", Port=80, DefaultActions=forward)

    def weights(self) -> dict[str, int]:
        """The weight of each cluster's target group."""
        elbv2 = self._elbv2
        arn = elbv2.describe_load_balancers()["LoadBalancers"][0]["LoadBalancerArn"]
        listener = elbv2.describe_listeners(LoadBalancerArn=arn)["Listeners"][0]
        groups = listener["DefaultActions"][0]["ForwardConfig"]["TargetGroups"]
        names = {
            each["TargetGroupArn"]: each["TargetGroupName"] for each in elbv2.describe_target_groups()["TargetGroups"]
        }
        return {names[group["TargetGroupArn"]]: group["Weight"] for group in groups}
