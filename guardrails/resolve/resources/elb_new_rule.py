"""A new rule of a listener takes its requests from the rules after it: whom those sent them to loses them.

https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_CreateRule.html
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any

import jmespath

from guardrails.resolve.balancers import REGISTERED, RULES, machines_of, registered_with, rules_of, target_id
from guardrails.resolve.inventory import Machine
from guardrails.resolve.resources import rule_conditions
from guardrails.resolve.resources.machines import clusters_of
from guardrails.resolve.resources.resolver import Answers, Context, Item, Resolver, judged, named, uncertain, unknown
from guardrails.values import Call, Lookup, Target, TargetRef

_GROUPS = jmespath.compile(
    "[Actions[].TargetGroupArn, Actions[].ForwardConfig.TargetGroups[?Weight != `0`][].TargetGroupArn][][]"
)
_ANSWERS = jmespath.compile("Actions[].FixedResponseConfig.StatusCode")


def _groups_of(rule: Mapping[str, Any]) -> list[str]:
    """The target groups that a rule sends requests to."""
    return sorted({group for group in _GROUPS.search(rule) or () if group})


def _members(groups: Iterable[str], context: Context) -> list[Machine]:
    """The machines that are registered with these target groups, by id or by address."""
    return [machine for each in _ids(groups, context) for machine in machines_of(each, context.inventory)]


def _ids(groups: Iterable[str], context: Context) -> list[str]:
    """The ids and addresses that are registered with these target groups."""
    return [target_id(item) for group in groups for item in context.items(registered_with(group))]


def _lookups(call: Call, _tag: str) -> tuple[Lookup, ...]:
    rules = [rules_of(listener) for listener in named(call, "listener-requests")]
    return (*rules, *(registered_with(group) for group in _groups_of(call.params)))


def _followups(call: Call, answers: Answers) -> tuple[Lookup, ...]:
    asked = [rules_of(listener) for listener in named(call, "listener-requests")]
    rules = [rule for lookup in asked for rule in answers[lookup.key()].items]
    return tuple(registered_with(group) for rule in rules for group in _groups_of(rule))


def _place(rule: Item) -> float:
    """The priority as a number; the default rule comes last."""
    priority = str(rule.get("Priority") or "")
    return int(priority) if priority.isdecimal() else math.inf


def _listener(ref: TargetRef, context: Context) -> Target:
    rules = context.items(rules_of(ref.id))
    if not rules:
        return unknown(ref, "load-balancer")
    params, place = context.call.params, _place(context.call.params)
    new = rule_conditions.read(params.get("Conditions"))
    gains = _members(_groups_of(params), context)
    before = [rule for rule in rules if _place(rule) < place]
    losers = [rule for rule in rules if _loses(rule, new, place, gains, context)]
    if any(rule_conditions.covers(rule_conditions.read(rule.get("Conditions")), new) for rule in before):
        losers = []
    lost = [machine for rule in losers for machine in _members(_groups_of(rule), context)]
    served = [machine for rule in rules for machine in _members(_groups_of(rule), context)]
    machines = lost if losers else served
    ids = [name for rule in losers or rules for name in _ids(_groups_of(rule), context)]
    missing = context.inventory.missing(name for name in ids if name.startswith("i-"))
    facts = uncertain({machine.id for machine in machines if machine.cluster is None}, missing)
    clusters = clusters_of(machines)
    target = Target(ref.id, "load-balancer", ref.role, resolved=not missing, clusters=clusters, facts=facts)
    names = ("the default rule" if _place(rule) == math.inf else f"rule {_place(rule):g}" for rule in losers)
    harm = f"The new rule takes requests from {', '.join(names)}" if losers else None
    return judged(target, harm, "no rule that serves a cluster loses requests to the new one")


def _loses(
    rule: Item, new: Iterable[rule_conditions.Condition], place: float, gains: list[Machine], context: Context
) -> bool:
    """True where a rule sends requests to machines, and the new one may take some and sends them to others."""
    if _place(rule) <= place or not rule_conditions.may_overlap(rule_conditions.read(rule.get("Conditions")), new):
        return False
    if not any(context.items(registered_with(group)) for group in _groups_of(rule)):
        return False
    losing = _members(_groups_of(rule), context)
    if gains and {*clusters_of(gains)} <= {*clusters_of(losing)} and all(machine.cluster for machine in gains):
        return False
    # The default rule serves what no one has named yet, and a part of that may get a name.
    answers = _ANSWERS.search(context.call.params) or ()
    refuses = any(str(code).startswith("5") for code in answers)
    forwards_nowhere = bool(_groups_of(context.call.params)) and not gains
    return _place(rule) < math.inf or not rule_conditions.names_a_part(new) or refuses or forwards_nowhere


RESOLVERS = {"listener-requests": Resolver(_listener, (RULES, REGISTERED), _lookups, _followups)}
