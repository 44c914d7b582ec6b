"""The clusters of Auto Scaling groups that load balancers send requests to, by their machines and their tag.

https://docs.aws.amazon.com/autoscaling/ec2/userguide/ec2-auto-scaling-lifecycle.html
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from guardrails.config.settings import LiveSettings
from guardrails.resolve.balancers import CLASSIC
from guardrails.resolve.inventory import Inventory
from guardrails.resolve.live import elb, ways
from guardrails.resolve.live.reached import Reached, first_of
from guardrails.resolve.live.source import Source
from guardrails.resolve.live.ways import Answers
from guardrails.resolve.resources.autoscaling import GROUPS, clusters_of_group
from guardrails.resolve.resources.resolver import tags_of
from guardrails.values import Lookup, SourceReport

Group = Mapping[str, Any]
_LATTICE = "vpc-lattice"
# A machine in one of these states gets no requests from the group's balancers, or soon none.
_AWAY = ("Standby", "EnteringStandby", "Terminat", "Detach", "Warmed")


class AutoScalingGroups(Source):
    """A group behind a target group with a share of the requests, or behind a classic balancer, makes its cluster live.

    That is the cluster of its machines, without those in standby, and the one it tags new machines with. Which
    listeners and classic balancers count is as for the sources `target-group` and `elb`.
    """

    name = "asg"
    asks = (*ways.ASKS, CLASSIC)

    def lookups(self, _settings: LiveSettings, /) -> tuple[Lookup, ...]:
        """The Auto Scaling groups of the region."""
        return (GROUPS,)

    def followups(self, _settings: LiveSettings, answers: Answers, /) -> tuple[Lookup, ...]:
        """What their target groups and classic balancers get."""
        groups = _behind_balancers(answers)
        targets = ways.lookups(answers) if any(_target_groups(group) for group in groups) else ()
        return (*targets, *((CLASSIC,) if any(_classic(group) for group in groups) else ()))

    def observe(self, settings: LiveSettings, answers: Answers, inventory: Inventory, /) -> SourceReport:
        """The clusters of the groups that get requests."""
        groups = _behind_balancers(answers)
        asked = (GROUPS, *self.followups(settings, answers))
        oldest = min(answers[lookup.key()].observed_at for lookup in asked)
        if not groups:
            return SourceReport(self.name, (), oldest, "no Auto Scaling group has a load balancer", silent=True)
        for fed in _tiers(settings, answers):
            serving = {group["AutoScalingGroupName"]: where for group in groups if (where := _fed(group, fed))}
            counted = [group for group in groups if group["AutoScalingGroupName"] in serving]
            hidden = [group["AutoScalingGroupName"] for group in counted if inventory.missing(_active(group))]
            if hidden:
                sentence = f"{first_of(hidden)} has machines that AWS does not show"
                return SourceReport(self.name, (), oldest, sentence, blind=True)
            reached = Reached()
            for group in counted:
                _add(reached, group, serving[group["AutoScalingGroupName"]], inventory)
            if reached.clusters:
                sentence = reached.sentence("is in Auto Scaling group", inventory.cluster_tag)
                return SourceReport(self.name, reached.clusters, oldest, sentence)
        sentence = "no Auto Scaling group of a cluster gets requests from its load balancer"
        return SourceReport(self.name, (), oldest, sentence)


def _behind_balancers(answers: Answers) -> list[Group]:
    answer = answers.get(GROUPS.key())
    groups = answer.items if answer else ()
    return [group for group in groups if _target_groups(group) or _classic(group) or _sources(group, _LATTICE)]


def _target_groups(group: Group) -> set[str]:
    return {*(group.get("TargetGroupARNs") or ()), *_sources(group, "elbv2")}


def _classic(group: Group) -> set[str]:
    return {*(group.get("LoadBalancerNames") or ()), *_sources(group, "elb")}


def _sources(group: Group, kind: str) -> list[str]:
    return [each["Identifier"] for each in group.get("TrafficSources") or () if each.get("Type") == kind]


def _tiers(settings: LiveSettings, answers: Answers) -> Iterable[dict[str, str]]:
    """What gets requests, with the place: target groups by ARN, classic balancers by name; those that count first."""
    of_groups = [{way.group: way.place for way in tier} for tier in ways.tiers(settings, answers)]
    of_classic = [
        {each["LoadBalancerName"]: elb.place_of(each) for each in tier} for tier in elb.tiers(settings, answers)
    ]
    for number in range(max(len(of_groups), len(of_classic), 1)):
        yield {
            key: place for tiers in (of_groups, of_classic) for key, place in dict(*tiers[number : number + 1]).items()
        }


def _fed(group: Group, fed: Mapping[str, str]) -> str:
    """From where a group gets requests, "" where it gets none."""
    places = [fed[name] for name in sorted(_target_groups(group) | _classic(group)) if name in fed]
    # No look-up shows what a service of VPC Lattice sends, so each of its target groups counts.
    places += [f"VPC Lattice, {name}" for name in _sources(group, _LATTICE)]
    return first_of(places) if places else ""


def _active(group: Group) -> list[str]:
    members = group.get("Instances") or ()
    return [each["InstanceId"] for each in members if not str(each.get("LifecycleState")).startswith(_AWAY)]


def _add(reached: Reached, group: Group, where: str, inventory: Inventory) -> None:
    active, desired = _active(group), group.get("DesiredCapacity")
    place = f"{group['AutoScalingGroupName']} ({len(active)} of {desired} machines active) behind {where}"
    for name in active:
        reached.add(inventory.on("instance", name), place)
    # What it has not started yet is its own, where no tag says whose.
    named = inventory.ownership.named(tags_of(group))
    own = [named] if named else [] if active else clusters_of_group(group, inventory)
    for cluster in own if active or desired else ():
        reached.places[cluster].add(place)
