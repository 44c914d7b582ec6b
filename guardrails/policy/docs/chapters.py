"""The rule book's chapters: what each rule stops, why, and which parameters it reads, taken from the policies."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from guardrails.evaluate.bundle import Bundle
from guardrails.evaluate.checked import parsed
from guardrails.evaluate.rego import lint
from guardrails.evaluate.rego.entry import LEVELS
from guardrails.evaluate.rego.references import Path as RulePath
from guardrails.evaluate.rego.syntax import Module, Rule
from guardrails.policy.check.entries import entries, metadata_of
from guardrails.values import frozen

_PARAMS = ("data", "guardrails", "params")
_SHARED = ("data", "guardrails", "lib")
# Every rule reads these through guardrails.lib and guardrails.main.
_EVERYWHERE = frozenset(("enforcement", "live", "cluster_tag", "cluster_tags"))


@frozen
class Definition:
    """One definition of a rule: `level` is ``deny``, ``confirm`` or ``warn``."""

    level: str
    title: str
    description: str


@frozen
class Chapter:
    """One rule, with all its definitions. `parameters` are those it reads, with the values of this configuration.

    `enforcement` is the configuration's word for the rule, "" where it has none. `place` is ``file:line``.
    """

    rule: str
    definitions: tuple[Definition, ...]
    severity: str
    remediation: str
    incident: str
    avoid: str
    prefer: str
    parameters: Mapping[str, Any]
    enforcement: str
    place: str

    @property
    def title(self) -> str:
        """Of the first definition."""
        return self.definitions[0].title

    @property
    def description(self) -> str:
        """Of all definitions, each once."""
        return " ".join(dict.fromkeys(item.description for item in self.definitions if item.description))

    @property
    def levels(self) -> list[str]:
        """What it can do, the strongest first."""
        return [level for level in LEVELS if any(item.level == level for item in self.definitions)]

    @property
    def area(self) -> str:
        """``addresses`` of ``addresses/release``."""
        return self.rule.partition("/")[0]


def chapters(bundle: Bundle) -> list[Chapter]:
    """Every rule that has METADATA with its id, by id. Raises PolicyError for policies that do not compile."""
    modules = parsed(bundle)
    asked = _Parameters(modules, bundle.data)
    found: dict[str, list[tuple[Module, Rule, Mapping[str, Any]]]] = {}
    for module in modules:
        for rule in entries(module):
            told = metadata_of(module, rule)
            if told.get("rule"):
                found.setdefault(str(told["rule"]), []).append((module, rule, told))
    enforcement = asked.value(("enforcement",)) or {}
    return [_chapter(name, found[name], asked, str(enforcement.get(name, ""))) for name in sorted(found)]


def _chapter(
    name: str, found: list[tuple[Module, Rule, Mapping[str, Any]]], asked: _Parameters, enforcement: str
) -> Chapter:
    def first(key: str) -> str:
        return next((" ".join(str(told[key]).split()) for _, _, told in found if told.get(key)), "")

    module, rule, _ = found[0]
    parameters: dict[str, Any] = {}
    for _, one, _ in found:
        parameters |= asked.by(one)
    return Chapter(
        name,
        tuple(
            Definition(
                str(one.path[-1]), str(told.get("title", name)), " ".join(str(told.get("description", "")).split())
            )
            for _, one, told in found
        ),
        first("severity"),
        first("remediation"),
        first("incident"),
        first("avoid"),
        first("prefer"),
        dict(sorted(parameters.items())),
        enforcement,
        f"{_short(module.file)}:{rule.line}",
    )


def _short(file: str) -> str:
    """From the last folder ``guardrails`` on: the rest of the path is different on another machine."""
    _, found, rest = file.rpartition("/guardrails/")
    return f"guardrails/{rest}" if found else Path(file).name


@frozen
class _Uses:
    """One definition, the rules it refers to, and the parameters it names."""

    rule: Rule
    reached: set[RulePath]
    asked: set[tuple[str, ...]]


class _Parameters:
    """Which parameters a rule reads, directly or through helpers of its own area and the shared ones."""

    def __init__(self, modules: list[Module], data: Mapping[str, Any]) -> None:
        self._data = data
        rules = [rule for module in modules for rule in module.rules]
        defined = {rule.path for rule in rules}
        lying = lint.below(defined)
        self._definitions: dict[RulePath, list[_Uses]] = {}
        for module in modules:
            for rule in module.rules:
                reached: set[RulePath] = set()
                asked: set[tuple[str, ...]] = set()
                for found in module.references(rule, lying):
                    reached |= lint.reached(found.path, defined, lying) - {rule.path}
                    asked |= set(self._named(found.path))
                self._definitions.setdefault(rule.path, []).append(_Uses(rule, reached, asked))

    def _named(self, path: RulePath) -> Iterator[tuple[str, ...]]:
        if path[:3] != _PARAMS or len(path) < 4 or path[3] is None or path[3] in _EVERYWHERE:
            return
        name: tuple[str, ...] = ()
        for step in path[3:]:
            # Down to a value, or to a table whose keys are names of the user's.
            if step is None or not isinstance(self.value(name), Mapping) or step not in self.value(name):
                break
            name = (*name, step)
        if name:
            yield name

    def value(self, name: tuple[str, ...]) -> Any:
        found: Any = self._data
        for step in (*_PARAMS[1:], *name):
            found = found.get(step) if isinstance(found, Mapping) else None
        return found

    def by(self, rule: Rule) -> dict[str, Any]:
        """The parameters of one definition with their values, by dotted name."""
        todo = [uses for uses in self._definitions[rule.path] if uses.rule is rule]
        seen: set[RulePath] = set()
        names: set[tuple[str, ...]] = set()
        while todo:
            uses = todo.pop()
            names |= uses.asked
            near = {path for path in uses.reached if path[:3] in (rule.path[:3], _SHARED)}
            helpers = {path for path in near if path[-1] not in LEVELS} - seen
            seen |= helpers
            todo += [one for path in helpers for one in self._definitions[path]]
        # A table whose members are read needs no entry of its own.
        exact = {name for name in names if not any(other != name and other[: len(name)] == name for other in names)}
        return {".".join(name): self.value(name) for name in exact}
