"""The listeners and rules that send requests to the old side, and the target group of the new side for each."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from attrs import frozen

from guardrails.cutover.found.finding import Finding
from guardrails.cutover.kinds.forward import MOST_WEIGHT, shifted
from guardrails.cutover.plan import Entrance, Move
from guardrails.cutover.situation import Situation
from guardrails.resolve.balancers import BALANCERS, LISTENERS, weights
from guardrails.resolve.live import ways

# The quota of target groups per action of an Application Load Balancer.
_MOST_GROUPS = 5
_NETWORK = ("TCP", "UDP", "TCP_UDP", "TLS")


@frozen
class _Place:
    """A listener or one of its rules; `actions` are what it does now."""

    kind: str
    arn: str
    name: str
    actions: Sequence[Mapping[str, Any]]
    balancer: str


def counted(situation: Situation) -> list[str]:
    """The listeners that show what is live, of those that send something to the old side."""
    for tier in ways.tiers(situation.settings.live, situation.answers):
        if ways.served(tier, situation.answers, situation.inventory).clusters:
            return leading_to(situation, tier)
    return []


def leading_to(situation: Situation, tier: Iterable[ways.Way]) -> list[str]:
    """The listeners of these ways that send requests to the old side."""
    mine = [way.listener for way in tier if situation.source in situation.clusters_behind(way.group)]
    return [*dict.fromkeys(mine)]


def find(situation: Situation, finding: Finding, listeners: Iterable[str], shares: Sequence[int]) -> None:
    """Move these listeners, with their rules."""
    known = {entrance.id for entrance in finding.entrances}
    for listener in listeners:
        for place in _places(listener, situation):
            if place.arn not in known:
                _move(place, situation, finding, shares)


def balancers(situation: Situation, listeners: Iterable[str]) -> set[str]:
    """The balancers of these listeners."""
    return {_described(listener, situation)["LoadBalancerArn"] for listener in listeners}


def _places(arn: str, situation: Situation) -> list[_Place]:
    listener, elbv2 = _described(arn, situation), situation.clients("elbv2")
    names = {each["LoadBalancerArn"]: each["LoadBalancerName"] for each in situation.answers[BALANCERS.key()].items}
    balancer = listener["LoadBalancerArn"]
    name = f"{names.get(balancer, balancer)}:{listener.get('Port')}"
    found = [_Place("listener", arn, name, listener["DefaultActions"], balancer)]
    pages = elbv2.get_paginator("describe_rules").paginate(ListenerArn=arn)
    rules = [rule for page in pages for rule in page["Rules"] if rule["Priority"] != "default"]
    found += [
        _Place("rule", rule["RuleArn"], f"{name}, rule {rule['Priority']}", rule["Actions"], balancer) for rule in rules
    ]
    return [place for place in found if _groups_of(place, situation.source, situation)]


def _described(arn: str, situation: Situation) -> Mapping[str, Any]:
    shown = (each for key, each in situation.answers.items() if key.startswith(f"elbv2:{LISTENERS.operation}"))
    return next(item for answer in shown for item in answer.items if item["ListenerArn"] == arn)


def _groups_of(place: _Place, cluster: str, situation: Situation) -> list[str]:
    """The groups with machines of a cluster that get requests here."""
    named = [group for group, weight in weights(place.actions) if weight > 0]
    return [group for group in dict.fromkeys(named) if cluster in situation.clusters_behind(group)]


def _move(place: _Place, situation: Situation, finding: Finding, shares: Sequence[int]) -> None:
    old = _groups_of(place, situation.source, situation)
    if len(old) == 1 and situation.to in situation.clusters_behind(old[0]):
        finding.problems.append(_shared(place, old[0], situation))
        return
    if len(old) > 1 or situation.clusters_behind(old[0]) != {situation.source}:
        finding.problems.append(
            f"{place.name} sends requests to {' and '.join(map(_short, old))}, which "
            f"{'are several' if len(old) > 1 else 'holds other machines, too'}: give each cluster one target group of "
            "its own there, or move it yourself with ModifyListener or ModifyRule"
        )
        return
    new = _counterpart(place, old[0], situation)
    if len(new) != 1:
        finding.problems.append(_unclear(place, old[0], new, situation))
        return
    network = _group(old[0], situation).get("Protocol") in _NETWORK
    # Behind no load balancer its targets are not checked: with the weight 0 they are, before users come.
    first = () if network or new[0] in dict(weights(place.actions)) else (0,)
    counted = (100,) if network else (*first, *shares)
    made = {share: shifted(place.actions, old[0], new[0], share, whole=network) for share in counted}
    if any(actions is None or len([*weights(actions)]) > _MOST_GROUPS for actions in made.values()):
        finding.problems.append(
            f"the weights or the number of the groups of {place.name} leave no room for another one: give it smaller "
            f"weights or fewer groups (weights up to {MOST_WEIGHT}, {_MOST_GROUPS} groups)"
        )
        return
    entrance = Entrance(place.kind, place.arn, place.name, place.actions)
    finding.entrances.append(entrance)
    finding.groups += [group for group in new if group not in finding.groups]
    for share, actions in made.items():
        what = f"{place.name} sends {share} % of the requests of {_short(old[0])} to {_short(new[0])}"
        finding.move(share, Move(entrance.key, actions, what))


def _shared(place: _Place, group: str, situation: Situation) -> str:
    """Both sides get users by one group, as where two Auto Scaling groups are attached to it."""
    source, to = situation.source, situation.to
    return (
        f"{place.name} sends requests to {_short(group)}, which {source} and {to} share, so no weight divides them: "
        f"take {to} out of it and give it a target group of its own, or switch by hand: once all its targets are "
        f"healthy, take {source} out (DeregisterTargets, or DetachTrafficSources of its Auto Scaling group)"
    )


def _counterpart(place: _Place, old: str, situation: Situation) -> list[str]:
    """The target groups that can take the place of `old`: those named there already, else those that fit best."""
    own = [each for each in situation.groups() if situation.clusters_behind(each["TargetGroupArn"]) == {situation.to}]
    mine = {group["TargetGroupArn"]: group for group in own}
    named = [group for group, _ in weights(place.actions) if group in mine]
    if named:
        return [*dict.fromkeys(named)]
    before = _group(old, situation)
    kind = ("Protocol", "VpcId", "TargetType", "ProtocolVersion")
    fit = [
        each
        for each in mine.values()
        # A target group has one load balancer at most.
        if {*(each.get("LoadBalancerArns") or ())} <= {place.balancer}
        and all(each.get(key) == before.get(key) for key in kind)
    ]
    renamed = str(before.get("TargetGroupName")).replace(situation.source, situation.to)
    for better in (
        [each for each in fit if each.get("Port") == before.get("Port")],
        [each for each in fit if each.get("TargetGroupName") == renamed],
    ):
        fit = better if len(fit) > 1 and better else fit
    return [each["TargetGroupArn"] for each in fit]


def _unclear(place: _Place, old: str, new: Sequence[str], situation: Situation) -> str:
    before = _group(old, situation)
    like = f"{before.get('Protocol')}, {before.get('TargetType')} targets, {before.get('VpcId')}"
    if not new:
        return (
            f"no target group with only machines of {situation.to} can replace {_short(old)} at {place.name}: make one "
            f"like it ({like}), without another load balancer, and register its machines"
        )
    return (
        f"several target groups of {situation.to} can take the place of {_short(old)} at {place.name} "
        f"({', '.join(map(_short, new))}): add the right one to it with the weight 0"
    )


def _group(arn: str, situation: Situation) -> Mapping[str, Any]:
    return next(group for group in situation.groups() if group["TargetGroupArn"] == arn)


def _short(arn: str) -> str:
    """``web-blue`` of ``arn:…:targetgroup/web-blue/0123``."""
    return arn.split("/")[1] if arn.count("/") > 1 else arn
