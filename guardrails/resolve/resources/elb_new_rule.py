"""A new rule of a listener takes its requests from the rules after it: whom those sent them to loses them.

https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_CreateRule.html
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any

import jmespath

from guardrails.resolve.inventory import Machine
from guardrails.resolve.resources import rule_conditions
from guardrails.resolve.resources.elb import REGISTERED, members, registered_with, serving
from guardrails.resolve.resources.machines import clusters_of
from guardrails.resolve.resources.resolver import Answers, Context, Item, Resolver, judged, named, unknown
from guardrails.values import Call, Lookup, Target, TargetRef

_RULES = Lookup("elbv2", "DescribeRules", "Rules", empty_on=("ListenerNotFound",))
_GROUPS = jmespath.compile(
    "[Actions[].TargetGroupArn, Actions[].ForwardConfig.TargetGroups[?Weight != `0`][].TargetGroupArn][][]"
)
_ANSWERS = jmespath.compile("Actions[].FixedResponseConfig.StatusCode")


def _groups_of(rule: Mapping[str, Any]) -> list[str]:
    """The target groups that a rule sends requests to."""
    return sorted({group for group in _GROUPS.search(rule) or () if group})


def _lookups(call: Call, _tag: str) -> tuple[Lookup, ...]:
    rules = [_RULES.about(ListenerArn=listener) for listener in named(call, "listener-requests")]
    return (*rules, *(registered_with(group) for group in _groups_of(call.params)))


def _followups(call: Call, answers: Answers) -> tuple[Lookup, ...]:
    asked = [_RULES.about(ListenerArn=listener) for listener in named(call, "listener-requests")]
    rules = [rule for lookup in asked for rule in answers[lookup.key()].items]
    return tuple(registered_with(group) for rule in rules for group in _groups_of(rule))


def _place(rule: Item) -> float:
    """The priority as a number; the default rule comes last."""
    priority = str(rule.get("Priority") or "")
    return int(priority) if priority.isdecimal() else math.inf


def _listener(ref: TargetRef, context: Context) -> Target:
    rules = context.items(_RULES.about(ListenerArn=ref.id))
    if not rules:
        return unknown(ref, "load-balancer")
    params, place = context.call.params, _place(context.call.params)
    new = rule_conditions.read(params.get("Conditions"))
    gains = members(_groups_of(params), context)
    before = [rule for rule in rules if _place(rule) < place]
    losers = [rule for rule in rules if _loses(rule, new, place, gains, context)]
    if any(rule_conditions.covers(rule_conditions.read(rule.get("Conditions")), new) for rule in before):
        losers = []
    lost = [machine for rule in losers for machine in members(_groups_of(rule), context)]
    served = [machine for rule in rules for machine in members(_groups_of(rule), context)]
    target = serving(ref, "load-balancer", lost if losers else served)
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
    losing = members(_groups_of(rule), context)
    if gains and {*clusters_of(gains)} <= {*clusters_of(losing)} and all(machine.cluster for machine in gains):
        return False
    # The default rule serves what no one has named yet, and a part of that may get a name.
    answers = _ANSWERS.search(context.call.params) or ()
    refuses = any(str(code).startswith("5") for code in answers)
    forwards_nowhere = bool(_groups_of(context.call.params)) and not gains
    return _place(rule) < math.inf or not rule_conditions.names_a_part(new) or refuses or forwards_nowhere


RESOLVERS = {"listener-requests": Resolver(_listener, (_RULES, REGISTERED), _lookups, _followups)}
