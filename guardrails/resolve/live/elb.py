"""The clusters of the machines that classic load balancers send requests to.

https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_InstanceState.html
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from guardrails.config.settings import LiveSettings
from guardrails.resolve.balancers import CLASSIC, IN_SERVICE
from guardrails.resolve.inventory import Inventory
from guardrails.resolve.live.reached import Reached, first_of
from guardrails.resolve.live.source import Source
from guardrails.values import Answer, Lookup, SourceReport

Answers = Mapping[str, Answer]
Balancer = Mapping[str, Any]
_FACING = "internet-facing"


class ClassicBalancers(Source):
    """A machine in service behind a classic load balancer makes its cluster live.

    The setting `balancers` names those that count. Otherwise those from the internet count, and internal ones where
    none of those leads to a cluster. Where a balancer has no machine in service, all that are registered count.
    """

    name = "elb"
    asks = (IN_SERVICE,)

    def lookups(self, _settings: LiveSettings, /) -> tuple[Lookup, ...]:
        """The classic load balancers of the region."""
        return (CLASSIC,)

    def followups(self, _settings: LiveSettings, answers: Answers, /) -> tuple[Lookup, ...]:
        """Which machines of each are in service."""
        return tuple(health_of(balancer) for balancer in with_machines(answers))

    def observe(self, settings: LiveSettings, answers: Answers, inventory: Inventory, /) -> SourceReport:
        """The clusters of the machines that get requests."""
        balancers = with_machines(answers)
        asked = (CLASSIC, *map(health_of, balancers))
        oldest = min(answers[lookup.key()].observed_at for lookup in asked)
        doubtful = [place_of(each) for each in balancers if not understood(each, answers, inventory)]
        if doubtful:
            sentence = f"{first_of(doubtful)} has machines in service that AWS does not show"
            return SourceReport(self.name, (), oldest, sentence, blind=True)
        counted = [[each for each in tier if each in balancers] for tier in tiers(settings, answers)]
        reached = counting(counted, answers, inventory)
        if reached is not None:
            sentence = reached.sentence("is in service behind", inventory.cluster_tag)
            return SourceReport(self.name, reached.clusters, oldest, sentence)
        missing = {*settings.balancers} - {balancer["LoadBalancerName"] for balancer in answers[CLASSIC.key()].items}
        if missing:
            # What the configuration names and AWS does not have is a mistake, not silence.
            return SourceReport(self.name, (), oldest, f"there is no classic load balancer {first_of(missing)}")
        silent = not balancers
        sentence = "no classic load balancer has machines" if silent else "no classic load balancer leads to a cluster"
        return SourceReport(self.name, (), oldest, sentence, silent)


def counting(tiers: list[list[Balancer]], answers: Answers, inventory: Inventory) -> Reached | None:
    """The machines behind the first of the tiers that leads to a cluster; None where none does."""
    for tier in tiers:
        reached = Reached()
        for balancer in tier:
            reached.update(behind(balancer, answers, inventory))
        if reached.clusters:
            return reached
    return None


def with_machines(answers: Answers) -> list[Balancer]:
    """The classic load balancers that have machines."""
    answer = answers.get(CLASSIC.key())
    return [balancer for balancer in (answer.items if answer else ()) if balancer.get("Instances")]


def health_of(balancer: Balancer) -> Lookup:
    """Which of its machines are in service."""
    return IN_SERVICE.about(LoadBalancerName=balancer["LoadBalancerName"])


def place_of(balancer: Balancer) -> str:
    """``web-classic:80``, with every port it listens on."""
    listeners = [each.get("Listener") or {} for each in balancer.get("ListenerDescriptions") or ()]
    ports = sorted({int(each["LoadBalancerPort"]) for each in listeners if each.get("LoadBalancerPort")})
    return ":".join([balancer["LoadBalancerName"], *([",".join(map(str, ports))] if ports else [])])


def understood(balancer: Balancer, answers: Answers, inventory: Inventory) -> bool:
    """Whether AWS shows the health of every machine of a balancer, and every machine that is in service."""
    shown = states(balancer, answers)
    registered = {each["InstanceId"] for each in balancer["Instances"]}
    in_service = [name for name, state in shown.items() if state == "InService"]
    return registered <= shown.keys() and not inventory.missing(in_service)


def behind(balancer: Balancer, answers: Answers, inventory: Inventory) -> Reached:
    """The machines that a balancer sends requests to."""
    reached = Reached()
    for name in _serving(states(balancer, answers)):
        reached.add(inventory.on("instance", name), place_of(balancer))
    return reached


def states(balancer: Balancer, answers: Answers) -> dict[str, str]:
    """The state of each of its machines."""
    answer = answers.get(health_of(balancer).key())
    return {item["InstanceId"]: str(item.get("State")) for item in (answer.items if answer else ())}


def _serving(states: Mapping[str, str]) -> list[str]:
    """Those in service, or in a state that AWS does not know yet; all where there are none."""
    serving = [name for name, state in states.items() if state != "OutOfService"]
    return serving or [*states]


def tiers(settings: LiveSettings, answers: Answers) -> list[list[Balancer]]:
    """The balancers that count: the named ones; else those from the internet; else all."""
    answer = answers.get(CLASSIC.key())
    balancers = answer.items if answer else ()
    if settings.balancers:
        return [[each for each in balancers if each["LoadBalancerName"] in settings.balancers]]
    public = [each for each in balancers if each.get("Scheme", _FACING) == _FACING]
    return [public, [each for each in balancers if each not in public]]
