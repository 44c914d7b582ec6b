"""What a resolver of one target type is: the look-ups it needs and the function that reads them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from attrs import field, frozen

from guardrails.resolve.inventory import Inventory
from guardrails.values import Answer, Call, Lookup, Target, TargetRef

Answers = Mapping[str, Answer]
Index = Mapping[str, tuple[Mapping[str, Any], ...]]


@frozen
class Context:
    """What a resolver may look at: the whole call, the answers, the region's machines, the live clusters."""

    call: Call
    answers: Answers
    inventory: Inventory
    live_clusters: tuple[str, ...]
    _indexes: dict[str, Index] = field(factory=dict, repr=False)

    def items(self, lookup: Lookup) -> tuple[Mapping[str, Any], ...]:
        """The items a planned look-up returned."""
        return self.answers[lookup.key()].items

    def index(self, lookup: Lookup, names: Callable[[Mapping[str, Any]], Iterable[str]]) -> Index:
        """The items by each of their names, made once for all targets of the call."""
        key = lookup.key()
        if key not in self._indexes:
            found: dict[str, tuple[Mapping[str, Any], ...]] = {}
            for item in self.items(lookup):
                for name in names(item):
                    found[name] = (*found.get(name, ()), item)
            self._indexes[key] = found
        return self._indexes[key]


@frozen
class Resolver:
    """The look-ups for one type of target, and the function that reads them.

    `lookups(call, cluster_tag)` are those beyond the machines. `followups(call, answers)` are asked when those have
    been answered, where one answer tells what else to ask. `resolve(ref, context)` never raises for an unknown id.
    """

    lookups: Callable[[Call, str], tuple[Lookup, ...]]
    resolve: Callable[[TargetRef, Context], Target]
    followups: Callable[[Call, Answers], tuple[Lookup, ...]] = lambda _call, _answers: ()


def no_lookups(_: Call, _tag: str) -> tuple[Lookup, ...]:
    """The machines of the region tell enough."""
    return ()


def always(lookup: Lookup) -> Callable[[Call, str], tuple[Lookup, ...]]:
    """One look-up besides the machines, whatever the call."""
    return lambda _call, _tag: (lookup,)


def unknown(ref: TargetRef, kind: str) -> Target:
    """A target AWS does not know: a fact, never "no problem"."""
    return Target(ref.id, kind, ref.role, resolved=False)


def named(call: Call, *kinds: str) -> tuple[str, ...]:
    """The ids of the call's targets of these types."""
    return tuple(dict.fromkeys(target.id for target in call.targets if target.type in kinds))


def last_part(name: str) -> str:
    """The name at the end of an ARN; anything else as it is."""
    return name.replace("/", ":").rpartition(":")[2] if name.startswith("arn:") else name


def tags_of(item: Mapping[str, Any], member: str = "Tags") -> dict[str, str]:
    """AWS's list of Key and Value as a dict."""
    return {tag["Key"]: tag.get("Value", "") for tag in item.get(member) or []}


def merged(*groups: Any) -> tuple[str, ...]:
    """All cluster names of several groups, sorted, each once; None and "" are no cluster."""
    return tuple(sorted({name for group in groups for name in group if name}))
