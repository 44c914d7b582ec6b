"""Targets that were taken out of a cluster that was live, for example by another tag.

Machines are followed to what hangs on them by resolving the targets once more, as if the machines had their old tag.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from attrs import evolve

from guardrails.resolve.inventory import Inventory
from guardrails.resolve.region import is_about_machines
from guardrails.resolve.resources.registry import targets_of
from guardrails.values import Answer, Call, Past, Target


def with_taken_out(
    call: Call,
    answers: Mapping[str, Answer],
    targets: tuple[Target, ...],
    past: Past,
    inventory_of: Callable[[Mapping[str, Answer]], Inventory],
) -> tuple[Target, ...]:
    """The targets, each with the clusters that it, or a machine on it, was taken out of: the fact `taken_out`."""
    if not past.taken_out:
        return targets
    inventory = inventory_of(answers)
    old = {name: max(times, key=times.__getitem__) for name, times in past.taken_out.items() if times}
    moved = {name: cluster for name, cluster in old.items() if name in inventory.known}
    when: dict[str, float] = {}
    for name, cluster in moved.items():
        when[cluster] = max(when.get(cluster, 0.0), past.taken_out[name][cluster])
    before = targets
    if moved:
        tag = inventory.ownership.tags[0]
        retagged = {
            key: _retagged(answer, moved, tag) if is_about_machines(key) else answer for key, answer in answers.items()
        }
        before = targets_of(call, retagged, inventory_of(retagged), ())
    return tuple(_taken_out(now, then, when, past) for now, then in zip(targets, before, strict=True))


def _taken_out(now: Target, then: Target, when: Mapping[str, float], past: Past) -> Target:
    times = {name: when[name] for name in then.clusters if name in when and name not in now.clusters}
    times |= past.taken_out.get(now.id, {})
    return evolve(now, facts={**now.facts, "taken_out": times}) if times else now


def _retagged(answer: Answer, clusters: Mapping[str, str], tag: str) -> Answer:
    """The answer as if these machines had the cluster tag with these values."""
    return evolve(answer, items=tuple(_reservation(item, clusters, tag) for item in answer.items))


def _reservation(item: Mapping[str, Any], clusters: Mapping[str, str], tag: str) -> Mapping[str, Any]:
    machines = []
    for machine in item.get("Instances") or ():
        others = [each for each in machine.get("Tags") or () if each.get("Key") != tag]
        cluster = clusters.get(machine["InstanceId"])
        machines.append({**machine, "Tags": [*others, {"Key": tag, "Value": cluster}]} if cluster else machine)
    return {**item, "Instances": machines}
