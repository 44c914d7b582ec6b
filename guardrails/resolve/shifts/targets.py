"""Machines that join or leave what a load balancer sends requests to: by name, or with their Auto Scaling group.

Machines of a cluster that can serve may join those of the live one; then these may leave, where enough others remain.
https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_RegisterTargets.html
https://docs.aws.amazon.com/autoscaling/ec2/userguide/attach-load-balancer-asg.html
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from attrs import evolve

from guardrails.resolve.balancers import IN_SERVICE, machines_of, receiving, registered_with, target_id
from guardrails.resolve.health import STATUS
from guardrails.resolve.resources.autoscaling import GROUPS
from guardrails.resolve.shifts import shares
from guardrails.resolve.shifts.shares import Answers, Shares, Situation, UnclearError, cluster_of
from guardrails.values import Call, Lookup, Shift, frozen

_WAY = "targets"
Params = Mapping[str, Any]
Item = Mapping[str, Any]


@frozen
class _Kind:
    """An operation: whether machines join or leave, and which members name the entrances and the machines."""

    joins: bool
    entrances: str
    machines: str = ""


# Without `machines` they are those of the Auto Scaling group.
_KINDS = {
    "elbv2:RegisterTargets": _Kind(True, "TargetGroupArn", "Targets"),
    "elbv2:DeregisterTargets": _Kind(False, "TargetGroupArn", "Targets"),
    "elb:RegisterInstancesWithLoadBalancer": _Kind(True, "LoadBalancerName", "Instances"),
    "elb:DeregisterInstancesFromLoadBalancer": _Kind(False, "LoadBalancerName", "Instances"),
    "autoscaling:AttachLoadBalancerTargetGroups": _Kind(True, "TargetGroupARNs"),
    "autoscaling:DetachLoadBalancerTargetGroups": _Kind(False, "TargetGroupARNs"),
    "autoscaling:AttachLoadBalancers": _Kind(True, "LoadBalancerNames"),
    "autoscaling:DetachLoadBalancers": _Kind(False, "LoadBalancerNames"),
    "autoscaling:AttachTrafficSources": _Kind(True, "TrafficSources"),
    "autoscaling:DetachTrafficSources": _Kind(False, "TrafficSources"),
}


def _lookups(call: Call) -> tuple[Lookup, ...]:
    """Who is behind each entrance, whether the machines pass their checks, and which machines the group has."""
    kind = _KINDS.get(call.name)
    if kind is None:
        return ()
    group = () if kind.machines else (_group(call.clear_params),)
    # What the targets themselves are judged by may not fail.
    alone = not kind.joins and not kind.machines
    behind = [members(name) for name in _entrances(kind, call.clear_params)]
    asked = [evolve(each, optional=True) if alone or each.service == "elb" else each for each in behind]
    return (evolve(STATUS, optional=True), *asked, *group)


def _shift(situation: Situation) -> Shift | None:
    """None also where no one else gets users by it, because there are no machines, or those are only taken out."""
    call = situation.call
    kind = _KINDS.get(call.name)
    if kind is None:
        return None
    try:
        names = _machines(kind, call.clear_params, situation.answers)
        if not names:
            return None
        entrances = [_entrance(name, names, kind, situation) for name in _entrances(kind, call.clear_params)]
        pairs = [each for each in entrances if each is not None]
        shift = shares.moved(_WAY, pairs)
    except UnclearError as error:
        return Shift(_WAY, why=str(error))
    if {*shift.after} - _only(names, situation) or kind.joins:
        return shift
    return _unserved(names, kind, situation)


def _unserved(names: Mapping[str, set[Any]], kind: _Kind, situation: Situation) -> Shift | None:
    """None where another healthy one serves at each entrance that has one now."""
    for entrance in _entrances(kind, situation.call.clear_params):
        answer = situation.answers.get(members(entrance).key())
        healthy = [each for each in map(_described, answer.items if answer else ()) if _is_healthy(each)]
        if healthy and all(_leaves(each, names) for each in healthy):
            return Shift(_WAY, why=f"nothing else that is registered with {shares.short(entrance)} is healthy")
    return None


def _is_healthy(item: Item) -> bool:
    return (item.get("TargetHealth") or {}).get("State") == "healthy"


def joins(call: Call) -> bool:
    """Whether machines join an entrance by this call."""
    kind = _KINDS.get(call.name)
    return kind is not None and kind.joins


def joined(call: Call, answers: Answers) -> dict[str, list[Item]]:
    """What would be behind each entrance beside what is there, as AWS describes it. Raises UnclearError."""
    kind = _KINDS[call.name]
    names = _machines(kind, call.clear_params, answers)
    return {
        entrance: [_target(name, "healthy") if entrance.startswith("arn:") else _in_service(name) for name in names]
        for entrance in _entrances(kind, call.clear_params)
    }


def _in_service(name: str) -> Item:
    return {"InstanceId": name, "State": "InService"}


def _entrances(kind: _Kind, params: Params) -> list[str]:
    """The target groups and classic balancers, each as the call names it."""
    value = params.get(kind.entrances) or ()
    values = [value] if isinstance(value, str) else value
    names = [each if isinstance(each, str) else each.get("Identifier") for each in values]
    return [str(name) for name in names if name]


def members(entrance: str) -> Lookup:
    """Who is behind a target group or classic balancer."""
    if entrance.startswith("arn:"):
        return registered_with(entrance)
    return IN_SERVICE.about(LoadBalancerName=entrance)


def _group(params: Params) -> Lookup:
    return GROUPS.about(AutoScalingGroupNames=[params.get("AutoScalingGroupName") or ""])


def _machines(kind: _Kind, params: Params, answers: Answers) -> dict[str, set[Any]]:
    """Who joins or leaves: ids or addresses, each with the ports that are meant (None: all of them)."""
    if kind.machines:
        named = params.get(kind.machines) or ()
        ids = [(str(each.get("Id") or each.get("InstanceId") or ""), each.get("Port")) for each in named]
    else:
        answer = answers.get(_group(params).key())
        groups = answer.items if answer else ()
        if len(groups) != 1:
            raise UnclearError("which machines the Auto Scaling group has could not be looked up")
        ids = [(each["InstanceId"], None) for each in groups[0].get("Instances") or ()]
    return {name: {port for other, port in ids if other == name} for name, _ in ids}


def _entrance(
    name: str, machines: Mapping[str, set[Any]], kind: _Kind, situation: Situation
) -> tuple[Shares, Shares] | None:
    """Who gets the requests at one entrance, before and after; None where it has had no one."""
    answer = situation.answers.get(members(name).key())
    if answer is None:
        raise UnclearError(f"who is behind {shares.short(name)} could not be looked up")
    now = [_described(item) for item in answer.items]
    if not now:
        return None
    if kind.joins:
        present = {target_id(item) for item in now}
        # The balancer sends them nothing until they pass its checks.
        new = [_target(each, "healthy") for each in machines if each not in present]
        return _shares(receiving(now), situation), _shares([*receiving(now), *new], situation)
    rest = [item for item in now if not _leaves(item, machines)]
    if not rest:
        raise UnclearError(f"nothing else is registered with {shares.short(name)}")
    return _shares(receiving(now), situation), _shares(receiving(rest), situation)


def _leaves(item: Item, machines: Mapping[str, set[Any]]) -> bool:
    ports = machines.get(target_id(item), set())
    return None in ports or (item.get("Target") or {}).get("Port") in ports


def _described(item: Item) -> Item:
    """A machine behind a classic balancer, as one of a target group is described."""
    if "InstanceId" not in item:
        return item
    return _target(item["InstanceId"], "healthy" if item.get("State") == "InService" else "unhealthy")


def _target(name: str, state: str) -> Item:
    return {"Target": {"Id": name}, "TargetHealth": {"State": state}}


def _shares(items: Iterable[Item], situation: Situation) -> Shares:
    items, result = [*items], Shares()
    for item in items:
        name, state = target_id(item), item["TargetHealth"].get("State")
        cluster = cluster_of(name, machines_of(name, situation.inventory))
        result.add(cluster, 1 / len(items), [name], healthy=state == "healthy")
    return result


def _only(names: Iterable[str], situation: Situation) -> set[str | None]:
    """The clusters of these machines."""
    return {machine.cluster for name in names for machine in machines_of(name, situation.inventory)}


WAY = shares.Way(_shift, _lookups)
