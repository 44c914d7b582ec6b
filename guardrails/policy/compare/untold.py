"""The rules about which a comparison knows nothing: they differ, and no input that was tried shows how.

A condition that is written in another way is known once it held and failed. A value, a function, a calculation and a
condition that one side has more are known once a rule that uses them said something else than before. Where several of
them changed, one that only made the rule stricter tells nothing about the others.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from guardrails.evaluate.rego.entry import LEVELS
from guardrails.evaluate.rego.references import Path, called
from guardrails.evaluate.rego.syntax import Module, Rule
from guardrails.policy.check.trees import nodes
from guardrails.policy.compare.affected import ENFORCEMENT, EntryRule, Policies, touches
from guardrails.policy.compare.definitions import Definition, bare, conditions, is_constant, only_names
from guardrails.policy.compare.watched import Watched
from guardrails.values import frozen

# Functions that make sentences.
_WORDING = frozenset(("sprintf", "concat", "format_int"))
# The kind of a value, and what it is.
_Value = tuple[str, str]
_Changed = Mapping[Any, list[tuple[Module, Rule]]]
_VALUES = ("ArithExpr", "Number", "String", "RawString")
# Beside functions, these say how something is compared. Equality is written in too many ways.
_OPERATORS = ("BoolExpr", "BinExpr", "Membership", "Every")


@frozen
class Told:
    """The rules that said something else than before on any input, and those that did not say what they had said."""

    other: Collection[str]
    less: Collection[str]


@frozen
class Side:
    """One set of policies, as it was watched, and those of its rules that the changes may reach."""

    policies: Policies
    watched: Watched
    entries: Sequence[EntryRule]


def untold(old: Side, new: Side, digests: Collection[str], paths: Collection[Path], told: Told) -> set[str]:
    """The ids of these rules."""
    return _never_decided(old, new) | _never_different(old, new, digests, paths, told)


def _never_decided(old: Side, new: Side) -> set[str]:
    """The rules with a condition that is written in another way, and that always held, or never."""
    found = set()
    for side, places in ((old, old.watched.untold(new.watched)), (new, new.watched.untold(old.watched))):
        for entry in side.entries if places else ():
            if any((each.file, each.line) in places for each in side.policies.closure([entry.definition])):
                found.add(entry.rule)
    return found


def _never_different(old: Side, new: Side, digests: Collection[str], paths: Collection[Path], told: Told) -> set[str]:
    own = _without_names(*(_changed(side, digests, entries=True) for side in (old, new)))
    helpers = [_changed(side, digests, entries=False) for side in (old, new)]
    given = {path for path in paths if path[:-1] != ENFORCEMENT and not _is_rule(path, old, new)}
    sizes = Counter({str(rule): size for rule, size in _sizes(*own).items()})
    places = dict.fromkeys(given, 1) | _sizes(*helpers)
    decides = [(entry.rule, entry.definition, _decides(side, entry)) for side in (old, new) for entry in side.entries]
    users = {
        path: {
            rule
            for rule, definition, used in decides
            if any(touches(each, frozenset((path,)) - {definition.path}) for each in used)
        }
        for path in places
    }
    for path, rules in users.items():
        sizes.update(dict.fromkeys(rules, places[path]))
    known = {rule for rule in told.other if sizes[rule] <= 1} | {*told.less}
    found = {str(rule) for rule in _differing(*own)}.difference(known)
    for path in given | _differing(*helpers):
        if not users[path].intersection(known):
            found |= users[path]
    return found


def _without_names(old: _Changed, new: _Changed) -> tuple[_Changed, _Changed]:
    """Without the rules that have another id and are the same."""
    sides = [
        {name: some for name, some in side.items() if name not in other} for side, other in ((old, new), (new, old))
    ]
    same: set[Any] = set()
    for name, rules in sides[0].items():
        same |= {
            each
            for other, others in sides[1].items()
            if (_asked(rules), _values(rules)) == (_asked(others), _values(others))
            for each in (name, other)
        }
    old, new = ({name: some for name, some in side.items() if name not in same} for side in (old, new))
    return old, new


def _sizes(old: _Changed, new: _Changed) -> dict[Any, int]:
    """How many conditions of each definition are others."""
    found = {}
    for name in old.keys() | new.keys():
        asked, asks = _asked(old.get(name, [])), _asked(new.get(name, []))
        found[name] = max(1, len(asked - asks), len(asks - asked))
    return found


def _is_rule(path: Path, *sides: Side) -> bool:
    return any(path in side.policies.by_path for side in sides)


def _changed(side: Side, digests: Collection[str], *, entries: bool) -> _Changed:
    """The definitions that only this side has: rules that act by their ids, or others by their paths."""
    ids = {id(entry.definition): entry.rule for entry in side.policies.entries}
    found: dict[Any, list[tuple[Module, Rule]]] = {}
    for each in side.policies.definitions:
        if each.digest in digests and (id(each) in ids) == entries:
            found.setdefault(ids.get(id(each), each.path), []).append(side.policies.rules[each.file, each.line])
    return found


def _differing(old: _Changed, new: _Changed) -> set[Any]:
    """Where one side computes what the other one does not, or has all its conditions and more."""
    found = set()
    for name in old.keys() | new.keys():
        before, after = old.get(name, []), new.get(name, [])
        asked, asks = _asked(before), _asked(after)
        if asked < asks or asks < asked:
            found.add(name)
    return found | _of_other_values(old, new)


def _of_other_values(old: _Changed, new: _Changed) -> set[Any]:
    """Where a value is gone, new or in the place of another of its kind, or only one constant has it."""
    values = [{name: _values(some) for name, some in side.items()} for side in (old, new)]
    sums = [sum(side.values(), Counter[_Value]()) for side in values]
    lost, gained = sums[0] - sums[1], sums[1] - sums[0]
    replaced = {kind for kind, _ in lost} & {kind for kind, _ in gained}
    # Not where a rule was divided, and its parts say the same twice.
    on_one_side = sums[0].keys() ^ sums[1].keys()
    there = old.keys() & new.keys()
    return {
        name
        for side, rules in zip(values, (old, new), strict=True)
        for name, some in side.items()
        for value in some & (lost | gained)
        if value[0] in replaced
        or (name in there and value in on_one_side)
        or all(is_constant(rule) for _, rule in rules[name])
    }


def _asked(rules: Sequence[tuple[Module, Rule]]) -> set[str]:
    """The conditions of these definitions, also those within others; not those that have some themselves."""
    return {
        json.dumps(bare(statement["literal"], module), sort_keys=True)
        for module, rule in rules
        for query in nodes([*rule.node], "query")
        for statement in query["stmts"]
        if not only_names(statement) and not any(nodes(statement, "query"))
    }


def _values(rules: Sequence[tuple[Module, Rule]]) -> Counter[_Value]:
    """The calculations, numbers, strings, functions and operators of some definitions, without those of sentences."""
    found = Counter[_Value]()
    # Beside its conditions, a rule that acts has only words.
    waiting: list[tuple[Module, Any]] = [
        (module, rule.bodies if rule.path[-1] in LEVELS else rule.node) for module, rule in rules
    ]
    while waiting:
        module, node = waiting.pop()
        if isinstance(node, (list, tuple)):
            waiting += ((module, inner) for inner in node)
        elif isinstance(node, dict):
            for kind, inner in node.items():
                if kind == "Call" and called(inner) in _WORDING:
                    continue
                if kind in _VALUES:
                    found[kind, json.dumps(bare(inner, module), sort_keys=True)] += 1
                elif kind in _OPERATORS or kind == "Call":
                    how = called(inner) if kind == "Call" else str(inner.get("op", kind))
                    found["how", how] += how not in ("Eq", "Ne")
                waiting.append((module, inner))
    return found


def _decides(side: Side, entry: EntryRule) -> list[Definition]:
    """What the conditions of a rule use, and not only its message."""
    some = conditions(*side.policies.rules[entry.definition.file, entry.definition.line], side.policies.within)
    return side.policies.closure(each for body in some for each in body if each.decides)
