"""What a resolver of one target type is: the look-ups it needs and the function that reads them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from attrs import frozen

from guardrails.resolve.inventory import Inventory
from guardrails.values import Answer, Call, Lookup, Target, TargetRef


@frozen
class Context:
    """What a resolver may look at: the whole call, the answers, the region's machines, the live clusters."""

    call: Call
    answers: Mapping[str, Answer]
    inventory: Inventory
    live_clusters: tuple[str, ...]

    def items(self, lookup: Lookup) -> tuple[Mapping[str, Any], ...]:
        """The items a planned look-up returned."""
        return self.answers[lookup.key()].items


@frozen
class Resolver:
    """`lookups(call)` beyond the machines, and `resolve(ref, context)`, which never raises for an unknown id."""

    lookups: Callable[[Call], tuple[Lookup, ...]]
    resolve: Callable[[TargetRef, Context], Target]


def no_lookups(_: Call) -> tuple[Lookup, ...]:
    """The machines of the region tell enough."""
    return ()


def always(lookup: Lookup) -> Callable[[Call], tuple[Lookup, ...]]:
    """One look-up besides the machines, whatever the call."""
    return lambda _call: (lookup,)


def unknown(ref: TargetRef, kind: str) -> Target:
    """A target AWS does not know: a fact, never "no problem"."""
    return Target(ref.id, kind, ref.role, resolved=False)


def tags_of(item: Mapping[str, Any], member: str = "Tags") -> dict[str, str]:
    """AWS's list of Key and Value as a dict."""
    return {tag["Key"]: tag.get("Value", "") for tag in item.get(member) or []}


def merged(*groups: Any) -> tuple[str, ...]:
    """All cluster names of several groups, sorted, each once; None and "" are no cluster."""
    return tuple(sorted({name for group in groups for name in group if name}))
