"""The default actions of a listener, or the actions of a rule: which target groups get the requests, by weight.

https://docs.aws.amazon.com/elasticloadbalancing/latest/application/load-balancer-listeners.html
"""

from __future__ import annotations

import copy
from collections.abc import Container, Iterable, Mapping, Sequence
from typing import Any

from attrs import frozen

from guardrails.cutover.kinds.kind import Clients
from guardrails.cutover.kinds.shares import changing, scaled
from guardrails.cutover.plan import State
from guardrails.resolve.balancers import weights

MOST_WEIGHT = 999
Action = Mapping[str, Any]


@frozen
class Forward:
    """The Kind of listeners or of rules, by ARN."""

    describe: str
    items: str
    names: str
    modify: str
    name: str
    actions: str

    def read(self, clients: Clients, ids: Iterable[str]) -> Mapping[str, State]:
        """Their actions now."""
        answer = getattr(clients("elbv2"), self.describe)(**{self.names: [*ids]})
        return {each[self.name]: each[self.actions] for each in answer[self.items]}

    def write(self, clients: Clients, id: str, now: State, wanted: State) -> None:  # noqa: A002, ARG002
        """Replace the actions, in one call."""
        sent = [_with_secret(action) for action in wanted]
        getattr(clients("elbv2"), self.modify)(**{self.name: id, self.actions: sent})

    def same(self, one: State, other: State) -> bool:
        """The same groups with the same weights, and the same other actions."""
        return [*map(_plain, one)] == [*map(_plain, other)]

    def ours(self, now: State, states: Sequence[State]) -> bool:
        """Whatever the weights of the groups that it moves users between; everything else is as a step leaves it."""
        groups = [dict(weights(state)) for state in (states[0], states[-1])]
        moved = changing(*groups)
        return any(_beside(now, moved) == _beside(state, moved) for state in states)


LISTENER = Forward(
    "describe_listeners", "Listeners", "ListenerArns", "modify_listener", "ListenerArn", "DefaultActions"
)
RULE = Forward("describe_rules", "Rules", "RuleArns", "modify_rule", "RuleArn", "Actions")


def shifted(actions: Sequence[Action], old: str, new: str, share: int, *, whole: bool) -> list[dict[str, Any]] | None:
    """The actions with `share` percent of what the group `old` gets going to `new`; None where weights cannot say that.

    With `whole`, the new group takes the place of the old one: a listener that knows no weights.
    """
    made = copy.deepcopy([dict(action) for action in actions])
    for action in made:
        if action.get("Type") != "forward" or old not in dict(weights([action])):
            continue
        config = dict(action.get("ForwardConfig") or {})
        groups = dict(weights([action]))
        action.pop("TargetGroupArn", None)
        if whole:
            action.pop("ForwardConfig", None)
            action["TargetGroupArn"] = new
            continue
        total = groups[old] + groups.get(new, 0)
        counted = scaled({**groups, old: total, new: 0}, old, MOST_WEIGHT)
        if counted is None:
            return None
        moved = counted[old] * share // 100
        counted[old], counted[new] = counted[old] - moved, moved
        config["TargetGroups"] = [{"TargetGroupArn": name, "Weight": weight} for name, weight in counted.items()]
        action["ForwardConfig"] = config
    return made


def _with_secret(action: Action) -> Action:
    """AWS never shows the client secret of a login, so the one that is there is kept."""
    config = action.get("AuthenticateOidcConfig")
    if not config or "ClientSecret" in config:
        return action
    return {**action, "AuthenticateOidcConfig": {**config, "UseExistingClientSecret": True}}


def _others(actions: Iterable[Action]) -> list[Action]:
    return [action for action in actions if action.get("Type") != "forward"]


def _beside(actions: Sequence[Action], moved: Container[str]) -> Any:
    """Everything but how many users the groups that are `moved` get."""
    others = {group: weight for group, weight in weights(actions) if group not in moved}
    return _others(actions), others, [_sticky(action) for action in actions if action.get("Type") == "forward"]


def _sticky(action: Action) -> Any:
    sticky = (action.get("ForwardConfig") or {}).get("TargetGroupStickinessConfig") or {}
    return sticky if sticky.get("Enabled") else {"Enabled": False}


def _plain(action: Action) -> Any:
    """An action in one form: AWS shows a group alone in two ways, and what is left out with its default."""
    if action.get("Type") != "forward":
        return {key: value for key, value in action.items() if key != "Order"}
    groups = dict(weights([action]))
    if len(groups) == 1:
        groups = dict.fromkeys(groups, 1)
    return groups, _sticky(action)
