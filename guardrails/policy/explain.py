"""Why a call was denied: the conditions of each rule, which of them were true, and the values they saw.

The conditions of a rule are evaluated one after the other, each together with those before it, as probe rules that are
appended to the rule's own file, so that they see what the rule saw.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from attrs import evolve

from guardrails.evaluate.bundle import Bundle
from guardrails.evaluate.checked import parsed, prepared
from guardrails.evaluate.rego.entry import LEVELS
from guardrails.evaluate.rego.references import Path
from guardrails.evaluate.rego.syntax import Module, Rule
from guardrails.policy.check.entries import entries, metadata_of
from guardrails.values import frozen

_ENTRY = re.compile(r'"rule":\s*"([^"]+)"|violation\(\s*"([^"]+)"')
_NAME = re.compile(r"\b(input(?:\.\w+)+)")
_SEEN = 3
# What regorus returns for a rule without a value.
_UNDEFINED = '"<undefined>"'


@frozen
class Condition:
    """One condition of a rule's body. `held` is None if an earlier one was not true, so that this one was skipped.

    `saw` has the values of the parts of `input` and the helper rules that it names, JSON-safe. `names_only` is true if
    it only gives a value a name (``:=``).
    """

    text: str
    file: str
    line: int
    held: bool | None
    saw: Mapping[str, Any]
    names_only: bool = False


@frozen
class Explanation:
    """One definition of a rule, evaluated on a call. `bindings` are its variables, for the first few matches."""

    rule: str
    title: str
    file: str
    line: int
    level: str
    fired: bool
    conditions: tuple[Condition, ...]
    bindings: tuple[Mapping[str, Any], ...]


@frozen
class _Statement:
    """A condition in the source: `binds` are the variables it assigns, `helpers` the paths of helper rules, by name."""

    text: str
    line: int
    binds: tuple[str, ...]
    helpers: Mapping[str, str]
    names_only: bool


@frozen
class _Body:
    module: Module
    rule: str
    title: str
    line: int
    level: str
    statements: tuple[_Statement, ...]


class Probes:
    """The conditions of every definition of every rule, ready to be asked about one input after the other."""

    def __init__(self, bundle: Bundle) -> None:
        """Raises PolicyError."""
        modules = parsed(bundle)
        helpers = _helpers(modules)
        self._bodies = [body for module in modules for body in _bodies(module, helpers)]
        texts = dict(bundle.modules)
        for number, body in enumerate(self._bodies):
            texts[body.module.file] += "".join(_probe(number, body))
        self._engine = prepared(evolve(bundle, modules=texts))

    def places(self) -> list[tuple[str, int]]:
        """File and line of the definition of each body; a definition may have several."""
        return [(body.module.file, body.line) for body in self._bodies]

    def explanations(self, document: Mapping[str, Any]) -> list[Explanation]:
        """Every definition, evaluated on the input `document`."""
        self.look_at(document)
        return [_explanation(self._engine, number, body, document) for number, body in enumerate(self._bodies)]

    def look_at(self, document: Mapping[str, Any]) -> None:
        """Use this input for what is asked next."""
        self._engine.set_input_json(json.dumps(document, allow_nan=False))

    def length(self, number: int) -> int:
        """How many conditions the body has."""
        return len(self._bodies[number].statements)

    def holds(self, number: int, count: int) -> bool:
        """Whether the first `count` conditions of the body hold; not where the engine fails on them."""
        package = ".".join(map(str, self._bodies[number].module.package))
        try:
            return bool(json.loads(self._engine.eval_rule_as_json(f"{package}.explain__{number}_{count}")))
        except RuntimeError:
            return False


def explanations(bundle: Bundle, document: Mapping[str, Any]) -> list[Explanation]:
    """Every definition of every rule, evaluated on the input `document`. Raises PolicyError."""
    return Probes(bundle).explanations(document)


def _helpers(modules: Iterable[Module]) -> frozenset[Path]:
    """The rules that have a value themselves: not functions, and not the entries that are explained."""
    rules = [rule for module in modules for rule in module.rules]
    functions = {rule.path for rule in rules if rule.is_function}
    return frozenset(rule.path for rule in rules if rule.path[-1] not in LEVELS) - functions


def rule_id(module: Module, rule: Rule) -> str:
    """The id of an entry's rule, from its METADATA or the entry itself; "?" where neither has one."""
    named = _ENTRY.search("\n".join(module.lines[rule.line - 1 :]))
    return str(metadata_of(module, rule).get("rule") or (named and (named[1] or named[2])) or "?")


