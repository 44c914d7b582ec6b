"""What AWS says before a cutover: what is live and why, the machines of both sides, their addresses and groups."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from attrs import frozen

from guardrails.config.settings import Settings
from guardrails.cutover.kinds import Clients
from guardrails.errors import ConfigError
from guardrails.guard import Guard
from guardrails.resolve import live
from guardrails.resolve.balancers import BALANCERS, GROUPS, listeners_of, machines_of, registered_with, target_id
from guardrails.resolve.health import STATUS, passing
from guardrails.resolve.inventory import ADDRESSES, INSTANCES, Inventory
from guardrails.resolve.live import endpoints, ways
from guardrails.resolve.live.endpoints import Endpoint
from guardrails.resolve.machine import Machine
from guardrails.resolve.ownership import Ownership
from guardrails.resolve.picture import inventory_of
from guardrails.resolve.region import Region
from guardrails.show.failures import failures_sentence
from guardrails.values import Answer, Cluster, Facts, Lookup

_ROUNDS = 30
# Each part has its own deadline: AWS answers only some look-ups of load balancers a second.
_AT_ONCE = 50
# How many machines one look-up of the status checks may name.
_IDS = 100


@frozen
class Situation:
    """What is there when a cutover is planned. `clients` are guarded."""

    settings: Settings
    guard: Guard
    clients: Clients
    source: str
    to: str
    facts: Facts
    answers: dict[str, Answer]
    inventory: Inventory

    def follow(self, host: str) -> Endpoint:
        """What is behind a name that AWS gave to something. Raises ConfigError."""
        for _ in range(_ROUNDS):
            asked = endpoints.lookups(("dns", host), self.answers)
            wanted = [lookup for lookup in asked if lookup.key() not in self.answers]
            if not wanted:
                break
            fetched = self.guard.probe(self.clients("ec2"), wanted)
            _raise_for(fetched.failures)
            self.answers.update(fetched.answers)
        return endpoints.follow(("dns", host), host, self.settings.live, self.answers, self.inventory)

    def machines(self, cluster: str) -> list[Machine]:
        """The machines of a cluster that are not terminated."""
        return [machine for machine in self.inventory.members_of(cluster) if machine.present]

    def cluster(self, name: str) -> Cluster | None:
        """What the guard counts of a cluster, None where it has no machines."""
        return next((each for each in self.facts.clusters if each.name == name), None)

    def groups(self) -> list[Mapping[str, Any]]:
        """Every target group, as DescribeTargetGroups returns it."""
        return [*self.answers[GROUPS.key()].items]

    def registered(self, group: str) -> list[Mapping[str, Any]]:
        """What is registered with a target group, with its health."""
        return [*self.answers[registered_with(group).key()].items]

    def clusters_behind(self, group: str) -> set[str | None]:
        """The clusters of what is registered with a target group; None among them for what belongs to none."""
        behind = [machines_of(target_id(item), self.inventory) for item in self.registered(group)]
        return {machine.cluster for machines in behind for machine in machines} | {None for each in behind if not each}

    @property
    def passing(self) -> set[str]:
        """The machines that pass EC2's status checks now."""
        return passing(self.answers) or set()


def look(guard: Guard, clients: Clients, source: str, to: str) -> Situation:
    """Look at both clusters. Raises ConfigError with what cannot be looked up, and what to do."""
    settings, ec2 = guard.settings, clients("ec2")
    facts = guard.live(ec2)
    _raise_for(facts.failures)
    if facts.problem:
        raise ConfigError(f"what is live cannot be determined: {facts.problem}")
    answers: dict[str, Answer] = {}
    ownership, wanted = Ownership.configured(settings), _first(settings)
    for _ in range(_ROUNDS):
        for start in range(0, len(wanted), _AT_ONCE):
            fetched = guard.probe(ec2, wanted[start : start + _AT_ONCE])
            _raise_for(fetched.required_failures)
            answers |= fetched.answers
        inventory = inventory_of(settings.live, ownership, answers, Region.of(answers))
        for name in (source, to):
            inventory.members_of(name)
        live.observe(settings.live, answers, inventory, ec2.meta.region_name) if _complete(settings, answers) else None
        wanted = [each for each in _more(settings, answers, inventory, to) if each.key() not in answers]
        if not wanted:
            return Situation(settings, guard, clients, source, to, facts, answers, inventory)
    raise ConfigError("the look-ups lead to ever further ones; look at what answers for EC2 between here and AWS")


def _first(settings: Settings) -> list[Lookup]:
    return [INSTANCES, ADDRESSES, GROUPS, BALANCERS, *live.lookups(settings.live)]


def _complete(settings: Settings, answers: Mapping[str, Answer]) -> bool:
    asked = (*live.lookups(settings.live), *live.followups(settings.live, answers))
    return all(lookup.key() in answers for lookup in asked)


def _more(settings: Settings, answers: Mapping[str, Answer], inventory: Inventory, to: str) -> Iterable[Lookup]:
    yield from live.followups(settings.live, answers)
    if "target-group" in settings.live.sources:
        # All ways, also those that do not change which cluster is live.
        yield from ways.lookups(answers)
    yield from inventory.further()
    yield from (registered_with(group["TargetGroupArn"]) for group in answers[GROUPS.key()].items)
    yield from (listeners_of(balancer["LoadBalancerArn"]) for balancer in answers[BALANCERS.key()].items)
    ids = sorted(machine.id for machine in inventory.members_of(to) if machine.state == "running")
    yield from (STATUS.about(InstanceIds=ids[start : start + _IDS]) for start in range(0, len(ids), _IDS))


def _raise_for(failures: Iterable[Any]) -> None:
    needed = [failure for failure in failures if not failure.optional]
    if needed:
        raise ConfigError(failures_sentence(needed))
