"""The clusters of the ECS services that load balancers send requests to, by each service's tag and machines."""

from __future__ import annotations

import re

from guardrails.config.settings import LiveSettings
from guardrails.resolve.balancers import CLASSIC, RULES
from guardrails.resolve.inventory import Inventory
from guardrails.resolve.live import ecs_services, elb, ways
from guardrails.resolve.live.ecs_services import Service
from guardrails.resolve.live.reached import Reached, first_of
from guardrails.resolve.live.source import Source
from guardrails.resolve.live.ways import Answers, Way
from guardrails.values import Lookup, SourceReport

_RULE = re.compile(r"(arn:.*:)listener-rule/(.*)/[^/]+")


class Services(Source):
    """A service with running tasks behind a rule that sends it requests makes its cluster live.

    That is the cluster of its tag, and those of the machines that its tasks run on, of both revisions during a
    deployment. Where it names its production rule, that listener counts; else those of `target-group` and `elb`.
    """

    name = "ecs"
    asks = (*ecs_services.ASKS, *ways.ASKS, CLASSIC, RULES)

    def lookups(self, _settings: LiveSettings, /) -> tuple[Lookup, ...]:
        """The ECS clusters of the region."""
        return (ecs_services.CLUSTERS,)

    def followups(self, _settings: LiveSettings, answers: Answers, /) -> tuple[Lookup, ...]:
        """Their services and tasks, and what the balancers of those do."""
        balancers = [each for service in ecs_services.services(answers) for each in service.balancers]
        groups = ways.lookups(answers) if any(each.get("targetGroupArn") for each in balancers) else ()
        classic = (CLASSIC,) if any(each.get("loadBalancerName") for each in balancers) else ()
        return (*ecs_services.lookups(answers), *groups, *classic)

    def observe(self, settings: LiveSettings, answers: Answers, inventory: Inventory, /) -> SourceReport:
        """The clusters of the services that get requests."""
        oldest = min(answers[lookup.key()].observed_at for lookup in self.followups(settings, answers))
        hidden = ecs_services.hidden(answers)
        if hidden:
            return SourceReport(self.name, (), oldest, f"AWS does not describe {first_of(hidden)}", blind=True)
        services = ecs_services.services(answers)
        if not services:
            sentence = "no ECS service with running tasks has a load balancer"
            return SourceReport(self.name, (), oldest, sentence, silent=True)
        reached, counted, tagged = Reached(), _counted(services, settings, answers), set[str]()
        for service in services:
            where = _fed(service, counted, settings, answers)
            if where and not _add(reached, service, where, answers, inventory):
                sentence = (
                    f"AWS does not show what the tasks of {service.name} run on, and the service has no "
                    f"{inventory.cluster_tag} tag; give it one"
                )
                return SourceReport(self.name, (), oldest, sentence, blind=True)
            if where and (cluster := inventory.ownership.named(service.tags)):
                tagged.add(cluster)
        sentence = reached.sentence("runs", inventory.cluster_tag) or "no ECS service of a cluster gets requests"
        return SourceReport(self.name, reached.clusters, oldest, sentence, standing=tuple(sorted(tagged)))


def _fed(service: Service, counted: list[Way], settings: LiveSettings, answers: Answers) -> str:
    """From where a service gets requests, "" where it gets none."""
    places = set[str]()
    for balancer in service.balancers:
        further = balancer.get("advancedConfiguration") or {}
        groups = {balancer.get("targetGroupArn"), further.get("alternateTargetGroupArn")}
        rule = str(further.get("productionListenerRule") or "")
        there = ways.of_listener(answers, _RULE.sub(r"\1listener/\2", rule)) if rule else counted
        places |= {way.place for way in there if way.group in groups}
        names = [each for tier in elb.tiers(settings, answers) for each in tier]
        places |= {elb.place_of(each) for each in names if each["LoadBalancerName"] == balancer.get("loadBalancerName")}
    return first_of(places) if places else ""


def _counted(services: list[Service], settings: LiveSettings, answers: Answers) -> list[Way]:
    """The ways that count: internal listeners do where none from the internet leads to a service."""
    groups = {balancer.get("targetGroupArn") for service in services for balancer in service.balancers}
    tiers = ways.tiers(settings, answers)
    return next((tier for tier in tiers if any(way.group in groups for way in tier)), [])


def _add(reached: Reached, service: Service, where: str, answers: Answers, inventory: Inventory) -> bool:
    """Count a service; False where it is not known whose it is."""
    ids, revisions, without_machines = ecs_services.running_on(service, answers)
    tasks = "1 task" if service.running == 1 else f"{service.running} tasks"
    of = f" of {' and '.join(sorted(revisions))}" if revisions else ""
    place = f"ECS service {service.name} ({tasks}{of}) behind {where}"
    cluster = inventory.ownership.named(service.tags)
    if cluster:
        reached.places[cluster].add(place)
    for machine in ids:
        reached.add(inventory.on("instance", machine), place)
    known = bool(ids or without_machines) and not inventory.missing(ids)
    return bool(cluster) or known
