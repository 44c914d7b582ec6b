"""The ways on which load balancers bring requests to target groups: listeners, their rules, and the rules' weights.

Three rounds of look-ups at most: which target groups have a balancer; what is registered with them, and which
listeners forward to them; where several do, the rules and their weights. A group with the weight 0 is "healthy" and has
a balancer, too, so the last round is not left out.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from guardrails.config.settings import LiveSettings
from guardrails.resolve.balancers import (
    BALANCERS,
    GROUPS,
    LISTENERS,
    REGISTERED,
    RULES,
    confirmed,
    control,
    listeners_of,
    machines_of,
    receiving,
    registered_with,
    rules_of,
    target_id,
    weights,
)
from guardrails.resolve.inventory import Inventory
from guardrails.resolve.live.reached import Reached
from guardrails.values import Answer, Lookup, frozen

Answers = Mapping[str, Answer]
ASKS = (GROUPS, BALANCERS, LISTENERS, REGISTERED, RULES)
_PUBLIC_PORTS = (80, 443)
_FACING = "internet-facing"


@frozen
class Way:
    """A way on which requests reach a target group; `place` is what a person can look up."""

    group: str
    place: str
    listener: str


def lookups(answers: Answers) -> tuple[Lookup, ...]:
    """What has to be asked, as far as the answers show: groups; health, listeners and balancers; then the rules."""
    groups = in_use(answers)
    balancers = sorted({balancer for group in groups for balancer in group["LoadBalancerArns"]})
    if not groups:
        return (GROUPS,)
    second = [GROUPS, BALANCERS, *map(listeners_of, balancers)]
    second += [registered_with(group["TargetGroupArn"]) for group in groups]
    if any(lookup.key() not in answers for lookup in second):
        return tuple(second)
    empty = [group for group in groups if not answers[registered_with(group["TargetGroupArn"]).key()].items]
    # With one group there is nothing to choose between.
    choice = len(groups) - len(empty) > 1
    rules = [rules_of(each["ListenerArn"]) for each in _listeners(answers, balancers)] if choice else []
    return (*second, *rules, *controls(empty, answers))


def in_use(answers: Answers) -> list[Mapping[str, Any]]:
    """The target groups that have a balancer."""
    answer = answers.get(GROUPS.key())
    return [group for group in (answer.items if answer else ()) if group.get("LoadBalancerArns")]


def tiers(settings: LiveSettings, answers: Answers) -> Iterator[list[Way]]:
    """The ways that count: those of the named listeners; else those from the internet; else all."""
    groups = in_use(answers)
    if not groups:
        return
    arns = sorted({arn for group in groups for arn in group["LoadBalancerArns"]})
    if settings.listeners:
        yield _ways([each for each in _listeners(answers, arns) if each["ListenerArn"] in settings.listeners], answers)
        return
    outside = public(arns, answers)
    for counted in (outside, {*arns} - outside):
        yield _ways((each for arn in sorted(counted) for each in _counted(answers, arn)), answers)


def public(arns: Iterable[str], answers: Answers) -> set[str]:
    """Those of the balancers that are reached from the internet."""
    balancers, every = _balancers(answers), {*arns}
    # A balancer that another balancer forwards to is reached from where that one is.
    behind = {target_id(item) for item in _registered(answers)} & every
    return {arn for arn in every if balancers.get(arn, {}).get("Scheme", _FACING) == _FACING} | behind


def that_count(settings: LiveSettings, answers: Answers, arn: str) -> list[Mapping[str, Any]]:
    """The listeners of a balancer that count: the named ones, where there are any; else those that users reach."""
    if settings.listeners:
        return [each for each in _listeners(answers, [arn]) if each["ListenerArn"] in settings.listeners]
    return _counted(answers, arn)


def through(settings: LiveSettings, answers: Answers, arn: str) -> list[Way]:
    """The ways through one balancer that count."""
    return _ways(that_count(settings, answers, arn), answers)


def of_balancer(settings: LiveSettings, answers: Answers, arn: str) -> list[Way]:
    """The ways through one balancer: of its named listeners, else of those that users reach."""
    listeners = _listeners(answers, [arn])
    named = [each for each in listeners if each["ListenerArn"] in settings.listeners]
    return _ways(named or _counted(answers, arn), answers)


def of_listener(answers: Answers, arn: str) -> list[Way]:
    """The ways through one listener, on whatever port."""
    arns = {balancer for group in in_use(answers) for balancer in group["LoadBalancerArns"]}
    return _ways((each for each in _listeners(answers, sorted(arns)) if each["ListenerArn"] == arn), answers)


def missing_listeners(settings: LiveSettings, answers: Answers) -> list[str]:
    """The named listeners that no balancer with target groups has."""
    arns = {arn for group in in_use(answers) for arn in group["LoadBalancerArns"]}
    return sorted({*settings.listeners} - {each["ListenerArn"] for each in _listeners(answers, arns)})


def unproved(ways: Iterable[Way], answers: Answers) -> set[str]:
    """The places of ways to groups that are said to be empty, where AWS does not confirm that."""
    groups = {group["TargetGroupArn"]: group for group in in_use(answers)}
    return {way.place for way in ways if way.group in groups and not _proved(groups[way.group], answers)}


def served(ways: Iterable[Way], answers: Answers, inventory: Inventory) -> Reached:
    """The machines that get requests on these ways."""
    reached = Reached()
    for way in ways:
        answer = answers.get(registered_with(way.group).key())
        for item in receiving(answer.items if answer else ()):
            reached.add(machines_of(target_id(item), inventory), way.place)
    return reached


def counting(tiers: Iterable[list[Way]], answers: Answers, inventory: Inventory) -> tuple[Reached | None, list[Way]]:
    """The machines behind the first tier that leads to a cluster, if any does, and the ways of those after it."""
    reached, later = None, list[Way]()
    for tier in tiers:
        if reached is not None:
            later += tier
        elif (found := served(tier, answers, inventory)).clusters:
            reached = found
    return reached, later


def anything_registered(answers: Answers) -> bool:
    """Whether any target group with a balancer has a target."""
    return any(True for _ in _registered(answers))


def controls(groups: Iterable[Mapping[str, Any]], answers: Answers) -> list[Lookup]:
    """What asks whether groups without a member are as empty as they look."""
    return [lookup for group in groups if (lookup := control(group, answers))]


def _proved(group: Mapping[str, Any], answers: Answers) -> bool:
    """Whether a group has members, or AWS confirms for each machine of its network that it is not one."""
    answer = answers.get(registered_with(group["TargetGroupArn"]).key())
    if answer is None or answer.items:
        return answer is not None
    return all(confirmed(lookup, answers[lookup.key()].items) for lookup in controls([group], answers))


def _balancers(answers: Answers) -> dict[str, Mapping[str, Any]]:
    return {balancer["LoadBalancerArn"]: balancer for balancer in answers[BALANCERS.key()].items}


def _listeners(answers: Answers, balancers: Iterable[str]) -> list[Mapping[str, Any]]:
    asked = [answers.get(listeners_of(balancer).key()) for balancer in balancers]
    return [item for answer in asked if answer for item in answer.items]


def _registered(answers: Answers) -> Iterator[Mapping[str, Any]]:
    for group in in_use(answers):
        answer = answers.get(registered_with(group["TargetGroupArn"]).key())
        yield from answer.items if answer else ()


def _counted(answers: Answers, balancer: str) -> list[Mapping[str, Any]]:
    """The listeners that users reach: a test listener has another port beside those, unless they redirect to it."""
    listeners = _listeners(answers, [balancer])
    public = [each for each in listeners if each.get("Port") in _PUBLIC_PORTS]
    further = {port for listener in public for port in _redirected_to(listener)}
    return [each for each in listeners if each in public or str(each.get("Port")) in further] or listeners


def _redirected_to(listener: Mapping[str, Any]) -> Iterator[str]:
    """The ports that it sends users to."""
    for action in listener.get("DefaultActions") or ():
        yield str((action.get("RedirectConfig") or {}).get("Port") or "")


def _ways(listeners: Iterable[Mapping[str, Any]], answers: Answers) -> list[Way]:
    balancers, ways = _balancers(answers), []
    for listener in listeners:
        arn = listener["ListenerArn"]
        name = balancers.get(listener.get("LoadBalancerArn", ""), {}).get("LoadBalancerName") or arn
        rules = answers.get(rules_of(arn).key())
        default = {"Priority": "default", "Actions": listener.get("DefaultActions") or []}
        for rule in [each for each in (rules.items if rules else ()) if each.get("Priority") != "default"] + [default]:
            ways += [
                Way(group, f"{name}:{listener.get('Port')}, rule {rule.get('Priority')}, weight {weight}", arn)
                for group, weight in weights(rule.get("Actions") or [])
                if weight > 0
            ]
    return ways
