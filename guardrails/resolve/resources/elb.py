"""Load balancers and target groups: they carry the clusters of the machines that are registered with them.

A load balancer takes two rounds of look-ups: which target groups it has, and what is in those.
https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_DescribeTargetHealth.html
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from guardrails.resolve.inventory import Machine
from guardrails.resolve.resources.described import Description, described
from guardrails.resolve.resources.machines import clusters_of
from guardrails.resolve.resources.resolver import Answers, Context, Resolver, named, uncertain, unknown
from guardrails.values import Call, Lookup, Target, TargetFacts, TargetRef

_GROUPS = Lookup(
    "elbv2", "DescribeTargetGroups", "TargetGroups", empty_on=("LoadBalancerNotFound", "TargetGroupNotFound")
)
_REGISTERED = Lookup("elbv2", "DescribeTargetHealth", "TargetHealthDescriptions", empty_on=("TargetGroupNotFound",))
# arn:…:listener/app/NAME/ID/ID and arn:…:listener-rule/app/NAME/ID/ID/ID belong to arn:…:loadbalancer/app/NAME/ID
_PART = re.compile(r"(?P<head>arn:.*:)listener(?:-rule)?/(?P<name>(?:app|net|gwy)/[^/]+/[^/]+)/.*")


def _balancer_of(name: str) -> str:
    part = _PART.fullmatch(name)
    return f"{part['head']}loadbalancer/{part['name']}" if part else name


def _groups_of(balancer: str) -> Lookup:
    return _GROUPS.about(LoadBalancerArn=_balancer_of(balancer))


def _registered_with(group: str) -> Lookup:
    return _REGISTERED.about(TargetGroupArn=group)


def _members(groups: Iterable[str], context: Context) -> list[Machine]:
    items = [item for group in groups for item in context.items(_registered_with(group))]
    return [machine for item in items for machine in _machines((item.get("Target") or {}).get("Id") or "", context)]


def _machines(member: str, context: Context) -> list[Machine]:
    inventory = context.inventory
    return [*inventory.on("instance", member), *inventory.on("private-ip", member)]


def _serving(ref: TargetRef, kind: str, machines: Iterable[Machine], more: TargetFacts | None = None) -> Target:
    """A target that brings traffic to these machines."""
    machines = [*machines]
    facts = uncertain({machine.id for machine in machines if machine.cluster is None})
    facts.update(more or {})
    return Target(ref.id, kind, ref.role, resolved=True, clusters=clusters_of(machines), facts=facts)


def _group_lookups(call: Call, _tag: str) -> tuple[Lookup, ...]:
    return tuple(_registered_with(group) for group in named(call, "target-group") if group.startswith("arn:"))


def _group(ref: TargetRef, context: Context) -> Target:
    if not ref.id.startswith("arn:"):
        return unknown(ref, "target-group")
    return _serving(ref, "target-group", _members([ref.id], context))


def _balancer_lookups(call: Call, _tag: str) -> tuple[Lookup, ...]:
    return tuple(_groups_of(name) for name in named(call, "load-balancer"))


def _balancer_followups(call: Call, answers: Answers) -> tuple[Lookup, ...]:
    groups = [group for lookup in _balancer_lookups(call, "") for group in answers[lookup.key()].items]
    return tuple(_registered_with(group["TargetGroupArn"]) for group in groups)


def _balancer(ref: TargetRef, context: Context) -> Target:
    groups = [group["TargetGroupArn"] for group in context.items(_groups_of(ref.id))]
    return _serving(ref, "load-balancer", _members(groups, context), {"target_groups": groups})


def _member(ref: TargetRef, context: Context) -> Target:
    """A machine, an address, or something else: a function, another load balancer.

    A machine that is gone may still be registered, and must be taken out.
    """
    return _serving(ref, "elb-target", _machines(ref.id, context))


RESOLVERS = {
    "target-group": Resolver(_group, (_REGISTERED,), _group_lookups),
    "load-balancer": Resolver(_balancer, (_GROUPS, _REGISTERED), _balancer_lookups, _balancer_followups),
    "elb-target": Resolver(_member),
    **described(
        {
            "classic-elb": Description(
                Lookup("elb", "DescribeLoadBalancers", "LoadBalancerDescriptions"),
                "LoadBalancerName",
                {"instance": "Instances[].InstanceId"},
            )
        }
    ),
}
