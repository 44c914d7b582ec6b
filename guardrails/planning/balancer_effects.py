"""What the calls of load balancers do to targets, listeners and rules."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from attrs import evolve

from guardrails.planning.effects import Effect, Planned, by_name, register
from guardrails.planning.world import TARGETS, Change
from guardrails.values import Lookup

_RULES = ("elbv2", "DescribeRules", "Rules")


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
    return evolve(effect, changes=(*_with_listener(effect, params), *_default_rule(planned, effect), *behind))


def _with_listener(effect: Effect, params: Mapping[str, Any]) -> Iterator[Change]:
    """A read of rules asks by their listener, which they do not show; and it shows their priority as a string."""
    for each in effect.changes:
        new = each.noun == "Rule" and each.item is not None and "ListenerArn" in params
        own = {"ListenerArn": params["ListenerArn"], "Priority": str(params.get("Priority"))} if new else {}
        yield evolve(each, item={**(each.item or {}), **own}) if new else each


def _default_rule(planned: Planned, effect: Effect) -> Iterator[Change]:
    """The last rule of a listener does what the listener does by default."""
    actions = planned.params.get("DefaultActions")
    for each in effect.changes if actions else ():
        if each.noun != "Listener" or each.item is None:
            continue
        rules = planned.find(Lookup(*_RULES, {"ListenerArn": each.id}))
        before = next((dict(rule) for rule in rules if rule.get("IsDefault")), None)
        arn = f"{each.id.replace(':listener/', ':listener-rule/', 1)}/{planned.ids.other()}"
        rule = before or {"RuleArn": arn, "Priority": "default", "Conditions": [], "IsDefault": True}
        yield planned.change("Rule", rule["RuleArn"], {**rule, "Actions": actions, "ListenerArn": each.id})


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
