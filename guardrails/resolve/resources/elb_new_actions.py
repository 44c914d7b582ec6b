"""New actions of a listener or a rule: who gets its requests from then on, and who got them before.

Groups of one cluster may hand requests to each other, as a deployment inside of the cluster does.
https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_ModifyRule.html
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from attrs import evolve

from guardrails.resolve.balancers import LISTENERS, RULES, registered_with, weights
from guardrails.resolve.changes.rows import left_alone
from guardrails.resolve.resources import elb
from guardrails.resolve.resources.elb_members import TAGS, members, tag_lookups
from guardrails.resolve.resources.resolver import Answers, Context, Resolver, named
from guardrails.values import Call, Lookup, Target, TargetRef

_BALANCER = elb.RESOLVERS["load-balancer"]
_SPARED = "the requests go to healthy members of the same cluster"


def _groups(actions: Iterable[Mapping[str, Any]] | None) -> list[str]:
    """The target groups that get requests by these actions; none where one of them does anything else."""
    actions = [*(actions or ())]
    if any(action.get("Type") != "forward" for action in actions):
        return []
    return sorted({group for group, weight in weights(actions) if weight})


def _resolver(kind: str, member: str, lookup: Lookup, parameter: str) -> Resolver:
    def asked(name: str) -> Lookup:
        return lookup.about(**{parameter: [name]})

    def both(call: Call, answers: Answers) -> tuple[list[str], list[str]]:
        """The groups before and after."""
        keys = [asked(name).key() for name in named(call, kind)]
        items = [item for key in keys if key in answers for item in answers[key].items]
        return _groups(items[0].get(member) if len(items) == 1 else None), _groups(call.params.get(member))

    def as_balancer(call: Call) -> Call:
        return evolve(call, targets=tuple(evolve(target, type="load-balancer") for target in call.targets))

    def lookups(call: Call, keys: tuple[str, ...]) -> tuple[Lookup, ...]:
        return (*_BALANCER.lookups(as_balancer(call), keys), *(asked(name) for name in named(call, kind)))

    def followups(call: Call, answers: Answers) -> tuple[Lookup, ...]:
        groups = sorted({group for side in both(call, answers) for group in side})
        own = (*(registered_with(group) for group in groups), *tag_lookups(groups, named(call, kind), answers))
        return (*_BALANCER.followups(as_balancer(call), answers), *own)

    def resolve(ref: TargetRef, context: Context) -> Target:
        target = _BALANCER.resolve(ref, context)
        before, after = both(context.call, context.answers)
        rest = context.call.params.keys() - {member} - left_alone(context.call, context.answers)
        if rest or not _same_cluster(ref.id, before, after, context):
            return target
        return evolve(target, facts={**target.facts, "spared": _SPARED})

    return Resolver(resolve, (*_BALANCER.asks, lookup, TAGS), lookups, followups)


def _same_cluster(name: str, before: list[str], after: list[str], context: Context) -> bool:
    """Whether all who get the requests are healthy, and of the clusters of those who got them."""
    if not before or not after:
        return False
    had, have = members(before, [name], context), members(after, [name], context)
    states = [(item.get("TargetHealth") or {}).get("State") for group in after for item in _items(group, context)]
    known = not (had.strange or have.strange) and all(
        machine.cluster for each in (had, have) for machine in each.machines
    )
    return bool(have.clusters) and known and have.clusters == had.clusters and {*states} == {"healthy"}


def _items(group: str, context: Context) -> Iterable[Mapping[str, Any]]:
    items = context.items(registered_with(group))
    # A group without members answers no one.
    return items or [{}]


RESOLVERS = {
    "listener-actions": _resolver("listener-actions", "DefaultActions", LISTENERS, "ListenerArns"),
    "rule-actions": _resolver("rule-actions", "Actions", RULES, "RuleArns"),
}
