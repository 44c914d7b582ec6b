"""Load balancers and target groups: they carry the clusters of the machines that are registered with them.

A load balancer takes two rounds of look-ups: which target groups it has, and what is in those.
https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_DescribeTargetHealth.html
"""

from __future__ import annotations

from collections.abc import Iterable

from attrs import evolve

from guardrails.resolve.balancers import (
    GROUPS,
    LISTENERS,
    REGISTERED,
    balancer_of,
    confirmed,
    control,
    machines_of,
    receiving,
    registered_with,
    target_id,
)
from guardrails.resolve.resources.elb_members import TAGS, is_machine, own_tags, tagged
from guardrails.resolve.resources.machines import clusters_of
from guardrails.resolve.resources.resolver import (
    Answers,
    Context,
    Item,
    Resolver,
    merged,
    named,
    strings,
    tags_of,
    uncertain,
    unknown,
)
from guardrails.values import Call, Lookup, Target, TargetRef

_FORWARDS = "DefaultActions[].[TargetGroupArn, ForwardConfig.TargetGroups[].TargetGroupArn][][]"


def _groups_of(balancer: str) -> Lookup:
    return GROUPS.about(LoadBalancerArn=balancer_of(balancer))


def _listeners_of(balancer: str) -> Lookup:
    return LISTENERS.about(LoadBalancerArn=balancer_of(balancer))


def _described(group: str) -> Lookup:
    return GROUPS.about(TargetGroupArns=[group])


def _controls(groups: Iterable[Item], answers: Answers) -> tuple[Lookup, ...]:
    return tuple(lookup for group in groups if (lookup := control(group, answers)))


def _proved(groups: Iterable[Item], context: Context) -> bool:
    """Whether these groups have members, or AWS confirms for each machine of their network that it is not one."""
    empty = [group for group in groups if not context.items(registered_with(group["TargetGroupArn"]))]
    return all(confirmed(lookup, context.items(lookup)) for lookup in _controls(empty, context.answers))


def _ids_in(groups: Iterable[str], context: Context) -> list[str]:
    """What is registered with these groups: machines, addresses, functions, other load balancers."""
    items = [item for group in groups for item in context.items(registered_with(group))]
    return [target_id(item) for item in items]


def _serving(ref: TargetRef, kind: str, members: Iterable[str], context: Context) -> Target:
    """A target that brings traffic to these members."""
    members = [*members]
    machines = [machine for member in members for machine in machines_of(member, context.inventory)]
    missing = context.inventory.missing(member for member in members if member.startswith("i-"))
    facts = uncertain({machine.id for machine in machines if machine.cluster is None}, missing)
    tags = {key: value for item in context.items(own_tags(ref.id)) for key, value in tags_of(item).items()}
    own = context.inventory.ownership.named(tags)
    strange = sorted(
        {member for member in members if not member.startswith("i-") and not machines_of(member, context.inventory)}
    )
    if strange and not own:
        # A container's address, a function, another load balancer: no machine shows whose it is.
        facts.update({"traced": False, "look_at": strange})
    clusters = context.inventory.carried(tags, clusters_of(machines))
    return Target(ref.id, kind, ref.role, resolved=not missing, clusters=clusters, tags=tags, facts=facts)


def _group_lookups(call: Call, _keys: tuple[str, ...]) -> tuple[Lookup, ...]:
    groups = [group for group in named(call, "target-group") if group.startswith("arn:")]
    return tuple(lookup for group in groups for lookup in (_described(group), registered_with(group), own_tags(group)))


def _group_followups(call: Call, answers: Answers) -> tuple[Lookup, ...]:
    groups = [group for group in named(call, "target-group") if group.startswith("arn:")]
    empty = [group for group in groups if not answers[registered_with(group).key()].items]
    return _controls([item for group in empty for item in answers[_described(group).key()].items], answers)


