"""What an account has that users reach, by the guard's own look-ups: machines, addresses, balancers, groups."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from attrs import field

from guardrails.guard import Guard
from guardrails.resolve.balancers import BALANCERS, CLASSIC, GROUPS, LISTENERS, REGISTERED, RULES
from guardrails.resolve.inventory import ADDRESSES, INSTANCES
from guardrails.resolve.resources import autoscaling
from guardrails.values import Lookup, LookupFailure, frozen

Item = Mapping[str, Any]


@frozen
class Account:
    """Everything as AWS describes it. `targets` are by the ARN of a target group, `rules` by that of a listener."""

    reservations: tuple[Item, ...] = ()
    addresses: tuple[Item, ...] = ()
    balancers: tuple[Item, ...] = ()
    groups: tuple[Item, ...] = ()
    scaling: tuple[Item, ...] = ()
    classic: tuple[Item, ...] = ()
    listeners: tuple[Item, ...] = field(default=(), kw_only=True)
    targets: Mapping[str, tuple[Item, ...]] = field(factory=dict, kw_only=True)
    rules: Mapping[str, tuple[Item, ...]] = field(factory=dict, kw_only=True)
    failures: tuple[LookupFailure, ...] = field(default=(), kw_only=True)

    @property
    def machines(self) -> list[Item]:
        """The machines that are there: not terminated, and not going."""
        machines = [machine for reservation in self.reservations for machine in reservation.get("Instances") or ()]
        return [each for each in machines if each["State"]["Name"] in ("pending", "running", "stopping", "stopped")]


def look(guard: Guard, client: Any) -> Account:
    """Read the account and region of `client`. Only look-ups are sent, side by side; what fails is in `failures`."""
    first = (INSTANCES, ADDRESSES, BALANCERS, GROUPS, autoscaling.GROUPS, CLASSIC)
    fetched = guard.probe(client, first)

    def items(lookup: Lookup) -> tuple[Item, ...]:
        answer = fetched.answers.get(lookup.key())
        return answer.items if answer else ()

    def each(lookup: Lookup, name: str, arns: Iterable[str]) -> dict[str, tuple[Item, ...]]:
        nonlocal fetched
        wanted = {arn: lookup.about(**{name: arn}) for arn in arns}
        fetched = fetched.with_more(guard.probe(client, wanted.values()))
        return {arn: items(one) for arn, one in wanted.items()}

    behind = [group["TargetGroupArn"] for group in items(GROUPS)]
    targets = each(REGISTERED, "TargetGroupArn", behind)
    by_balancer = each(LISTENERS, "LoadBalancerArn", [balancer["LoadBalancerArn"] for balancer in items(BALANCERS)])
    listeners = tuple(listener for found in by_balancer.values() for listener in found)
    rules = each(RULES, "ListenerArn", [listener["ListenerArn"] for listener in listeners])
    return Account(*map(items, first), listeners=listeners, targets=targets, rules=rules, failures=fetched.failures)
