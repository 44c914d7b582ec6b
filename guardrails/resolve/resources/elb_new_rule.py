"""A new rule of a listener takes its requests from the rules after it: whom those sent them to loses them.

https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_CreateRule.html
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any

import jmespath

from guardrails.resolve.balancers import REGISTERED, RULES, machines_of, registered_with, rules_of, target_id
from guardrails.resolve.resources import rule_conditions
from guardrails.resolve.resources.elb_members import TAGS, Members, is_machine, members, tag_lookups
from guardrails.resolve.resources.resolver import (
    Answers,
    Context,
    Item,
    Resolver,
    judged,
    merged,
    named,
    uncertain,
    unknown,
)
from guardrails.values import Call, Lookup, Target, TargetRef

_GROUPS = jmespath.compile(
    "[Actions[].TargetGroupArn, Actions[].ForwardConfig.TargetGroups[?Weight != `0`][].TargetGroupArn][][]"
)
_ANSWERS = jmespath.compile("Actions[].FixedResponseConfig.StatusCode")
_HOSTS = jmespath.compile("Actions[].RedirectConfig.Host")
# Paths that nobody should use, such as those of an administration, are closed with these.
_FORBIDDEN = frozenset(("401", "403"))
# Redirects keep the host where they do not name another one.
_SAME_HOST = "#{host}"
# A group that no listener uses yet has no health, nor has a function without checks.
_NOT_CHECKED = frozenset(("initial", "unused", "unavailable"))


def _groups_of(rule: Mapping[str, Any]) -> list[str]:
    """The target groups that a rule sends requests to."""
    return sorted({group for group in _GROUPS.search(rule) or () if group})


def _lookups(call: Call, _keys: tuple[str, ...]) -> tuple[Lookup, ...]:
    rules = [rules_of(listener) for listener in named(call, "listener-requests")]
    return (*rules, *(registered_with(group) for group in _groups_of(call.params)))


def _followups(call: Call, answers: Answers) -> tuple[Lookup, ...]:
    listeners = named(call, "listener-requests")
    rules = [rule for listener in listeners for rule in answers[rules_of(listener).key()].items]
    groups = {group for rule in (*rules, call.params) for group in _groups_of(rule)}
    return (*(registered_with(group) for group in sorted(groups)), *tag_lookups(sorted(groups), listeners, answers))


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
    # A group that is on no balancer yet has only its own tags.
    gains, serves = members(_groups_of(params), (), context), _serves(params, context)
    before = [rule for rule in rules if _place(rule) < place]
    served = {_place(rule): members(_groups_of(rule), [ref.id], context) for rule in rules}
    losers = [rule for rule in rules if _loses(rule, served[_place(rule)], new, place, gains, serves)]
    if any(rule_conditions.covers(rule_conditions.read(rule.get("Conditions")), new) for rule in before):
        losers = []
    losing = [served[_place(rule)] for rule in losers or rules]
    missing = context.inventory.missing(name for each in losing for name in each.ids if is_machine(name))
    facts = uncertain({machine.id for each in losing for machine in each.machines if machine.cluster is None}, missing)
    strange = sorted({name for each in losing for name in each.strange})
    if losers and strange:
        facts.update({"traced": False, "look_at": strange})
    clusters = merged(*(each.clusters for each in losing))
    target = Target(ref.id, "load-balancer", ref.role, resolved=not missing, clusters=clusters, facts=facts)
    names = ("the default rule" if _place(rule) == math.inf else f"rule {_place(rule):g}" for rule in losers)
    harm = f"The new rule takes requests from {', '.join(names)}" if losers else None
    return judged(target, harm, "no rule that serves a cluster loses requests to the new one")


def _loses(
    rule: Item,
    losing: Members,
    new: Iterable[rule_conditions.Condition],
    place: float,
    gains: Members,
    serves: bool,
) -> bool:
    """True where a rule sends requests to someone, and the new one may take some and sends them to others, or nowhere.

    `serves` is whether the new one leads to anything.
    """
    if _place(rule) <= place or not rule_conditions.may_overlap(rule_conditions.read(rule.get("Conditions")), new):
        return False
    if not losing.ids:
        return False
    known = not gains.strange and all(machine.cluster for machine in gains.machines)
    if serves and gains.clusters and known and {*gains.clusters} <= {*losing.clusters}:
        return False
    # The default rule serves what no one has named yet, and a part of that may get a name.
    return _place(rule) < math.inf or not rule_conditions.names_a_part(new) or not serves


def _serves(rule: Mapping[str, Any], context: Context) -> bool:
    """Whether its requests are answered: not with an error, nor elsewhere, nor by a group in which nothing runs."""
    codes = map(str, _ANSWERS.search(rule) or ())
    errors = any(not code.startswith("2") and code not in _FORBIDDEN for code in codes)
    elsewhere = any(host != _SAME_HOST for host in _HOSTS.search(rule) or ())
    return not (errors or elsewhere) and all(_runs(group, context) for group in _groups_of(rule))


def _runs(group: str, context: Context) -> bool:
    """Whether something in a target group is healthy, or may be as soon as a listener uses the group."""
    tagged = bool(members([group], (), context).clusters)
    for item in context.items(registered_with(group)):
        state, name = (item.get("TargetHealth") or {}).get("State"), target_id(item)
        machines = machines_of(name, context.inventory)
        if state == "healthy" and not (is_machine(name) and not machines):
            return True
        known = (
            any(machine.state == "running" for machine in machines) if machines else tagged or name.startswith("arn:")
        )
        if state in _NOT_CHECKED and known:
            return True
    return False


RESOLVERS = {"listener-requests": Resolver(_listener, (RULES, REGISTERED, TAGS), _lookups, _followups)}
