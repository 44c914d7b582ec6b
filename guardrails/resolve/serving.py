"""How many machines of a cluster serve, by the parameter `remaining.of`.

``running`` machines need no look-up. ``healthy`` ones run, pass both status checks of EC2, and are healthy or draining
behind a load balancer if they are registered with one. ``desired`` is what its Auto Scaling groups should have, and
its running machines outside of groups.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping

from attrs import evolve

from guardrails.config.settings import Settings
from guardrails.resolve import health
from guardrails.resolve.balancers import machines_of, not_serving
from guardrails.resolve.inventory import Inventory
from guardrails.resolve.resources.autoscaling import GROUPS, clusters_of_group
from guardrails.resolve.resources.machines import taken_by
from guardrails.values import Answer, Call, Cluster, Lookup, Target

Answers = Mapping[str, Answer]
_ASKED: Mapping[str, tuple[Lookup, ...]] = {"healthy": (health.STATUS,), "desired": (GROUPS,)}


def counted_machines(settings: Settings) -> str:
    """The parameter `remaining.of` of this configuration."""
    return str((settings.params.get("remaining") or {}).get("of", "running"))


def lookups(call: Call, of: str) -> tuple[Lookup, ...]:
    """What counting takes, for a call that takes machines down, or out of service."""
    return _ASKED.get(of, ()) if {"terminate", "stop"} & {*call.effects} or call.takes_out else ()


def counted(
    clusters: tuple[Cluster, ...], of: str, answers: Answers, inventory: Inventory, targets: Iterable[Target]
) -> tuple[Cluster, ...]:
    """The clusters, with how many machines serve now, and how many of those the call names."""
    if not {"healthy": health.passing(answers) is not None, "desired": GROUPS.key() in answers}.get(of, True):
        return clusters
    named = taken_by(targets)
    sizes = _desired(answers, inventory) if of == "desired" else Counter[str]()
    result = []
    for cluster in clusters:
        running = {each.id for each in inventory.clusters.get(cluster.name, ()) if each.state == "running"}
        members = _healthy(running, answers, inventory) if of == "healthy" else running
        count = sizes[cluster.name] if of == "desired" else len(members)
        result.append(evolve(cluster, serving=count, serving_targeted=len(members & named)))
    return tuple(result)


def _healthy(running: set[str], answers: Answers, inventory: Inventory) -> set[str]:
    """Those that serve. Where none is healthy, a balancer sends requests to all of them, so all count."""
    unfit = {machine.id for name in not_serving(answers) for machine in machines_of(name, inventory)}
    return ((running & (health.passing(answers) or set())) - unfit) or running


def _desired(answers: Answers, inventory: Inventory) -> Counter[str]:
    """How many machines each cluster should have."""
    groups = answers[GROUPS.key()].items
    sizes: Counter[str] = Counter()
    for group in groups:
        for cluster in clusters_of_group(group, inventory):
            sizes[cluster] += int(group.get("DesiredCapacity") or 0)
    in_groups = {each.get("InstanceId") for group in groups for each in group.get("Instances") or ()}
    alone = (each for each in inventory.known.values() if each.state == "running" and each.id not in in_groups)
    sizes.update(machine.cluster for machine in alone if machine.cluster)
    return sizes
