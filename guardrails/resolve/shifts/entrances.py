"""New entrances that make others count no more: a listener from the internet, beside an internal one that users reach.

Which entrances count depends on which there are (live/ways.py, live/elb.py). So a new one, or the first machine behind
an empty one, may take the live cluster out of the evidence, although none of its users moves. The sources are asked
here with what AWS would answer afterwards.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from attrs import evolve

from guardrails.resolve.balancers import GROUPS, listeners_of, registered_with, weights
from guardrails.resolve.live import elb, ways
from guardrails.resolve.shifts import targets as machines
from guardrails.resolve.shifts.shares import Answers, Situation, UnclearError
from guardrails.values import Answer, Call, Lookup, Target

_NEW_LISTENER = "elbv2:CreateListener"
# The sources whose answer depends on it.
_SOURCES = ("target-group", "asg", "ecs", "elb")


def concerns(call: Call) -> bool:
    """Whether a call opens an entrance, or puts machines behind one."""
    return call.as_native.name == _NEW_LISTENER or machines.joins(call)


def lookups(call: Call) -> tuple[Lookup, ...]:
    """Who is behind the groups that a new listener leads to."""
    if call.as_native.name != _NEW_LISTENER:
        return ()
    return tuple(evolve(registered_with(group), optional=True) for group, _ in weights(_actions(call.as_native)))


def unseating(targets: tuple[Target, ...], situation: Situation) -> tuple[Target, ...]:
    """The targets that may carry users, with the clusters that would count as live no more."""
    if not concerns(situation.call) or not {*situation.settings.sources} & {*_SOURCES}:
        return targets
    lost = _lost(situation)
    if not lost:
        return targets
    return tuple(
        evolve(each, facts={**each.facts, "unseats": sorted(lost)}) if each.role == "target" else each
        for each in targets
    )


def _lost(situation: Situation) -> set[str]:
    """The clusters that are behind what counts now, and not afterwards."""
    before = _counting(situation, situation.answers)
    if not before:
        # Nothing can be lost. And where no group is behind a balancer, AWS was not asked for balancers.
        return set()
    try:
        after = _afterwards(situation)
    except UnclearError:
        return set()
    return before - _counting(situation, after)


def _counting(situation: Situation, answers: Answers) -> set[str]:
    """The clusters behind the entrances that count."""
    settings, inventory = situation.settings, situation.inventory
    grouped = ways.counting(ways.tiers(settings, answers), answers, inventory)[0] if GROUPS.key() in answers else None
    classic = elb.counting(elb.tiers(settings, answers), answers, inventory)
    return {name for reached in (grouped, classic) if reached for name in reached.clusters}


def _afterwards(situation: Situation) -> Answers:
    """The answers as they would be. Raises UnclearError."""
    call, answers = situation.call.as_native, situation.answers
    if call.name == _NEW_LISTENER:
        return _with_listener(call, answers)
    after = dict(answers)
    for entrance, items in machines.joined(call, answers).items():
        lookup = machines.members(entrance)
        after[lookup.key()] = _with(answers.get(lookup.key()), items)
    return after


def _with_listener(call: Call, answers: Answers) -> Answers:
    balancer = str(call.params.get("LoadBalancerArn") or "")
    listener = {
        "ListenerArn": f"{balancer} (new)",
        "LoadBalancerArn": balancer,
        "Port": call.params.get("Port"),
        "DefaultActions": _actions(call),
    }
    led_to = {group for group, _ in weights(_actions(call))}
    after = dict(answers)
    after[listeners_of(balancer).key()] = _with(answers.get(listeners_of(balancer).key()), [listener])
    if GROUPS.key() in answers:
        groups = answers[GROUPS.key()]
        items = (_behind(group, balancer) if group["TargetGroupArn"] in led_to else group for group in groups.items)
        after[GROUPS.key()] = evolve(groups, items=tuple(items))
    return after


def _behind(group: Mapping[str, Any], balancer: str) -> Mapping[str, Any]:
    return {**group, "LoadBalancerArns": [*(group.get("LoadBalancerArns") or ()), balancer]}


def _with(answer: Answer | None, items: Iterable[Mapping[str, Any]]) -> Answer:
    """The answer with these items more."""
    return Answer(tuple(items), 0.0) if answer is None else evolve(answer, items=(*answer.items, *items))


def _actions(call: Call) -> list[Mapping[str, Any]]:
    return [*(call.clear_params.get("DefaultActions") or ())]
