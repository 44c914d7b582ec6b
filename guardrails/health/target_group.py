"""Whether the targets of a load balancer's target group are healthy, in the balancer's own view."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any

from attrs import frozen

from guardrails.health import numbers
from guardrails.health.check import Check, Health
from guardrails.health.source import Source, reason

_PERMISSION = "elasticloadbalancing:DescribeTargetHealth"
_PARTS = 6
_SHOWN = 5


def target_group(
    arn: str,
    *,
    at_least: int = 1,
    share: float = 1.0,
    targets: Iterable[str] | None = None,
    client: Any = None,
    session: Any = None,
) -> Check:
    """A check that is true when the targets of this target group are healthy.

    At least `at_least` targets must be healthy, and at least `share` (0 to 1) of those registered; targets that are
    draining do not count. With `targets` (instance ids or addresses), only these count, and one that is not registered
    is not healthy. A target is healthy when it is so on all its ports. An empty group is never healthy, nor is one
    that no listener uses, whose health AWS does not measure. Asks DescribeTargetHealth, by `client` (elbv2) or one of
    `session`, in the region of the ARN. Raises ValueError for arguments that make no sense.
    """
    parts = arn.split(":")
    if len(parts) != _PARTS or parts[2] != "elasticloadbalancing" or not parts[5].startswith("targetgroup/"):
        raise ValueError(f"target_group({arn!r}): give the ARN of a target group, arn:aws:elasticloadbalancing:…")
    numbers.check("target_group", "at_least", at_least, 1, whole=True)
    numbers.check("target_group", "share", share, 0)
    if share > 1:
        raise ValueError(f"target_group(share={share}): share is 0 to 1")
    wanted = None if targets is None else frozenset(targets)
    if wanted is not None and not wanted:
        raise ValueError("target_group(targets=…): name at least one target, or leave it out for all of the group")
    return _TargetGroup(arn, at_least, share, wanted, Source("elbv2", client, session, parts[3]))


@frozen
class _TargetGroup:
    arn: str
    at_least: int
    share: float
    targets: frozenset[str] | None
    source: Source

    def __call__(self) -> Health:
        try:
            answer = self.source.client.describe_target_health(TargetGroupArn=self.arn)
            states = _states(answer["TargetHealthDescriptions"])
        except Exception as error:
            return Health(None, f"{self._name}: its health is unknown ({reason(error, _PERMISSION)})")
        return self._judged(states)

    def _judged(self, states: Mapping[str, str]) -> Health:
        counted = {target: state for target, state in states.items() if state != "draining"}
        if self.targets is not None:
            counted = {target: states.get(target, "not registered") for target in self.targets}
        if not counted:
            return Health(None, f"{self._name} has no registered targets, which proves nothing")
        others = {target: state for target, state in counted.items() if state != "healthy"}
        healthy = len(counted) - len(others)
        needed = max(self.at_least, math.ceil(self.share * len(counted) - 1e-9))
        sentence = f"{self._name}: {healthy} of {len(counted)} targets are healthy, {needed} must be"
        if others:
            shown = [f"{target} is {state}" for target, state in sorted(others.items())[:_SHOWN]]
            more = f" and {len(others) - _SHOWN} more" if len(others) > _SHOWN else ""
            sentence += f" ({', '.join(shown)}{more})"
        return Health(healthy >= needed, sentence)

    @property
    def _name(self) -> str:
        return f"target group {self.arn.split('/')[1]}"


def _states(descriptions: Iterable[Mapping[str, Any]]) -> dict[str, str]:
    """The state of each target; of one with several ports, the first that is not healthy."""
    states: dict[str, str] = {}
    for description in descriptions:
        target = description["Target"]["Id"]
        state = (description.get("TargetHealth") or {}).get("State") or "unknown"
        if states.get(target, "healthy") == "healthy":
            states[target] = state
    return states
