"""A listener or rule that forwards to other target groups, or with other weights.

What is known about the health of the targets counts, too.
https://docs.aws.amazon.com/elasticloadbalancing/latest/application/load-balancer-listeners.html
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from typing import Any

from attrs import evolve, frozen

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
from guardrails.resolve.inventory import Inventory
from guardrails.values import Answer, Call, Lookup, Shift

Answers = Mapping[str, Answer]
Actions = list[Mapping[str, Any]]


@frozen
class _Way:
    """An operation that says anew where requests go: in `actions`, for what `name` names."""

    way: str
    lookup: Lookup
    names: str
    name: str
    actions: str


_WAYS = {
    "elbv2:ModifyListener": _Way("listener", LISTENERS, "ListenerArns", "ListenerArn", "DefaultActions"),
    "elbv2:ModifyRule": _Way("rule", RULES, "RuleArns", "RuleArn", "Actions"),
}


class _Unclear(Exception):
    """Why the shares cannot be computed."""


def lookups(call: Call) -> tuple[Lookup, ...]:
    """What the listener or rule does now, and what is registered with the target groups it will send requests to."""
    way = _way(call)
    if way is None:
        return ()
    return (STATUS, _present(way, call), *_registered(call.clear_params[way.actions]))


def followups(call: Call, answers: Answers) -> tuple[Lookup, ...]:
    """What is registered with the target groups that it sends requests to now."""
    way = _way(call)
    return () if way is None else _registered(_actions_now(way, call, answers))


def shift(call: Call, answers: Answers, inventory: Inventory) -> Shift | None:
    """What the call does to users; None for a call that moves none in a way that is understood here."""
    way = _way(call)
    if way is None:
        return None
    made = Shift(way.way)
    try:
        return _computed(made, way, call, answers, inventory)
    except _Unclear as error:
        return evolve(made, why=str(error))


def _way(call: Call) -> _Way | None:
    way = _WAYS.get(call.name)
    return way if way is not None and call.clear_params.get(way.actions) else None


def _present(way: _Way, call: Call) -> Lookup:
    # Where it fails, the call is judged by what it names.
    return evolve(way.lookup.about(**{way.names: [call.clear_params.get(way.name, "")]}), optional=True)


def _registered(actions: Actions) -> tuple[Lookup, ...]:
    return tuple(_members(group) for group in dict.fromkeys(group for group, _ in weights(actions)))


def _members(group: str) -> Lookup:
    return evolve(registered_with(group), optional=True)


def _actions_now(way: _Way, call: Call, answers: Answers) -> Actions:
    answer = answers.get(_present(way, call).key())
    items = answer.items if answer else ()
    return list(items[0].get(way.actions) or []) if len(items) == 1 else []


def _computed(made: Shift, way: _Way, call: Call, answers: Answers, inventory: Inventory) -> Shift:
    now, then = _actions_now(way, call, answers), call.clear_params[way.actions]
    if not now:
        raise _Unclear(f"what the {way.way} does now could not be looked up")
    others = {*call.clear_params} - left_alone(call, answers) - {way.actions}
    if others:
        raise _Unclear(f"it also changes {', '.join(sorted(others))}")
    if _without_forwards(now) != _without_forwards(then):
        raise _Unclear("it does more than forward requests to other target groups")
    before, after = _shares(now, answers, inventory), _shares(then, answers, inventory)
    return evolve(
        made,
        known=True,
        before=before,
        after=after,
        healthy=_healthy(then, answers, inventory),
    )


def _without_forwards(actions: Actions) -> list[Mapping[str, Any]]:
    return [action for action in actions if action.get("Type") != "forward"]


def _shares(actions: Actions, answers: Answers, inventory: Inventory) -> dict[str, float]:
    """Which share of the requests each cluster gets. Raises _Unclear."""
    weighted = [(group, weight) for group, weight in weights(actions) if weight > 0]
    total = sum(weight for _, weight in weighted)
    if not total:
        raise _Unclear("no target group gets requests")
    shares: dict[str, float] = defaultdict(float)
    for group, weight in weighted:
        served = receiving(_items(group, answers))
        if not served:
            raise _Unclear(f"nothing is registered with {_short(group)}")
        for item in served:
            shares[_cluster(item, inventory)] += weight / total / len(served)
    return {cluster: round(share, 4) for cluster, share in shares.items()}


def _items(group: str, answers: Answers) -> tuple[Mapping[str, Any], ...]:
    answer = answers.get(_members(group).key())
    if answer is None:
        raise _Unclear(f"the targets of {_short(group)} could not be looked up")
    return answer.items


def _cluster(item: Mapping[str, Any], inventory: Inventory) -> str:
    clusters = {machine.cluster for machine in machines_of(target_id(item), inventory)}
    if len(clusters) != 1 or None in clusters:
        raise _Unclear(f"it is not known which cluster {target_id(item)} belongs to")
    return str(clusters.pop())


def _healthy(actions: Actions, answers: Answers, inventory: Inventory) -> dict[str, bool]:
    """Whether all targets of a cluster that will get requests pass the balancer's health checks, by cluster."""
    healthy: dict[str, bool] = {}
    for group, weight in weights(actions):
        for item in _items(group, answers) if weight > 0 else ():
            cluster = _cluster(item, inventory)
            state = (item.get("TargetHealth") or {}).get("State")
            healthy[cluster] = healthy.get(cluster, True) and state == "healthy"
    return healthy


def _short(group: str) -> str:
    """``targetgroup/NAME/ID`` of an ARN."""
    return group.rpartition(":")[2]
