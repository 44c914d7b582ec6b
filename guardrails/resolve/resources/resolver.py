"""What a resolver of one target type is: the look-ups it needs and the function that reads their answers."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import jmespath
from attrs import Factory, evolve, field

from guardrails.resolve.inventory import Inventory
from guardrails.resolve.lists import Lists
from guardrails.values import EMPTY, Answer, Call, Lookup, Target, TargetFacts, TargetRef, frozen

Answers = Mapping[str, Answer]
# Behind a name in lower case in an index; no name of AWS's contains it.
_ANY_CASE = "\n"
Item = Mapping[str, Any]
Index = Mapping[str, tuple[Item, ...]]


@frozen
class Context:
    """What a resolver may look at: the whole call, the answers, the region's machines, the live clusters.

    `pointer` is the Parameter Store parameter that names the live cluster, None without one. `lists` are those of the
    answers that may be known in part.
    """

    call: Call
    answers: Answers
    inventory: Inventory
    live_clusters: tuple[str, ...]
    pointer: str | None = None
    lists: Lists = field(default=Factory(lambda self: Lists(self.answers), takes_self=True), repr=False)
    _indexes: dict[tuple[str, str], Index] = field(factory=dict, repr=False, alias="indexes")

    def items(self, lookup: Lookup) -> tuple[Item, ...]:
        """The items a planned look-up returned."""
        return self.answers[lookup.key()].items

    def named(self, lookup: Lookup, names: str, name: str) -> tuple[Item, ...]:
        """The items with this name. `names` is the JMESPath of an item's names; an ARN counts by its last part, too.

        A name that no item has is compared without regard to case: RDS, ElastiCache and others fold it
        (https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_DeleteDBInstance.html).
        """
        key = lookup.key(), names
        if key not in self._indexes:
            index: dict[str, tuple[Item, ...]] = {}
            for item in self.items(lookup):
                for each in {part for full in strings(names, item) for part in (full, last_part(full))}:
                    for spelling in {each, each.lower() + _ANY_CASE}:
                        index[spelling] = (*index.get(spelling, ()), item)
            self._indexes[key] = index
        return self._indexes[key].get(name) or self._indexes[key].get(name.lower() + _ANY_CASE, ())

    def first(self, lookup: Lookup, names: str, name: str) -> Item | None:
        """The first of those items."""
        return next(iter(self.named(lookup, names, name)), None)


@frozen
class Part:
    """A resource that a target is made of, as targets of other types; without `refs` it cannot be followed.

    `name` is for people. `params` are parameters that the resolvers of `refs` look at. `native` is the operation that
    would create it, whose parameters they then are: what receives something and what it may take are among `refs`.
    `deletes` is the operation that would delete it, where the refs are to be looked for in its service.
    """

    name: str
    refs: tuple[TargetRef, ...] = ()
    params: Mapping[str, Any] = EMPTY
    native: str = ""
    deletes: str = ""


# Gets the call, and the keys of the tags that name clusters.
Lookups = Callable[[Call, tuple[str, ...]], tuple[Lookup, ...]]
Followups = Callable[[Call, Answers], tuple[Lookup, ...]]
Parts = Callable[[TargetRef, Call, Answers], tuple[Part, ...]]


@frozen
class Resolver:
    """One type of target: `resolve(ref, context)` says what AWS knows of it and never raises for an unknown id.

    `asks` are the look-ups that it may need in addition to the machines, without their parameters. All of them are
    made for each call, unless `lookups(call, keys)` chooses. `followups(call, answers)` are made once those have
    been answered, where one answer says what else to ask. A target that is made of others has `parts`, which are looked
    up in further rounds.
    """

    resolve: Callable[[TargetRef, Context], Target]
    asks: tuple[Lookup, ...] = ()
    lookups: Lookups = field()
    followups: Followups = lambda _call, _answers: ()
    parts: Parts | None = None

    @lookups.default
    def _all(self) -> Lookups:
        return lambda _call, _keys: self.asks


def one_each(lookup: Lookup, parameter: str, *kinds: str) -> Lookups:
    """The look-up once for each target of these types, with its id as the parameter."""
    return lambda call, _keys: tuple(lookup.about(**{parameter: name}) for name in named(call, *kinds))


def unknown(ref: TargetRef, kind: str) -> Target:
    """A target AWS does not know: a fact, never "no problem"."""
    return Target(ref.id, kind, ref.role, resolved=False)


def uncertain(untagged: Iterable[str], missing: Iterable[str] = ()) -> TargetFacts:
    """The machines on a target whose cluster is unknown: untagged ones, and holders that the region does not show."""
    facts: TargetFacts = {"untagged": sorted(untagged)}
    return {**facts, "missing": sorted(missing)} if missing else facts


def judged(target: Target, harm: str | None, spared: str) -> Target:
    """The target, with what the call would do to it (`harm`), or with the reason why that leaves it as it is."""
    return evolve(target, facts={**target.facts, **({"spared": spared} if harm is None else {"harm": harm})})


def named(call: Call, *kinds: str) -> tuple[str, ...]:
    """The ids of the call's targets of these types."""
    return tuple(dict.fromkeys(target.id for target in call.targets if target.type in kinds))


def first_item(lookup: Lookup, answers: Answers) -> Item | None:
    """The first item that a look-up returned; None where it returned none, or was not answered."""
    answer = answers.get(lookup.key())
    return answer.items[0] if answer and answer.items else None


def last_part(name: str) -> str:
    """The name at the end of an ARN; anything else unchanged."""
    return name.replace("/", ":").rstrip(":").rpartition(":")[2] if name.startswith("arn:") else name


def same_name(left: str, right: str) -> bool:
    """Whether both name the same resource: ARNs as a whole, and a name against the last part of an ARN."""
    if left.startswith("arn:") and right.startswith("arn:"):
        return left == right
    return last_part(left) == last_part(right)


def strings(expression: str, item: Item) -> tuple[str, ...]:
    """The strings that a JMESPath finds in an item, empty ones left out."""
    value = jmespath.search(expression, item)
    values: Iterable[Any] = value if isinstance(value, list) else [value]
    return tuple(each for each in values if isinstance(each, str) and each)


def tags_of(item: Item, member: str = "Tags") -> dict[str, str]:
    """AWS's list of Key and Value as a dict."""
    return {tag["Key"]: tag.get("Value", "") for tag in item.get(member) or []}


def merged(*groups: Any) -> tuple[str, ...]:
    """All cluster names of several groups, sorted, each once; None and "" are not clusters."""
    return tuple(sorted({name for group in groups for name in group if name}))


def carried_by(items: Iterable[Item], context: Context) -> tuple[str, ...]:
    """The clusters that the tags of these items name."""
    return merged(*(context.inventory.carried(tags_of(item)) for item in items))
