"""Statements that deny harm to what carries a live cluster's tag, generated from the catalogue's operations.

They name the clusters that are live now, so they are to be made again after a cutover. What IAM cannot decide by a tag
is not denied, except to agents that AWS runs on its own side: no guard sees their calls.
https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from attrs import field, frozen

from guardrails.backstop.actions import WHY, Action, Reference
from guardrails.backstop.wildcards import shortened
from guardrails.resolve.ownership import NAMED, STACK, Owner, Ownership

EFFECTS = ("terminate", "stop", "storage", "network", "ip", "traffic", "scale-in", "replace")
# Without a list of tags these remove every tag, and the request has no aws:TagKeys.
_ALL_TAGS = frozenset(("ec2:DeleteTags", "fis:UntagResource"))
# What one member of an inferred cluster may have done to it: its group starts another.
_CATTLE = frozenset(("terminate", "stop"))
# How many clusters a condition names: the value of a tag has up to 256 characters, and a document some 5,000.
_NAMES = 8
# And how many characters those names have in JSON, where a letter such as é has six.
_ROOM = 2100
# On resources of these services AWS writes tags from which a cluster is inferred; a stack's are on those of all.
_INFERRED = frozenset(("autoscaling", "ec2", "ecs", "eks", "elasticbeanstalk", "elasticloadbalancing"))


@frozen
class Statement:
    """A statement that denies `actions`, unless `condition` does not hold."""

    name: str
    actions: tuple[str, ...]
    condition: Mapping[str, Mapping[str, Any]]

    def document(self, actions: Sequence[str], number: int) -> dict[str, Any]:
        """As JSON, with some of the actions."""
        return {
            "Sid": f"Guardrails{self.name}{number}",
            "Effect": "Deny",
            "Action": [*actions],
            "Resource": "*",
            "Condition": {operator: dict(keys) for operator, keys in self.condition.items()},
        }


@frozen
class Backstop:
    """The statements, worst harm first, and what they do not cover, by action and by cluster, with the reason."""

    statements: tuple[Statement, ...]
    not_covered: Mapping[str, str] = field(factory=dict)


@frozen
class _Mark:
    """A tag key, the values that live clusters have in it, and whether each of their members is protected.

    The tags of `before` count before it. In them, a resource may get one of the `names` and stays in a live cluster.
    """

    key: str
    values: tuple[str, ...]
    whole: bool
    before: tuple[str, ...] = ()
    names: tuple[str, ...] = ()

    @property
    def condition(self) -> dict[str, dict[str, Any]]:
        held: dict[str, dict[str, Any]] = {"StringEquals": {_resource(self.key): [*self.values]}}
        if self.before:
            # The first tag that a resource has counts.
            held["StringEqualsIfExists"] = {_resource(key): "" for key in self.before}
        return held

    def kept(self, key: str) -> list[str]:
        """The values that may be set in this tag: the resource is protected with each of them."""
        return [*self.values] if key == self.key else [*self.names, ""]

    def denies(self, action: Action) -> bool:
        if self.key in self.before or (self.whole and not self.key.startswith("aws:")):
            return True
        inferred = action.prefix in _INFERRED or self.key == STACK
        return inferred and (self.whole or not action.effects & _CATTLE)


def backstop(
    live: Sequence[Owner],
    actions: Sequence[Action],
    reference: Reference,
    ownership: Ownership,
    allowed: Sequence[str] = (),
    *,
    agents: bool = True,
) -> Backstop:
    """The statements for these live clusters.

    `allowed` are ARNs of principals that they do not hold, as patterns. With `agents`, some hold agents alone.
    """
    others: dict[str, dict[str, Any]] = {"ArnNotLike": {"aws:PrincipalArn": [*allowed]}} if allowed else {}
    marks = list(_marks(live, ownership))
    statements: list[Statement] = []
    for mark in marks:
        statements += _on_a_mark(mark, actions, reference, others)
    if agents:
        statements += _for_agents(marks, actions, reference)
    missing = {each.name: WHY[each.way] for each in actions if each.way != "tag"}
    reached = {value for mark in marks for value in mark.values}
    missing |= {
        f"cluster {owner.name}": "no tag of its resources names it"
        for owner in live
        if not reached & {value for _, value in _tags(owner, ownership)}
    }
    missing |= {
        f"machines of {owner.name}": "one of its machines may end or be stopped, for its group starts another"
        for owner in live
        if owner.kind != NAMED and f"cluster {owner.name}" not in missing
    }
    return Backstop(tuple(each for each in statements if each.actions), missing)


def _on_a_mark(
    mark: _Mark, actions: Sequence[Action], reference: Reference, others: Mapping[str, Mapping[str, Any]]
) -> Iterator[Statement]:
    covered = sorted(
        (each for each in actions if each.way == "tag" and mark.denies(each)), key=lambda each: _rank(each.effects)
    )
    for rank in sorted({_rank(each.effects) for each in covered}):
        names = shortened((each.name for each in covered if _rank(each.effects) == rank), reference)
        yield Statement("Live", tuple(names), {**mark.condition, **others})
    prefixes = {each.prefix for each in covered}
    removing, setting = (reference.tagging(prefixes, removes=each) for each in (True, False))
    # A tag that counts before this one says whose the resource is as soon as it has a value.
    for key in (*mark.before, mark.key):
        if not key.startswith("aws:"):
            kept = {"StringNotEquals": {f"aws:RequestTag/{key}": mark.kept(key)}}
            yield Statement(
                "Tag", tuple(shortened(setting, reference)), {**mark.condition, **_touches(key), **kept, **others}
            )
    if mark.key.startswith("aws:"):
        return
    yield Statement("Tag", tuple(shortened(removing, reference)), {**mark.condition, **_touches(mark.key), **others})
    every = tuple(each for each in removing if each in _ALL_TAGS)
    yield Statement("Tag", every, {**mark.condition, "Null": {"aws:TagKeys": "true"}, **others})


def _touches(key: str) -> dict[str, dict[str, Any]]:
    return {"ForAnyValue:StringEquals": {"aws:TagKeys": [key]}}


def _for_agents(marks: Iterable[_Mark], actions: Sequence[Action], reference: Reference) -> Iterator[Statement]:
    through = {"Bool": {"aws:ViaAWSMCPService": "true"}}
    untagged = shortened((each.name for each in actions if each.way == "no tag" and each.ends), reference)
    yield Statement("Agents", tuple(untagged), through)
    for mark in marks:
        unclear = [each.name for each in actions if each.way in ("parameters", "switch") and mark.denies(each)]
        yield Statement("Agents", tuple(shortened(unclear, reference)), {**mark.condition, **through})


def _rank(effects: frozenset[str]) -> int:
    return min((EFFECTS.index(each) for each in effects if each in EFFECTS), default=len(EFFECTS))


def _marks(live: Sequence[Owner], ownership: Ownership) -> Iterator[_Mark]:
    values: dict[tuple[str, bool], dict[str, str]] = defaultdict(dict)
    for owner in live:
        for key, value in _tags(owner, ownership):
            values[key, owner.kind == NAMED][value] = owner.name
    for (key, whole), owners in values.items():
        configured = key in ownership.tags
        before = ownership.tags[: ownership.tags.index(key)] if configured else ownership.tags
        for part in _parts([*owners]):
            named = dict.fromkeys(owners[each] for each in part if whole and "/" not in owners[each])
            yield _Mark(key, part, whole, before, part if configured else tuple(named))


def _parts(values: Iterable[str]) -> Iterator[tuple[str, ...]]:
    """The values in groups that a condition has room for, one at least."""
    part: list[str] = []
    for value in values:
        if part and (len(part) == _NAMES or len(json.dumps([*part, value])) > _ROOM):
            yield tuple(part)
            part = []
        part.append(value)
    if part:
        yield tuple(part)


def _tags(owner: Owner, ownership: Ownership) -> Iterator[tuple[str, str]]:
    """The tags that put something into a cluster: configured ones for a named cluster, else those of AWS."""
    for key, value in ownership.marks(owner.name):
        inferred = key not in ownership.tags
        if inferred or (owner.kind == NAMED and "/" not in value):
            yield key, value


def _resource(key: str) -> str:
    return f"aws:ResourceTag/{key}"
