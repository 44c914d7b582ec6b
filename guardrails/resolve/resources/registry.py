"""Stage 3: what AWS says about the targets of a call, and which clusters they carry.

`plan()` says which look-ups a call needs, `followups()` which ones their answers call for, `targets_of()` turns all
answers into facts. All are pure; the requests are made in between, by lookups.py. A file for each family of resources:

    ec2_instances, ec2_volumes, ec2_subnets, ec2_interfaces, ec2_routing, ec2_elastic_ips, autoscaling
                       what machines are, have, stand in and are reached by
    ec2_leftovers      security groups and images that nothing uses
    ec2_new_entries    what a new route, range of a VPC or entry of a network ACL takes
    ec2_key_pairs      groups that start machines with a key pair
    application_autoscaling, budgets, elb, fis, organizations, route53, cloudformation, rds, cloudfront, codedeploy,
    lightsail, scheduler, servicecatalog
                       the service of that name
    cloudformation_changes  what a change set takes away or changes in place
    cloudformation_new  what a stack or a change set creates
    autoscaling_later  what a schedule or a scaling policy does to the size of a group
    elb_new_rule       whom a new rule of a listener takes requests from
    elb_new_actions    who gets requests by new actions of a listener or a rule
    route53_new        names that a new record or a private zone takes
    route53_names      a DNS name alone, as stacks show records
    route53_domains    registered domains, by their hosted zones
    route53_zones      hosted zones, and whether all of their records are known
    rds_deployments    what deleting a blue/green deployment leaves
    launch_sources     what Auto Scaling groups start machines from
    by_aws_tag         EKS node groups and Elastic Beanstalk, by the tags that AWS writes on machines
    by_cluster_tag     resources with the cluster tag: caches, buckets, container clusters
    by_own_service     resources of the call's own service, by each spelling of their names
    by_selector        selectors by tag, the whole region, where an automation runs
    by_arn             ARNs, ids that tagging calls name, the Parameter Store parameter that names the live cluster
    following          everything else, by the tables of trails in the files of each service
    untraceable        types that cannot be traced

They share resolver.py (what a resolver is), compound.py (targets that are made of others, such as stacks), trail.py and
ends.py (how a resource is followed, and where to), arns.py (which ARN a name means), ec2_occupants.py (who depends on a
network) and machines.py (types that stand for machines).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from functools import cached_property

from guardrails.aws import resource_ids
from guardrails.resolve import health
from guardrails.resolve.inventory import INSTANCES, Inventory
from guardrails.resolve.lists import Lists
from guardrails.resolve.machine import Machine
from guardrails.resolve.ownership import NAMED
from guardrails.resolve.resources import compound, ec2_elastic_ips, ec2_instances, machines, untraceable
from guardrails.resolve.resources.resolver import Context, Resolver, merged
from guardrails.values import EMPTY_ID, Answer, Call, Cluster, Live, Lookup, Past, Target, TargetRef


class _Resolvers(Mapping[str, Resolver]):
    """The resolver of each type: machines and their addresses at once, all others when a call has another target."""

    def __getitem__(self, kind: str) -> Resolver:
        return _FIRST.get(kind) or self._all[kind]

    def __iter__(self) -> Iterator[str]:
        return iter(self._all)

    def __len__(self) -> int:
        return len(self._all)

    @cached_property
    def _all(self) -> Mapping[str, Resolver]:
        from guardrails.resolve.resources import every_type  # noqa: PLC0415  (60 modules, a tenth of a start)

        return {**every_type.RESOLVERS, **_FIRST}


_FIRST = {**ec2_instances.RESOLVERS, **ec2_elastic_ips.RESOLVERS}
_RESOLVERS = _Resolvers()
UNTRACED = untraceable.UNTRACED
NO_PAST = Past()

__all__ = ["NO_PAST", "UNTRACED", "Inventory", "asks", "clusters_of", "followups", "known_types", "plan", "targets_of"]


def known_types() -> frozenset[str]:
    """The target types that can be resolved; the catalogue may use no other."""
    return frozenset(_RESOLVERS)


def asks() -> tuple[Lookup, ...]:
    """Every look-up that the target of some call needs, without its parameters; each operation once."""
    everything = (INSTANCES, health.STATUS, *(lookup for each in _RESOLVERS.values() for lookup in each.asks))
    return tuple({lookup.permission: lookup for lookup in everything}.values())


def plan(call: Call, keys: tuple[str, ...]) -> tuple[Lookup, ...]:
    """The look-ups that answer every target of the call, however many; the machines are always one of them."""
    call = call.as_native
    wanted = [INSTANCES, *health.lookups(call)]
    for kind in sorted({target.type for target in call.targets}):
        wanted += _RESOLVERS[kind].lookups(call, keys)
    return tuple({lookup.key(): lookup for lookup in wanted}.values())


def followups(call: Call, answers: Mapping[str, Answer], keys: tuple[str, ...]) -> tuple[Lookup, ...]:
    """What the answers call for: for types that take two steps to reach machines, and for what targets are made of.

    To be asked again with the answers to these, until nothing new comes up: a stack in a stack takes one more round.
    """
    call = call.as_native
    kinds = {target.type for target in call.targets}
    own = (lookup for kind in sorted(kinds) for lookup in _RESOLVERS[kind].followups(call, answers))
    return (*own, *compound.followups(call, answers, keys, _RESOLVERS))


def targets_of(
    call: Call,
    answers: Mapping[str, Answer],
    inventory: Inventory,
    live_clusters: tuple[str, ...],
    pointer: str | None = None,
    lists: Lists | None = None,
) -> tuple[Target, ...]:
    """Every target of the call, resolved or not; one that several ids name appears once per id.

    `pointer` is the Parameter Store parameter that names the live cluster, None without one. What the targets take of
    `lists`, and these do not have, is open there.
    """
    call = call.as_native
    context = Context(call, answers, inventory, live_clusters, pointer, lists or Lists(answers))
    return tuple(_mistaken(ref) or compound.resolve(ref, context, _RESOLVERS) for ref in call.targets)


def _mistaken(ref: TargetRef) -> Target | None:
    """A target whose id is empty, or of another type than the operation expects: a volume's instead of a machine's."""
    if ref.id == EMPTY_ID:
        mismatch = "the id is empty; check the variable that it came from"
        return Target(ref.id, ref.type, ref.role, resolved=False, facts={"mismatch": mismatch})
    actual = resource_ids.type_of(ref.id)
    if actual is None or actual == ref.type or ref.type not in resource_ids.TYPES:
        return None
    mismatch = f"it is {resource_ids.noun(actual)}, but this call expects {resource_ids.noun(ref.type)}"
    return Target(ref.id, ref.type, ref.role, resolved=False, facts={"mismatch": mismatch})


def clusters_of(
    answers: Mapping[str, Answer], inventory: Inventory, targets: tuple[Target, ...], live: Live, past: Past = NO_PAST
) -> tuple[Cluster, ...]:
    """Every cluster that is known whole, counted with and without the machines that this call names."""
    targeted = machines.taken_by(targets)
    healthy = health.by_cluster(answers, inventory)
    return tuple(
        _cluster(name, inventory, targeted, live, past, healthy.get(name))
        for name in sorted({*inventory.clusters, *live.clusters})
    )


def _cluster(
    name: str, inventory: Inventory, targeted: Iterable[str], live: Live, past: Past, healthy: bool | None
) -> Cluster:
    members: list[Machine] = inventory.clusters.get(name, [])
    present = [machine for machine in members if machine.present]
    running = [machine for machine in members if machine.state == "running"]
    return Cluster(
        name=name,
        live=name in live.clusters,
        running=len(running),
        total=len(present),
        targeted=sum(machine.id in targeted for machine in present),
        remaining=sum(machine.id not in targeted for machine in running),
        in_flight=sum(machine.state == "shutting-down" for machine in members),
        public_ips=merged(*(inventory.elastic_ips_of(machine.id) for machine in present)),
        subnets=merged(*(machine.subnets for machine in present)),
        healthy=healthy,
        live_since=past.live_since.get(name),
        retired_at=past.retired_at.get(name),
        was_live_until=past.was_live_until.get(name),
        kind=inventory.kinds.get(name, NAMED),
        stopping=sum(machine.state == "stopping" for machine in members),
    )