def _bodies(module: Module, helpers: frozenset[Path]) -> Iterator[_Body]:
    for rule in entries(module):
        metadata = metadata_of(module, rule)
        name = rule_id(module, rule)
        for body in rule.bodies:
            statements = tuple(_statement(module, rule, stmt, helpers) for stmt in body["query"]["stmts"])
            yield _Body(module, name, str(metadata.get("title") or ""), rule.line, str(rule.path[-1]), statements)


def _statement(module: Module, rule: Rule, stmt: Mapping[str, Any], helpers: frozenset[Path]) -> _Statement:
    literal = stmt["literal"]
    named: dict[str, str] = {}
    for reference in module.references(rule.part(literal), {path[:4] for path in helpers}):
        prefixes = (reference.path[:size] for size in range(len(reference.path), 3, -1))
        path = next((prefix for prefix in prefixes if prefix in helpers), None)
        if path is not None and not reference.is_call:
            own = path[: len(module.package)] == module.package
            named[".".join(map(str, path[len(module.package) if own else 2 :]))] = ".".join(map(str, path))
    expression = literal.get("Expr", {}).get("expr")
    names_only = isinstance(expression, dict) and expression.get("AssignExpr", {}).get("op") == "ColEq"
    binds = tuple(dict.fromkeys(_bound(literal)))
    return _Statement(module.text(stmt["span"]), int(stmt["span"]["line"]), binds, named, names_only)


def _bound(literal: Mapping[str, Any]) -> Iterator[str]:
    """The variables that a condition assigns: those of ``some``, and the left side of ``:=``."""
    for kind, node in literal.items():
        if kind == "SomeIn":
            for part in ("key", "value"):
                yield from _vars(node.get(part))
        elif kind == "Expr" and isinstance(node.get("expr"), dict) and "AssignExpr" in node["expr"]:
            yield from _vars(node["expr"]["AssignExpr"]["lhs"])


def _vars(node: Any) -> Iterator[str]:
    if isinstance(node, dict) and "Var" in node and node["Var"]["value"] != "_":
        yield str(node["Var"]["value"])


def _probe(number: int, body: _Body) -> Iterator[str]:
    """For each condition a set of its variables, which is not empty if it and those before it are true."""
    for count in range(1, len(body.statements) + 1):
        names = dict.fromkeys(name for statement in body.statements[:count] for name in statement.binds)
        values = ", ".join(f'"{name}": {name}' for name in names)
        conditions = "\n".join(statement.text for statement in body.statements[:count])
        yield f"\n\nexplain__{number}_{count} contains {{{values}}} if {{\n{conditions}\n}}\n"


def _explanation(engine: Any, number: int, body: _Body, document: Mapping[str, Any]) -> Explanation:
    package = ".".join(map(str, body.module.package))
    bindings: list[Mapping[str, Any]] = []
    conditions = []
    true_so_far = True
    for count, statement in enumerate(body.statements, 1):
        held = None
        if true_so_far:
            matches = json.loads(engine.eval_rule_as_json(f"{package}.explain__{number}_{count}"))
            held = true_so_far = bool(matches)
            bindings = matches or bindings
        saw = _saw(statement.text, document) | _helper_values(engine, statement.helpers)
        text = " ".join(statement.text.split())
        conditions.append(Condition(text, body.module.file, statement.line, held, saw, statement.names_only))
    return Explanation(
        rule=body.rule,
        title=body.title,
        file=body.module.file,
        line=body.line,
        level=body.level,
        fired=true_so_far,
        conditions=tuple(conditions),
        bindings=tuple(bindings[:_SEEN]),
    )


def _helper_values(engine: Any, helpers: Mapping[str, str]) -> dict[str, Any]:
    """The values of helper rules, without those that are undefined or fail on this input."""
    values = {}
    for name, path in helpers.items():
        try:
            text = engine.eval_rule_as_json(path)
        except RuntimeError:
            continue
        if text != _UNDEFINED:
            values[name] = json.loads(text)
    return values


def _saw(text: str, document: Mapping[str, Any]) -> dict[str, Any]:
    """The values of `input` that a condition names, objects left out."""
    values = {}
    for name in dict.fromkeys(_NAME.findall(text)):
        value: Any = document
        for step in name.split(".")[1:]:
            value = value.get(step) if isinstance(value, Mapping) else None
        if not isinstance(value, Mapping):
            values[name] = value
    return values