def _group(ref: TargetRef, context: Context) -> Target:
    if not ref.id.startswith("arn:"):
        return unknown(ref, "target-group")
    groups = context.items(_described(ref.id))
    if not groups or not _proved(groups, context):
        return unknown(ref, "target-group")
    return _serving(ref, "target-group", _ids_in([ref.id], context), context)


def _balancer_lookups(call: Call, _keys: tuple[str, ...]) -> tuple[Lookup, ...]:
    names = named(call, "load-balancer")
    return tuple(lookup for name in names for lookup in (_groups_of(name), _listeners_of(name), own_tags(name)))


def _balancer_followups(call: Call, answers: Answers) -> tuple[Lookup, ...]:
    lookups = [_groups_of(name) for name in named(call, "load-balancer")]
    groups = [group for lookup in lookups for group in answers[lookup.key()].items]
    return (*(registered_with(group["TargetGroupArn"]) for group in groups), *_controls(groups, answers))


def _balancer(ref: TargetRef, context: Context) -> Target:
    groups = context.items(_groups_of(ref.id))
    arns = [group["TargetGroupArn"] for group in groups]
    forwarded = {arn for item in context.items(_listeners_of(ref.id)) for arn in strings(_FORWARDS, item)}
    if not forwarded <= {*arns} or not _proved(groups, context):
        return unknown(ref, "load-balancer")
    return _serving(ref, "load-balancer", _ids_in(arns, context), context)


def _of_group(call: Call) -> str:
    """The group that members are taken out of; "" where they only join one, or are no targets of a balancer."""
    leaving = any(target.type == "elb-target" and target.role == "target" for target in call.targets)
    group = str(call.params.get("TargetGroupArn") or "")
    return group if leaving and group.startswith("arn:") else ""


def _member_followups(call: Call, answers: Answers) -> tuple[Lookup, ...]:
    """Tags of the balancers of a group, which say whose a member is that is no machine."""
    group = _of_group(call)
    if not group or all(map(is_machine, named(call, "elb-target"))):
        return ()
    described = answers[_described(group).key()].items if _described(group).key() in answers else ()
    return tuple(own_tags(balancer) for item in described for balancer in item.get("LoadBalancerArns") or ())


def _member(ref: TargetRef, context: Context) -> Target:
    """A machine, an address, or something else: a function, another load balancer.

    A machine that is gone may still be registered, and must be taken out. So may anything else that gets no requests.
    """
    machines = machines_of(ref.id, context.inventory)
    facts = uncertain({machine.id for machine in machines if machine.cluster is None})
    facts = {**facts, "instances": sorted(machine.id for machine in machines)}
    held = merged(*(context.inventory.elastic_ips_of(machine.id) for machine in machines))
    clusters = clusters_of(machines)
    target = Target(ref.id, "elb-target", ref.role, resolved=True, clusters=clusters, public_ips=held, facts=facts)
    group = _of_group(context.call)
    if machines or is_machine(ref.id) or not group or not _gets_requests(ref.id, group, context):
        return target
    balancers = [name for item in context.items(_described(group)) for name in item.get("LoadBalancerArns") or ()]
    clusters = tagged((group, *balancers), context)
    facts = facts if clusters or not balancers else {**facts, "traced": False, "look_at": balancers}
    return evolve(target, clusters=clusters, facts=facts)


def _gets_requests(member: str, group: str, context: Context) -> bool:
    return any(target_id(item) == member for item in receiving(context.items(registered_with(group))))


_BALANCER_ASKS = (GROUPS, LISTENERS, REGISTERED, TAGS)

RESOLVERS = {
    "target-group": Resolver(_group, (GROUPS, REGISTERED, TAGS), _group_lookups, _group_followups),
    "load-balancer": Resolver(_balancer, _BALANCER_ASKS, _balancer_lookups, _balancer_followups),
    "elb-target": Resolver(_member, (GROUPS, REGISTERED, TAGS), lambda _call, _tag: (), _member_followups),
}
