"""Follow a resource to machines and cluster tags through what AWS describes, in as many rounds as that takes.

A table has a trail for each kind of resource: the look-ups that describe it, and what their items are tied to, which is
another kind of the table or an end. Ends are the kinds of the inventory (``vpc``, ``instance`` …), and these:

    registered  a machine by id or address, as load balancers name it
    near        a VPC from where something can be reached: what is there may depend on it
    unknown     something that no look-up follows
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

import jmespath
from attrs import define, evolve, field

from guardrails.resolve import lists
from guardrails.resolve.lists import INTERFACES
from guardrails.resolve.ownership import Ownership
from guardrails.resolve.resources.ec2_occupants import ASKS
from guardrails.resolve.resources.resolver import Answers, Item, last_part, same_name, strings
from guardrails.values import Lookup, frozen

REGISTERED, NEAR, UNKNOWN = "registered", "near", "unknown"
NETWORKS = ("vpc", "subnet", NEAR)
Node = tuple[str, str]


@frozen
class Step:
    """One look-up about a kind of resource; the expressions are JMESPath over its items.

    `names` finds an item's names; without it every item is meant, because `parameter` names the resource: it is the
    look-up's parameter, with ``[]`` behind it for a list. `each` finds the parts of an item that count as items. A step
    with `only` is for names that this regular expression finds. Of a long list (lists.py), AWS's filter `by` finds it.
    """

    lookup: Lookup
    ties: Mapping[str, str]
    names: str = ""
    parameter: str = ""
    each: str = ""
    tags: str = "Tags"
    only: str = ""
    by: str = ""

    def about(self, name: str, answers: Answers) -> Lookup:
        """The look-up that describes the resource of this name."""
        if not self.parameter:
            return lists.narrowed(self.lookup, self.by, last_part(name), answers)
        value = [name] if self.parameter.endswith("[]") else name
        return evolve(self.lookup, params={**self.lookup.params, self.parameter.removesuffix("[]"): value})

    def find(self, items: Iterable[Any], name: str) -> list[Item]:
        """The items that describe it; where no name is the same, one that differs only in case."""
        parts = [part for item in items for part in (jmespath.search(self.each, item) or () if self.each else (item,))]
        # Some services list names instead of objects.
        described = [part if isinstance(part, Mapping) else {"name": part} for part in parts]
        if not self.names:
            return described
        names = [(strings(self.names, item), item) for item in described]
        exact = [item for each, item in names if any(same_name(name, other) for other in each)]
        folded = name.lower()
        return exact or [item for each, item in names if any(same_name(folded, other.lower()) for other in each)]


@frozen
class Trail:
    """How to follow one kind of resource.

    `names` says by which name it is looked up. `also` are ties that need no look-up, with ``{}`` for the name. Where it
    `may_be_unused`, nothing depends on one that no step describes.
    """

    steps: tuple[Step, ...]
    may_be_unused: bool = False
    names: Callable[[str], str] = str
    also: Mapping[str, tuple[str, ...]] = field(factory=dict)


Trails = Mapping[str, Trail]


def trail(
    lookup: Lookup, names: str, ties: Mapping[str, str], *, tags: str = "Tags", unused: bool = False, by: str = ""
) -> Trail:
    """A trail of one step that finds the resource by name among the items of a look-up."""
    return Trail((Step(lookup, ties, names, tags=tags, by=by),), may_be_unused=unused)


@define
class Walk:
    """Where following a resource has led so far: tags, ends, look-ups to make, and names that lead nowhere."""

    origin: Node
    found: bool = False
    tags: dict[str, str] = field(factory=dict)
    clusters: set[str] = field(factory=set)
    ends: list[Node] = field(factory=list)
    pending: dict[str, Lookup] = field(factory=dict)
    lost: list[str] = field(factory=list)


def walk(origin: Node, trails: Trails, answers: Answers, ownership: Ownership | None = None) -> Walk:
    """Follow it as far as the answers lead. With `ownership`, the clusters that tags name on the way count."""
    result = Walk(origin)
    todo, seen = [origin], {origin}
    while todo:
        kind, name = node = todo.pop()
        if kind not in trails:
            result.ends.append((kind, name if kind in (UNKNOWN, "tag") else last_part(name)))
            continue
        ties = {*_visit(node, trails[kind], answers, ownership, result)} - seen
        seen |= ties
        todo += sorted(ties)
    if any(kind in NETWORKS for kind, _ in result.ends):
        result.pending.update((lookup.key(), lookup) for lookup in ASKS if not lists.is_known(lookup, answers))
    return result


def _visit(node: Node, path: Trail, answers: Answers, ownership: Ownership | None, result: Walk) -> Iterator[Node]:
    name = node[1]
    yield from ((tie, each.replace("{}", last_part(name))) for tie, texts in path.also.items() for each in texts)
    named_by = path.names(name)
    found = waiting = False
    for step in path.steps:
        if step.only and not re.search(step.only, named_by):
            continue
        lookup = step.about(named_by, answers)
        answer = answers.get(lookup.key())
        if answer is None:
            waiting = True
            result.pending[lookup.key()] = lookup
            continue
        for item in step.find(answer.items, named_by):
            found = True
            tags = _tags(item, step.tags)
            cluster = ownership.named(tags) if ownership else None
            if cluster:
                result.clusters.add(cluster)
            if node == result.origin:
                result.tags |= tags
            yield from ((tie, each) for tie, path_to in step.ties.items() for each in strings(path_to, item))
    if node == result.origin:
        result.found = found
    if not (found or waiting or path.may_be_unused):
        result.lost.append(name)


def _tags(item: Item, member: str) -> dict[str, str]:
    """The tags of an item: services list them with keys in either case, or map them."""
    tags = (item.get(member) if member else None) or ()
    if isinstance(tags, Mapping):
        return dict(tags)
    return {str(tag.get("Key") or tag.get("key")): tag.get("Value") or tag.get("value") or "" for tag in tags}


# A network interface of a machine, or of a service that machines near it may depend on.
INTERFACE = Step(
    INTERFACES,
    {"instance": "Attachment.InstanceId", NEAR: "!(Attachment.InstanceId) && Status == 'in-use' && VpcId"},
    "NetworkInterfaceId",
    tags="TagSet",
    by="network-interface-id",
)
