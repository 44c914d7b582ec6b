"""The rules whose answer a change may reach, and what they read."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from typing import Any

from attrs import define, evolve

from guardrails.evaluate.bundle import Bundle, is_collector, params_of
from guardrails.evaluate.checked import parsed
from guardrails.evaluate.rego import lint
from guardrails.evaluate.rego.references import Path, leading
from guardrails.evaluate.rego.syntax import Module, Rule
from guardrails.policy.check.entries import entries
from guardrails.policy.compare.braces import braced
from guardrails.policy.compare.definitions import PARAMS, Definition, Nested, definitions
from guardrails.policy.compare.reads import Reads, add
from guardrails.policy.explain import rule_id
from guardrails.values import frozen

_DECISION: Path = ("data", "guardrails", "main", "decision")
ENFORCEMENT: Path = (*PARAMS, "enforcement")
_COLLECTOR: Path = ("data", "guardrails", "areas")


@frozen
class EntryRule:
    """A definition that adds to deny, confirm or warn, and the id of its rule."""

    rule: str
    level: str
    definition: Definition


@define(slots=False)
class Policies:
    """The rules of one bundle, as far as their text shows what they do."""

    bundle: Bundle
    # Other policies, of which what is the same need not be read again.
    like: Policies | None = None

    @cached_property
    def modules(self) -> list[Module]:
        """The syntax trees, each body in braces, without the module that collects the areas: that follows from them."""
        known = {module.file: module for module in self.like.modules} if self.like else {}
        before = self.like.bundle.modules if self.like else {}
        texts = {file: text for file, text in self.bundle.modules.items() if not is_collector(text)}
        same = {file for file in texts.keys() & known.keys() if before[file] == texts[file]}
        read = self._parsed({file: text for file, text in texts.items() if file not in same})
        read |= self._parsed({file: text for file, module in read.items() if (text := braced(module)) != texts[file]})
        return [known[file] if file in same else read[file] for file in texts]

    @cached_property
    def rules(self) -> Mapping[tuple[str, int], tuple[Module, Rule]]:
        """Each rule with its module, by file and line: those of a definition."""
        return {(rule.file, rule.line): (module, rule) for module in self.modules for rule in module.rules}

    def _parsed(self, texts: Mapping[str, str]) -> dict[str, Module]:
        if not texts:
            return {}
        return {module.file: module for module in parsed(evolve(self.bundle, modules=texts))}

    @cached_property
    def definitions(self) -> list[Definition]:
        """Every definition."""
        return [each for module in self.modules for each in self._read(module)]

    def _read(self, module: Module) -> list[Definition]:
        if (
            self.like is None
            or self.within != self.like.within
            or not any(module is each for each in self.like.modules)
        ):
            return definitions(module, self.within)
        return [each for each in self.like.definitions if each.file == module.file]

    @cached_property
    def by_path(self) -> Mapping[Path, list[Definition]]:
        """The definitions of each rule."""
        found: dict[Path, list[Definition]] = {}
        for definition in self.definitions:
            found.setdefault(definition.path, []).append(definition)
        return found

    @cached_property
    def entries(self) -> list[EntryRule]:
        """What adds to deny, confirm and warn."""
        at = {(definition.file, definition.line): definition for definition in self.definitions}
        return [
            EntryRule(rule_id(module, rule), str(rule.path[-1]), at[rule.file, rule.line])
            for module in self.modules
            for rule in entries(module)
        ]

    @cached_property
    def within(self) -> Mapping[Path, set[Path]]:
        """What is below each path."""
        return lint.below({rule.path for module in self.modules for rule in module.rules})

    def closure(self, start: Iterable[Definition]) -> list[Definition]:
        """These definitions, and all that they use, directly or not."""
        found = {id(definition): definition for definition in start}
        waiting = list(found.values())
        while waiting:
            for path in waiting.pop().refers:
                for rule in lint.reached(path, set(self.by_path), self.within):
                    for definition in self.by_path[rule]:
                        if id(definition) not in found:
                            found[id(definition)] = definition
                            waiting.append(definition)
        return list(found.values())

    def reads(self, some: Sequence[Definition]) -> Reads:
        """What these definitions read."""
        names = frozenset().union(*(definition.names for definition in some)) if some else frozenset()
        strings: dict[str, frozenset[str]] = {}
        keys: dict[str, frozenset[str]] = {}
        numbers = {number for definition in some for number in definition.numbers}
        for definition in some:
            add(strings, definition.strings)
            add(keys, definition.keys)
        words: set[str] = set()
        tags: set[str] = set()
        for path in {path for definition in some for path in definition.refers if path[: len(PARAMS)] == PARAMS}:
            given = _at(params_of(self.bundle), path[len(PARAMS) :])
            for value in _values(given):
                (words.add if isinstance(value, str) else numbers.add)(value)
            # A parameter may name a tag.
            tags |= {value for value in (given if isinstance(given, list) else [given]) if isinstance(value, str)}
        for value in _values([_at(self.bundle.data, path[1:]) for path in self._elsewhere(some)]):
            (words.add if isinstance(value, str) else numbers.add)(value)
        strings[""] = strings.get("", frozenset()) | words
        keys["tags"] = keys.get("tags", frozenset()) | tags
        nested: Nested = frozenset().union(*(definition.nested for definition in some))
        return Reads(names, strings, tuple(sorted(numbers)), keys, nested)

    def _elsewhere(self, some: Sequence[Definition]) -> set[Path]:
        """The paths that these definitions refer to where no rule is, nor a parameter: values of a data.json."""
        refers = {path for definition in some for path in definition.refers if len(path) > 2}
        return {
            path
            for path in refers
            if path[: len(PARAMS)] != PARAMS and not lint.reached(path, set(self.by_path), self.within)
        }


def changed(old: Policies, new: Policies) -> tuple[frozenset[str], frozenset[Path]]:
    """The digests of the definitions that only one of them has, and the paths of those and of changed parameters."""
    before = {definition.digest: definition.path for definition in old.definitions}
    after = {definition.digest: definition.path for definition in new.definitions}
    digests = before.keys() ^ after.keys()
    paths = {(before.get(digest) or after[digest]) for digest in digests}
    paths |= set(_differing(params_of(old.bundle), params_of(new.bundle), PARAMS))
    # A data.json may be in any folder, which says where its values go.
    paths |= set(_differing(old.bundle.data, new.bundle.data, ("data",)))
    return frozenset(digests), frozenset(paths)


def reached(policies: Policies, digests: frozenset[str], paths: frozenset[Path]) -> list[EntryRule]:
    """The entries that differ, or whose answer may depend on one of these paths; all where the decision itself does."""
    every = changes_every_decision(policies, paths)
    return policies.entries if every else differing(policies, digests, paths)


def differing(policies: Policies, digests: frozenset[str], paths: frozenset[Path]) -> list[EntryRule]:
    """The entries that differ, or that use what does."""
    levels = of_another_level(paths)
    return [entry for entry in policies.entries if entry.rule in levels or _is_reached(policies, entry, digests, paths)]


def of_another_level(paths: frozenset[Path]) -> frozenset[str]:
    """The rules that the configuration gives another level: decisions differ by these where all rules say the same."""
    return frozenset(str(path[-1]) for path in paths if path[:-1] == ENFORCEMENT)


def changes_every_decision(policies: Policies, paths: frozenset[Path]) -> bool:
    """Whether what makes the decision of all rules' answers differs."""
    core = policies.closure(policies.by_path.get(_DECISION, ()))
    general = frozenset(path for path in paths if path[:-1] != ENFORCEMENT)
    return any(touches(definition, general) for definition in core)


