"""From load balancers, and from what leads to one, to what is registered with its target groups."""

from __future__ import annotations

import re

from guardrails.resolve.resources.trail import REGISTERED, Step, Trail
from guardrails.values import Lookup

_NOT_FOUND = ("LoadBalancerNotFound", "TargetGroupNotFound", "ListenerNotFound", "RuleNotFound")
_BALANCERS = Lookup("elbv2", "DescribeLoadBalancers", "LoadBalancers", empty_on=_NOT_FOUND)
_GROUPS = Lookup("elbv2", "DescribeTargetGroups", "TargetGroups", empty_on=_NOT_FOUND)
_TARGETS = Lookup("elbv2", "DescribeTargetHealth", "TargetHealthDescriptions", empty_on=_NOT_FOUND)
_TAGS = Lookup("elbv2", "DescribeTags", "TagDescriptions", empty_on=_NOT_FOUND)
_ASSOCIATIONS = Lookup("elbv2", "DescribeTrustStoreAssociations", "TrustStoreAssociations")
_CLASSIC = Lookup("elb", "DescribeLoadBalancers", "LoadBalancerDescriptions")
_CLASSIC_TAGS = Lookup("elb", "DescribeTags", "TagDescriptions", empty_on=("LoadBalancerNotFound",))
# arn:…:listener/app/NAME/ID/ID and arn:…:listener-rule/app/NAME/ID/ID/ID belong to arn:…:loadbalancer/app/NAME/ID
_PART = re.compile(r"(?P<head>arn:.*:)listener(?:-rule)?/(?P<name>(?:app|net|gwy)/[^/]+/[^/]+)/.*")
_BEHIND_IT = "contains(Target.Id || '', ':loadbalancer/')"


def _balancer_of(name: str) -> str:
    part = _PART.fullmatch(name)
    return f"{part['head']}loadbalancer/{part['name']}" if part else name


TRAILS = {
    "load-balancer": Trail(
        (
            Step(_GROUPS, {"target-group": "TargetGroupArn"}, parameter="LoadBalancerArn", tags=""),
            Step(_TAGS, {}, parameter="ResourceArns[]"),
        ),
        names=_balancer_of,
    ),
    "target-group": Trail(
        (
            Step(
                _TARGETS,
                {"load-balancer": f"{_BEHIND_IT} && Target.Id", REGISTERED: f"!{_BEHIND_IT} && Target.Id"},
                parameter="TargetGroupArn",
                tags="",
                only="^arn:",
            ),
            Step(_TAGS, {}, parameter="ResourceArns[]", only="^arn:"),
        ),
    ),
    "trust-store": Trail(
        (Step(_ASSOCIATIONS, {"load-balancer": "ResourceArn"}, parameter="TrustStoreArn"),), may_be_unused=True
    ),
    "classic-elb": Trail(
        (
            Step(_CLASSIC, {REGISTERED: "Instances[].InstanceId"}, "LoadBalancerName"),
            Step(_CLASSIC_TAGS, {}, parameter="LoadBalancerNames[]"),
        )
    ),
    "balancer-dns": Trail(
        (
            Step(_BALANCERS, {"load-balancer": "LoadBalancerArn"}, "DNSName"),
            Step(_CLASSIC, {"classic-elb": "LoadBalancerName"}, "[DNSName, CanonicalHostedZoneName]"),
        )
    ),
}
