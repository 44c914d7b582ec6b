"""The clusters that users reach through load balancers.

Three rounds of look-ups at most: which target groups have a balancer; what is registered with them, and which
listeners forward to them; where several do, the rules and their weights. A group with the weight 0 is "healthy" and has
a balancer, too, so the last round is not left out.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from attrs import frozen

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
from guardrails.resolve.inventory import INSTANCES, Inventory
from guardrails.resolve.live.source import Source
from guardrails.values import Answer, Lookup, SourceReport

Answers = Mapping[str, Answer]
_PUBLIC_PORTS = (80, 443)
_FACING = "internet-facing"


@frozen
class _Way:
    """A way on which requests reach a target group; `place` is what a person can look up."""

    group: str
    place: str


class TargetGroups(Source):
    """A machine behind a listener that forwards to its target group makes its cluster live.

    The setting `listeners` names the listeners that count. Otherwise internet-facing balancers count, and internal ones
    where no other names a cluster: their listeners on ports 80 and 443, or all of them where there is none on those.
    """

    name = "target-group"
    asks = (BALANCERS, LISTENERS, REGISTERED, RULES)

    def lookups(self, _settings: LiveSettings, /) -> tuple[Lookup, ...]:
        """The target groups of the region."""
        return (GROUPS,)

    def followups(self, _settings: LiveSettings, answers: Answers, /) -> tuple[Lookup, ...]:
        """Health, listeners and balancers of the groups in use, then the rules."""
        groups = _in_use(answers)
        balancers = sorted({balancer for group in groups for balancer in group["LoadBalancerArns"]})
        if not groups:
            return ()
        second = [BALANCERS, *map(listeners_of, balancers)]
        second += [registered_with(group["TargetGroupArn"]) for group in groups]
        if any(lookup.key() not in answers for lookup in second):
            return tuple(second)
        empty = [group for group in groups if not answers[registered_with(group["TargetGroupArn"]).key()].items]
        # With one group there is nothing to choose between.
        choice = len(groups) - len(empty) > 1
        rules = [rules_of(each["ListenerArn"]) for each in _listeners(answers, balancers)] if choice else []
        return (*second, *rules, *_controls(empty, answers))

    def observe(self, settings: LiveSettings, answers: Answers, inventory: Inventory, /) -> SourceReport:
        """The clusters of the machines that get requests."""
        asked = (*self.lookups(settings), *self.followups(settings, answers))
        oldest = min(answers[lookup.key()].observed_at for lookup in asked)
        groups = {group["TargetGroupArn"]: group for group in _in_use(answers)}
        tiers = list(_tiers(settings, answers)) if groups else []
        doubtful = {
            way.place
            for way in (way for tier in tiers for way in tier)
            if way.group in groups and not _proved(groups[way.group], answers)
        }
        if doubtful:
            sentence = f"{_list(doubtful)} forwards to a group that is said to be empty, which AWS does not confirm"
            return SourceReport(self.name, (), oldest, sentence, blind=True)
        for ways in tiers:
            clusters, sentence = _served(ways, answers, inventory)
            if clusters:
                return SourceReport(self.name, clusters, oldest, sentence)
        silent = not any(answers[registered_with(arn).key()].items for arn in groups)
        sentence = "no load balancer with registered targets" if silent else "no listener forwards to a cluster"
        return SourceReport(self.name, (), oldest, sentence, silent)


def _in_use(answers: Answers) -> list[Mapping[str, Any]]:
    answer = answers.get(GROUPS.key())
    return [group for group in (answer.items if answer else ()) if group.get("LoadBalancerArns")]


def _controls(groups: Iterable[Mapping[str, Any]], answers: Answers) -> list[Lookup]:
    """What asks whether groups are as empty as they look."""
    reservations = answers[INSTANCES.key()].items
    return [lookup for group in groups if (lookup := control(group, reservations))]


def _proved(group: Mapping[str, Any], answers: Answers) -> bool:
    """Whether a group has members, or AWS confirms for each machine of its network that it is not one."""
    if answers[registered_with(group["TargetGroupArn"]).key()].items:
        return True
    return all(confirmed(lookup, answers[lookup.key()].items) for lookup in _controls([group], answers))


def _listeners(answers: Answers, balancers: Iterable[str]) -> Iterator[Mapping[str, Any]]:
    for balancer in balancers:
        yield from answers[listeners_of(balancer).key()].items


def _tiers(settings: LiveSettings, answers: Answers) -> Iterator[list[_Way]]:
    """The ways that count: those of the named listeners; else those from the internet; else all."""
    balancers = {balancer["LoadBalancerArn"]: balancer for balancer in answers[BALANCERS.key()].items}
    arns = sorted({arn for group in _in_use(answers) for arn in group["LoadBalancerArns"]})
    if settings.listeners:
        named = [each for each in _listeners(answers, arns) if each["ListenerArn"] in settings.listeners]
        yield _ways(named, balancers, answers)
        return
    # A balancer that another balancer forwards to is reached from where that one is.
    behind = {target_id(item) for item in _registered(answers)} & {*arns}
    public = {arn for arn in arns if balancers.get(arn, {}).get("Scheme", _FACING) == _FACING} | behind
    for counted in (public, {*arns} - public):
        yield _ways((each for arn in sorted(counted) for each in _counted(answers, arn)), balancers, answers)


def _registered(answers: Answers) -> Iterator[Mapping[str, Any]]:
    for group in _in_use(answers):
        yield from answers[registered_with(group["TargetGroupArn"]).key()].items


def _counted(answers: Answers, balancer: str) -> list[Mapping[str, Any]]:
    """The listeners that users reach: a test listener has another port beside those."""
    listeners = [*_listeners(answers, [balancer])]
    return [each for each in listeners if each.get("Port") in _PUBLIC_PORTS] or listeners


def _ways(
    listeners: Iterable[Mapping[str, Any]], balancers: Mapping[str, Mapping[str, Any]], answers: Answers
) -> list[_Way]:
    ways = []
    for listener in listeners:
        arn = listener["ListenerArn"]
        name = balancers.get(listener.get("LoadBalancerArn", ""), {}).get("LoadBalancerName") or arn
        rules = answers.get(rules_of(arn).key())
        default = {"Priority": "default", "Actions": listener.get("DefaultActions") or []}
        for rule in [each for each in (rules.items if rules else ()) if each.get("Priority") != "default"] + [default]:
            ways += [
                _Way(group, f"{name}:{listener.get('Port')}, rule {rule.get('Priority')}, weight {weight}")
                for group, weight in weights(rule.get("Actions") or [])
                if weight > 0
            ]
    return ways


def _served(ways: list[_Way], answers: Answers, inventory: Inventory) -> tuple[tuple[str, ...], str]:
    """The clusters that get requests on these ways, and the sentence that says how."""
    places: dict[str, set[str]] = defaultdict(set)
    strays: set[str] = set()
    for way in ways:
        answer = answers.get(registered_with(way.group).key())
        for item in receiving(answer.items if answer else ()):
            for machine in machines_of(target_id(item), inventory):
                if machine.cluster:
                    places[machine.cluster].add(way.place)
                else:
                    strays.add(machine.id)
    sentence = "; ".join(f"{cluster} is behind {_list(where)}" for cluster, where in sorted(places.items()))
    if strays:
        which = "1 machine has" if len(strays) == 1 else f"{len(strays)} machines have"
        sentence += f"; {which} no {inventory.cluster_tag} tag"
    return tuple(sorted(places)), sentence


def _list(places: Iterable[str]) -> str:
    first, *more = sorted(places)
    return f"{first} and {len(more)} more" if more else first
