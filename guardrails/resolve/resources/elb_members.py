"""Whose the members of target groups are: a machine's by its cluster, all others by tags of the group or the balancer.

A container's address, a function or another load balancer has no cluster of its own that a look-up shows.
"""

from __future__ import annotations

from collections.abc import Iterable

from guardrails.resolve.balancers import balancer_of, machines_of, registered_with, target_id
from guardrails.resolve.machine import Machine
from guardrails.resolve.resources.machines import clusters_of
from guardrails.resolve.resources.resolver import Answers, Context, merged, tags_of
from guardrails.values import Lookup, frozen

TAGS = Lookup("elbv2", "DescribeTags", "TagDescriptions", empty_on=("LoadBalancerNotFound", "TargetGroupNotFound"))


@frozen
class Members:
    """What is registered with some target groups: machines, the clusters of all, and ids that nothing places."""

    ids: tuple[str, ...]
    machines: tuple[Machine, ...]
    clusters: tuple[str, ...]
    strange: tuple[str, ...]


def own_tags(name: str) -> Lookup:
    """The tags of a target group, or of the load balancer that a listener or a rule belongs to."""
    return TAGS.about(ResourceArns=[balancer_of(name)])


def is_machine(member: str) -> bool:
    """Whether a registered id is a machine's, so that the machine shows its cluster."""
    return member.startswith("i-")


def tag_lookups(groups: Iterable[str], balancers: Iterable[str], answers: Answers) -> tuple[Lookup, ...]:
    """The tags of the groups and balancers, where something else than machines is registered."""
    registered = {group: answers.get(registered_with(group).key()) for group in groups}
    with_others = [
        group
        for group, answer in registered.items()
        if answer and not all(is_machine(target_id(item)) for item in answer.items)
    ]
    return tuple(own_tags(name) for name in (*with_others, *balancers)) if with_others else ()


def members(groups: Iterable[str], balancers: Iterable[str], context: Context) -> Members:
    """The members of these groups. What is no machine belongs to the cluster in its group's tags, or its balancer's."""
    found = [(group, target_id(item)) for group in groups for item in context.items(registered_with(group))]
    machines = [machine for _, name in found for machine in machines_of(name, context.inventory)]
    others = {(group, name) for group, name in found if not (is_machine(name) or machines_of(name, context.inventory))}
    whose = {pair: tagged((pair[0], *balancers), context) for pair in others}
    return Members(
        ids=tuple(name for _, name in found),
        machines=tuple(machines),
        clusters=merged(clusters_of(machines), *whose.values()),
        strange=tuple(sorted({name for (_, name), clusters in whose.items() if not clusters})),
    )


def tagged(names: Iterable[str], context: Context) -> tuple[str, ...]:
    """The cluster in the tags of the first of these groups and balancers that has one."""
    for name in names:
        items = context.items(own_tags(name)) if own_tags(name).key() in context.answers else ()
        clusters = merged(context.inventory.ownership.named(tags_of(item)) for item in items)
        if clusters:
            return clusters
    return ()
