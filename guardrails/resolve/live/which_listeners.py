"""Which look-ups show what load balancers lead to: all where there are few, else no more than can change what is live.

AWS answers about one balancer, listener or target group in one request, and allows few of those. A machine is live as
soon as one way leads to it. So of many balancers only some are asked for their listeners at first: such that every
machine is behind one of them. Their rules, and the other balancers, are asked where these ways do not lead to all of
their machines. Of listeners that the configuration names, nothing is asked beside their own balancers.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from guardrails.config.settings import LiveSettings
from guardrails.resolve.balancers import (
    BALANCERS,
    GROUPS,
    balancer_of,
    listeners_of,
    receiving,
    registered_with,
    rules_of,
    target_id,
)
from guardrails.resolve.live import ways
from guardrails.resolve.live.ways import Answers
from guardrails.values import Lookup

Group = Mapping[str, Any]
# So many balancers are asked at once for all: it saves a round.
_FEW = 5
# What is registered with groups of these types is no machine.
_NO_MACHINES = frozenset(("lambda", "alb"))


def lookups(settings: LiveSettings, answers: Answers) -> tuple[Lookup, ...]:
    """What has to be asked, as far as the answers show: groups; health and balancers; listeners; rules."""
    groups = counted(settings, answers)
    if len(_balancers(ways.in_use(answers))) <= _FEW or not groups:
        return ways.lookups(answers)
    first = [GROUPS, BALANCERS, *(registered_with(group["TargetGroupArn"]) for group in groups)]
    # Named ones must be there, whatever is behind them.
    first += map(listeners_of, {balancer_of(arn) for arn in settings.listeners} & {*_balancers(groups)})
    if any(lookup.key() not in answers for lookup in first):
        return tuple(first)
    empty = (group for group in groups if not answers[registered_with(group["TargetGroupArn"]).key()].items)
    further = ways.controls(empty, answers)
    for listed in _tiers(settings, groups, answers):
        further += _leading(settings, listed, groups, answers)
    return tuple({lookup.key(): lookup for lookup in (*first, *further)}.values())


def counted(settings: LiveSettings, answers: Answers) -> list[Group]:
    """The target groups that may be reached on ways that count: with many balancers, those of the named listeners'."""
    groups = ways.in_use(answers)
    if not settings.listeners or len(_balancers(groups)) <= _FEW:
        return groups
    named = {balancer_of(arn) for arn in settings.listeners}
    return [group for group in groups if named & {*group["LoadBalancerArns"]}]


def _balancers(groups: Iterable[Group]) -> list[str]:
    return sorted({arn for group in groups for arn in group["LoadBalancerArns"]})


def _tiers(settings: LiveSettings, groups: list[Group], answers: Answers) -> Iterator[list[str]]:
    """The balancers that count together."""
    every = _balancers(groups)
    first = {balancer_of(arn) for arn in settings.listeners} or ways.public(every, answers)
    yield [arn for arn in every if arn in first]
    if not settings.listeners:
        yield [arn for arn in every if arn not in first]


def _leading(settings: LiveSettings, balancers: list[str], groups: list[Group], answers: Answers) -> Iterator[Lookup]:
    """What shows which machines these balancers lead to: what was asked for that so far, and what is missing."""
    behind = {arn: {each for group in groups if arn in group["LoadBalancerArns"] for each in _machines(group, answers)}
              for arn in balancers}  # fmt: skip
    asked = [arn for arn in balancers if listeners_of(arn).key() in answers]
    open_ = set[str]().union(*behind.values()) - _reached(settings, asked, groups, answers)
    rules = {arn: [rules_of(each["ListenerArn"]) for each in ways.that_count(settings, answers, arn)] for arn in asked}
    yield from (listeners_of(arn) for arn in asked)
    yield from (each for arn in asked for each in rules[arn] if each.key() in answers)
    missing = [each for arn in asked if behind[arn] & open_ for each in rules[arn] if each.key() not in answers]
    if missing:
        yield from missing
    elif asked:
        yield from (listeners_of(arn) for arn in balancers if arn not in asked and behind[arn] & open_)
    else:
        yield from map(listeners_of, _cover(behind, open_))


def _machines(group: Group, answers: Answers) -> set[str]:
    """What gets requests that come to a group; itself where it is said to be empty, which may not be so."""
    if group.get("TargetType") in _NO_MACHINES:
        return set()
    items = answers[registered_with(group["TargetGroupArn"]).key()].items
    return {target_id(item) for item in receiving(items)} or {group["TargetGroupArn"]}


def _reached(settings: LiveSettings, balancers: Iterable[str], groups: list[Group], answers: Answers) -> set[str]:
    """The machines that ways through these balancers lead to, as far as the answers show."""
    there = {way.group for arn in balancers for way in ways.through(settings, answers, arn)}
    return {each for group in groups if group["TargetGroupArn"] in there for each in _machines(group, answers)}


def _cover(behind: Mapping[str, set[str]], machines: set[str]) -> Iterator[str]:
    """Few of the balancers that have all of these machines behind them."""
    left = {*machines}
    while left:
        best = max(sorted(behind), key=lambda arn: len(behind[arn] & left))
        left -= behind[best]
        yield best
