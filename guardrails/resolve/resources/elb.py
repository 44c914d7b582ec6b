"""Load balancers and target groups: they carry the clusters of the machines that are registered with them.

A load balancer takes two rounds of look-ups: which target groups it has, and what is in those.
https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_DescribeTargetHealth.html
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from guardrails.resolve.resources.resolver import Answers, Context, Resolver, merged, named, no_lookups, unknown
from guardrails.values import Call, Lookup, Target, TargetRef

# arn:…:listener/app/NAME/ID/ID and arn:…:listener-rule/app/NAME/ID/ID/ID belong to arn:…:loadbalancer/app/NAME/ID
_PART = re.compile(r"(?P<head>arn:.*:)listener(?:-rule)?/(?P<name>(?:app|net|gwy)/[^/]+/[^/]+)/.*")


def _balancer_of(name: str) -> str:
    part = _PART.fullmatch(name)
    return f"{part['head']}loadbalancer/{part['name']}" if part else name


def _groups(balancer: str) -> Lookup:
    return Lookup(
        "elbv2",
        "DescribeTargetGroups",
        "TargetGroups",
        {"LoadBalancerArn": balancer},
        empty_on=("LoadBalancerNotFound", "TargetGroupNotFound"),
    )


def health_of(group: str) -> Lookup:
    """What is registered with a target group, and how it is."""
    return Lookup(
        "elbv2",
        "DescribeTargetHealth",
        "TargetHealthDescriptions",
        {"TargetGroupArn": group},
        empty_on=("TargetGroupNotFound",),
    )


def _group_lookups(call: Call, _tag: str) -> tuple[Lookup, ...]:
    return tuple(health_of(group) for group in named(call, "target-group") if group.startswith("arn:"))


def _clusters(groups: Iterable[str], context: Context) -> tuple[str, ...]:
    registered = [
        (item.get("Target") or {}).get("Id") or "" for group in groups for item in context.items(health_of(group))
    ]
    inventory = context.inventory
    return merged(
        *(inventory.clusters_on("instance", name) for name in registered),
        *(inventory.clusters_on("private-ip", name) for name in registered),
    )


def _group(ref: TargetRef, context: Context) -> Target:
    if not ref.id.startswith("arn:"):
        return unknown(ref, "target-group")
    return Target(ref.id, "target-group", ref.role, resolved=True, clusters=_clusters([ref.id], context))


def _balancer_lookups(call: Call, _tag: str) -> tuple[Lookup, ...]:
    return tuple(_groups(name) for name in dict.fromkeys(map(_balancer_of, named(call, "load-balancer"))))


def _balancer_followups(call: Call, answers: Answers) -> tuple[Lookup, ...]:
    found = (answers[lookup.key()].items for lookup in _balancer_lookups(call, ""))
    return tuple(health_of(group["TargetGroupArn"]) for items in found for group in items)


def _balancer(ref: TargetRef, context: Context) -> Target:
    groups = [group["TargetGroupArn"] for group in context.items(_groups(_balancer_of(ref.id)))]
    return Target(
        ref.id,
        "load-balancer",
        ref.role,
        resolved=True,
        clusters=_clusters(groups, context),
        facts={"target_groups": groups},
    )


def _registered(ref: TargetRef, context: Context) -> Target:
    """A machine, an address, or what is neither: a function, another load balancer."""
    inventory = context.inventory
    clusters = merged(inventory.clusters_on("instance", ref.id), inventory.clusters_on("private-ip", ref.id))
    # A machine that is gone may still be registered, and must be taken out.
    return Target(ref.id, "elb-target", ref.role, resolved=True, clusters=clusters)


RESOLVERS = {
    "target-group": Resolver(_group_lookups, _group),
    "load-balancer": Resolver(_balancer_lookups, _balancer, _balancer_followups),
    "elb-target": Resolver(no_lookups, _registered),
}
