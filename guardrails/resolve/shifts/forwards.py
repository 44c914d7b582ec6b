"""A listener or rule that forwards to other target groups, or with other weights.

What is known about the health of the targets counts, too.
https://docs.aws.amazon.com/elasticloadbalancing/latest/application/load-balancer-listeners.html
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from attrs import evolve

from guardrails.resolve.balancers import (
    LISTENERS,
    RULES,
    machines_of,
    receiving,
    registered_with,
    target_id,
    weights,
)
from guardrails.resolve.changes.rows import left_alone
from guardrails.resolve.health import STATUS
from guardrails.resolve.shifts import shares
from guardrails.resolve.shifts.shares import Answers, Shares, Situation, UnclearError, cluster_of
from guardrails.values import Call, Lookup, Shift, frozen

Actions = list[Mapping[str, Any]]


@frozen
class _Kind:
    """An operation that says anew where requests go: in `actions`, for what `name` names."""

    way: str
    lookup: Lookup
    names: str
    name: str
    actions: str


_WAYS = {
    "elbv2:ModifyListener": _Kind("listener", LISTENERS, "ListenerArns", "ListenerArn", "DefaultActions"),
    "elbv2:ModifyRule": _Kind("rule", RULES, "RuleArns", "RuleArn", "Actions"),
}


def _lookups(call: Call) -> tuple[Lookup, ...]:
    """What the listener or rule does now, and what is registered with the target groups it will send requests to."""
    way = _way(call)
    if way is None:
        return ()
    return (STATUS, _present(way, call), *_registered(call.clear_params[way.actions]))


def _followups(call: Call, answers: Answers) -> tuple[Lookup, ...]:
    """What is registered with the target groups that it sends requests to now."""
    way = _way(call)
    return () if way is None else _registered(_actions_now(way, call, answers))


def _shift(situation: Situation) -> Shift | None:
    way = _way(situation.call)
    if way is None:
        return None
    try:
        return _computed(way, situation)
    except UnclearError as error:
        return Shift(way.way, why=str(error))


def _way(call: Call) -> _Kind | None:
    way = _WAYS.get(call.name)
    return way if way is not None and call.clear_params.get(way.actions) else None


def _present(way: _Kind, call: Call) -> Lookup:
    # Where it fails, the call is judged by what it names.
    return evolve(way.lookup.about(**{way.names: [call.clear_params.get(way.name, "")]}), optional=True)


def _registered(actions: Actions) -> tuple[Lookup, ...]:
    return tuple(_members(group) for group in dict.fromkeys(group for group, _ in weights(actions)))


def _members(group: str) -> Lookup:
    return evolve(registered_with(group), optional=True)


def _actions_now(way: _Kind, call: Call, answers: Answers) -> Actions:
    answer = answers.get(_present(way, call).key())
    items = answer.items if answer else ()
    return list(items[0].get(way.actions) or []) if len(items) == 1 else []


def _computed(way: _Kind, situation: Situation) -> Shift:
    call, answers = situation.call, situation.answers
    now, then = _actions_now(way, call, answers), call.clear_params[way.actions]
    if not now:
        raise UnclearError(f"what the {way.way} does now could not be looked up")
    others = {*call.clear_params} - left_alone(call, answers) - {way.actions}
    if others:
        raise UnclearError(f"it also changes {', '.join(sorted(others))}")
    if _without_forwards(now) != _without_forwards(then):
        raise UnclearError("it does more than forward requests to other target groups")
    return shares.moved(way.way, [(_shares(now, situation), _shares(then, situation))])


def _without_forwards(actions: Actions) -> list[Mapping[str, Any]]:
    return [action for action in actions if action.get("Type") != "forward"]


def _shares(actions: Actions, situation: Situation) -> Shares:
    """Which share of the requests each cluster gets. Raises UnclearError."""
    weighted = [(group, weight) for group, weight in weights(actions) if weight > 0]
    total = sum(weight for _, weight in weighted)
    if not total:
        raise UnclearError("no target group gets requests")
    result = Shares()
    for group, weight in weighted:
        items = _items(group, situation.answers)
        served = receiving(items)
        if not served:
            raise UnclearError(f"nothing is registered with {shares.short(group)}")
        for item in items:
            name, state = target_id(item), (item.get("TargetHealth") or {}).get("State")
            share = weight / total / len(served) if item in served else 0
            cluster = cluster_of(name, machines_of(name, situation.inventory))
            result.add(cluster, share, [name], healthy=state == "healthy")
    return result


def _items(group: str, answers: Answers) -> tuple[Mapping[str, Any], ...]:
    answer = answers.get(_members(group).key())
    if answer is None:
        raise UnclearError(f"the targets of {shares.short(group)} could not be looked up")
    return answer.items


WAY = shares.Way(_shift, _lookups, _followups)
