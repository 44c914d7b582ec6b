"""From load balancers, and from what leads to one, to what is registered with its target groups."""

from __future__ import annotations

from guardrails.resolve import balancers
from guardrails.resolve.balancers import BALANCERS, CLASSIC, GROUPS, balancer_of
from guardrails.resolve.resources.trail import REGISTERED, Step, Trail
from guardrails.values import Lookup

_NOT_FOUND = ("LoadBalancerNotFound", "TargetGroupNotFound", "ListenerNotFound", "RuleNotFound")
_TAGS = Lookup("elbv2", "DescribeTags", "TagDescriptions", empty_on=_NOT_FOUND)
_ASSOCIATIONS = Lookup("elbv2", "DescribeTrustStoreAssociations", "TrustStoreAssociations")
_CLASSIC_TAGS = Lookup("elb", "DescribeTags", "TagDescriptions", empty_on=("LoadBalancerNotFound",))
_BEHIND_IT = "contains(Target.Id || '', ':loadbalancer/')"

TRAILS = {
    "load-balancer": Trail(
        (
            Step(GROUPS, {"target-group": "TargetGroupArn"}, parameter="LoadBalancerArn", tags=""),
            Step(_TAGS, {}, "ResourceArn", parameter="ResourceArns[]"),
        ),
        names=balancer_of,
    ),
    "target-group": Trail(
        (
            Step(
                balancers.REGISTERED,
                {"load-balancer": f"{_BEHIND_IT} && Target.Id", REGISTERED: f"!{_BEHIND_IT} && Target.Id"},
                parameter="TargetGroupArn",
                tags="",
                only="^arn:",
            ),
            Step(_TAGS, {}, "ResourceArn", parameter="ResourceArns[]", only="^arn:"),
        ),
    ),
    "trust-store": Trail(
        (Step(_ASSOCIATIONS, {"load-balancer": "ResourceArn"}, parameter="TrustStoreArn"),), may_be_unused=True
    ),
    "classic-elb": Trail(
        (
            Step(CLASSIC, {REGISTERED: "Instances[].InstanceId"}, "LoadBalancerName"),
            Step(_CLASSIC_TAGS, {}, "LoadBalancerName", parameter="LoadBalancerNames[]"),
        )
    ),
    "balancer-dns": Trail(
        (
            Step(BALANCERS, {"load-balancer": "LoadBalancerArn"}, "DNSName"),
            Step(CLASSIC, {"classic-elb": "LoadBalancerName"}, "[DNSName, CanonicalHostedZoneName]"),
        )
    ),
}
