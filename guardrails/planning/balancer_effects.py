"""What the calls of load balancers do to targets, listeners and rules."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from attrs import evolve

from guardrails.planning.effects import Effect, Planned, by_name, register
from guardrails.planning.world import TARGETS


@register("elbv2", "RegisterTargets", "DeregisterTargets")
def _targets(planned: Planned) -> Effect:
    group, joins = str(planned.params.get("TargetGroupArn")), planned.call.operation == "RegisterTargets"
    healthy = {"TargetHealth": {"State": "healthy"}, "HealthCheckPort": "80"}
    return Effect(
        tuple(
            planned.change(TARGETS, f"{group}|{each['Id']}", {"Target": each, **healthy} if joins else None)
            for each in planned.params.get("Targets") or ()
        )
    )


@register("elbv2", "CreateListener", "ModifyListener", "CreateRule", "ModifyRule")
def _forward(planned: Planned) -> Effect:
    """The group that a listener or a rule forwards to is behind its balancer from then on."""
    params, effect = planned.params, by_name(planned)
    place = str(params.get("RuleArn") or params.get("ListenerArn") or params.get("LoadBalancerArn"))
    balancer = place.replace(":listener-rule/", ":loadbalancer/").replace(":listener/", ":loadbalancer/")
    # An ARN of a balancer has three parts after its kind, that of a listener or rule goes on.
    balancer = "/".join(balancer.split("/")[:4])
    groups = dict.fromkeys(_groups(params.get("DefaultActions") or params.get("Actions") or ()))
    behind = [
        planned.change(
            "TargetGroup", name, {**each, "LoadBalancerArns": [*{*each.get("LoadBalancerArns", ()), balancer}]}
        )
        for name in groups
        for each in planned.things("TargetGroup", [name])
    ]
    return evolve(effect, changes=(*effect.changes, *behind))


def _groups(actions: Any) -> Iterator[str]:
    for action in actions:
        if action.get("TargetGroupArn"):
            yield action["TargetGroupArn"]
        yield from (each["TargetGroupArn"] for each in (action.get("ForwardConfig") or {}).get("TargetGroups") or ())


@register("elb", "RegisterInstancesWithLoadBalancer", "DeregisterInstancesFromLoadBalancer")
def _classic(planned: Planned) -> Effect:
    name = str(planned.params.get("LoadBalancerName"))
    named = [each["InstanceId"] for each in planned.params.get("Instances") or ()]
    changes, members = [], []
    for each in planned.things("LoadBalancer", [name]):
        before = [one["InstanceId"] for one in each.get("Instances") or ()]
        joins = planned.call.operation.startswith("Register")
        after = dict.fromkeys([*before, *named]) if joins else [one for one in before if one not in named]
        members = [{"InstanceId": one} for one in after]
        changes.append(planned.change("LoadBalancer", name, {**each, "Instances": members}))
    return Effect(tuple(changes), {"Instances": members}, known=bool(changes))