def _is_reached(policies: Policies, entry: EntryRule, digests: frozenset[str], paths: frozenset[Path]) -> bool:
    if entry.definition.digest in digests:
        return True
    # Other definitions of the same set add to it and change nothing in this one.
    return any(
        touches(definition, paths - {entry.definition.path}) for definition in policies.closure([entry.definition])
    )


def touches(definition: Definition, paths: frozenset[Path]) -> bool:
    """Whether a definition is at one of these paths, or refers to it."""
    if definition.path in paths:
        return True
    read = [tuple(leading(path)) for path in definition.refers if path[: len(_COLLECTOR)] != _COLLECTOR]
    return any(path[: len(other)] == other or other[: len(path)] == path for path in read for other in paths)


def _differing(old: Any, new: Any, path: Path) -> Iterable[Path]:
    if path == ENFORCEMENT:
        old, new = old or {}, new or {}
    if isinstance(old, Mapping) and isinstance(new, Mapping):
        for name in sorted({*old, *new}):
            yield from _differing(old.get(name), new.get(name), (*path, name))
    elif old != new:
        yield path


def _at(value: Any, path: Path) -> Any:
    for step in path:
        if step is None or not isinstance(value, Mapping):
            return value
        value = value.get(step)
    return value


def _values(value: Any) -> Iterable[Any]:
    """Every string and number in a value, and the names of its members."""
    if isinstance(value, Mapping):
        for name, inner in value.items():
            yield name
            yield from _values(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _values(inner)
    elif isinstance(value, str) or (isinstance(value, (int, float)) and not isinstance(value, bool)):
        yield value
