"""Stage 3: what AWS says about the targets of a call, and which clusters they carry.

`plan()` says which look-ups a call needs, `followups()` which ones their answers call for, `targets_of()` turns all
answers into facts. All are pure; the requests are made in between, by lookups.py. A file per family of resources:

    inventory.py   the machines and addresses of the region, indexed by what they carry
    machines.py    instances, volumes, fleets
    subnets.py     subnets
    interfaces.py  network interfaces, private addresses
    routing.py     route tables, network ACLs, NAT gateways
    addresses.py   Elastic IPs by allocation id, association id or address, and address ranges
    groups.py      Auto Scaling groups
    health.py      whether a cluster passes EC2's status checks
    used.py        what machines were launched from or with, and what AWS's own tags say that they belong to
    described.py   what descriptions tie to a network, a machine or a volume: gateways, endpoints, templates …
    balancers.py   load balancers, their listeners and target groups
    accelerators.py, names.py, stacks.py, roles.py   Global Accelerator, Route 53, CloudFormation, IAM
    marked.py      whatever carries the cluster tag: databases, caches, buckets, container clusters
    selectors.py   selectors by tag, and the whole region
    others.py      tag targets of any type, ARNs, the Parameter Store live pointer
    untraced.py    what cannot be traced
"""

from __future__ import annotations

from collections.abc import Mapping

from guardrails.aws import resource_ids
from guardrails.resolve import health
from guardrails.resolve.inventory import INSTANCES, Inventory
from guardrails.resolve.resources import (
    autoscaling,
    by_arn,
    by_cluster_tag,
    by_selector,
    cloudformation,
    ec2_elastic_ips,
    ec2_instances,
    ec2_interfaces,
    ec2_launched_with,
    ec2_others,
    ec2_routing,
    ec2_subnets,
    elb,
    globalaccelerator,
    iam,
    route53,
    untraceable,
)
from guardrails.resolve.resources.resolver import Context, Resolver
from guardrails.values import Answer, Call, Cluster, Live, Lookup, Past, Target, TargetRef

_RESOLVERS: Mapping[str, Resolver] = {
    **ec2_instances.RESOLVERS,
    **ec2_subnets.RESOLVERS,
    **ec2_interfaces.RESOLVERS,
    **ec2_routing.RESOLVERS,
    **ec2_elastic_ips.RESOLVERS,
    **autoscaling.RESOLVERS,
    **ec2_launched_with.RESOLVERS,
    **ec2_others.RESOLVERS,
    **elb.RESOLVERS,
    **globalaccelerator.RESOLVERS,
    **route53.RESOLVERS,
    **cloudformation.RESOLVERS,
    **iam.RESOLVERS,
    **by_cluster_tag.RESOLVERS,
    **by_selector.RESOLVERS,
    **by_arn.RESOLVERS,
    **untraceable.RESOLVERS,
}
UNTRACED = untraceable.UNTRACED
NO_PAST = Past()

__all__ = ["UNTRACED", "Inventory", "clusters_of", "followups", "known_types", "plan", "targets_of"]


def known_types() -> frozenset[str]:
    """The target types that can be resolved; the catalogue may use no other."""
    return frozenset(_RESOLVERS)


def plan(call: Call, cluster_tag: str) -> tuple[Lookup, ...]:
    """The look-ups that answer every target of the call, however many; the machines are always one of them."""
    wanted = {INSTANCES.key(): INSTANCES}
    for kind in {target.type for target in call.targets}:
        for lookup in _RESOLVERS[kind].lookups(call, cluster_tag):
            wanted[lookup.key()] = lookup
    for lookup in health.lookups(call):
        wanted[lookup.key()] = lookup
    return tuple(wanted.values())


def followups(call: Call, answers: Mapping[str, Answer]) -> tuple[Lookup, ...]:
    """What the answers call for, for the few types that hang on machines at two removes. There is no third round."""
    kinds = {target.type for target in call.targets}
    return tuple(lookup for kind in sorted(kinds) for lookup in _RESOLVERS[kind].followups(call, answers))


def targets_of(
    call: Call, answers: Mapping[str, Answer], inventory: Inventory, live_clusters: tuple[str, ...]
) -> tuple[Target, ...]:
    """Every target of the call, resolved or not; one that several ids name appears once per id."""
    context = Context(call, answers, inventory, live_clusters)
    return tuple(_mistaken(ref) or _RESOLVERS[ref.type].resolve(ref, context) for ref in call.targets)


def _mistaken(ref: TargetRef) -> Target | None:
    """A target whose id is of another type than the operation takes: a volume's where a machine's should be."""
    found = resource_ids.type_of(ref.id)
    if found is None or found == ref.type or ref.type not in resource_ids.TYPES:
        return None
    mismatch = f"it is {resource_ids.noun(found)}, where {resource_ids.noun(ref.type)} should be"
    return Target(ref.id, ref.type, ref.role, resolved=False, facts={"mismatch": mismatch})


def clusters_of(
    answers: Mapping[str, Answer], inventory: Inventory, targets: tuple[Target, ...], live: Live, past: Past = NO_PAST
) -> tuple[Cluster, ...]:
    """Every cluster of the region, counted with and without the machines that this call names."""
    named = {target.id for target in targets if target.type == "instance" and target.role == "target"}
    healthy = health.by_cluster(answers, inventory)
    clusters = []
    for name in sorted(set(inventory.members) | set(live.clusters)):
        members = inventory.members.get(name, ())
        running = [machine for machine in members if machine.state == "running"]
        present = [machine for machine in members if machine.present]
        clusters.append(
            Cluster(
                name=name,
                live=name in live.clusters,
                running=len(running),
                total=len(present),
                targeted=sum(machine.id in named for machine in present),
                remaining=sum(machine.id not in named for machine in running),
                in_flight=sum(machine.state == "shutting-down" for machine in members),
                public_ips=tuple(sorted({ip for machine in present for ip in inventory.elastic_ips_of(machine.id)})),
                subnets=tuple(sorted({subnet for machine in present for subnet in machine.subnets})),
                healthy=healthy.get(name),
                live_since=past.live_since.get(name),
                retired_at=past.retired_at.get(name),
            )
        )
    return tuple(clusters)
