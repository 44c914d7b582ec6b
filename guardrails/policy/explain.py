"""Why a call was denied: the conditions of each rule, which of them held, and the values they saw.

A rule's conditions are asked one after the other, each together with those before it, as rules that are added to the
rule's own file for that; so they see what the rule saw.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from attrs import evolve, frozen

from guardrails.evaluate.bundle import Bundle
from guardrails.evaluate.embedded import parsed, prepared
from guardrails.evaluate.rego.syntax import Module, Path, Rule
from guardrails.policy.check.entries import LEVELS, entries, told_of

_ENTRY = re.compile(r'"rule":\s*"([^"]+)"|violation\(\s*"([^"]+)"')
_NAME = re.compile(r"\b(input(?:\.\w+)+)")
_SEEN = 3
# What regorus gives for a rule without a value.
_UNDEFINED = '"<undefined>"'


@frozen
class Condition:
    """One line of a rule's body. `held` is None where an earlier one did not hold, so it was never asked.

    `saw` are the parts of `input` and the helper rules that it names, JSON-safe. `names_only` is true for one that
    gives something a name (``:=``).
    """

    text: str
    file: str
    line: int
    held: bool | None
    saw: Mapping[str, Any]
    names_only: bool = False


@frozen
class Reading:
    """What one definition of a rule made of a call. `bindings` are its variables, for the first few ways it held."""

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
    """A condition in the source; `brings` are the variables that it gives a value, `asks` the helper rules by name."""

    text: str
    line: int
    brings: tuple[str, ...]
    asks: Mapping[str, str]
    names_only: bool


@frozen
class _Body:
    module: Module
    rule: str
    title: str
    line: int
    level: str
    statements: tuple[_Statement, ...]


def readings(bundle: Bundle, document: Mapping[str, Any]) -> list[Reading]:
    """Every definition of every rule, and what it made of the input `document`. Raises PolicyError."""
    modules = parsed(bundle)
    helpers = _helpers(modules)
    bodies = [body for module in modules for body in _bodies(module, helpers)]
    texts = dict(bundle.modules)
    for number, body in enumerate(bodies):
        texts[body.module.file] += "".join(_probe(number, body))
    engine = prepared(evolve(bundle, modules=texts))
    engine.set_input_json(json.dumps(document, allow_nan=False))
    return [_reading(engine, number, body, document) for number, body in enumerate(bodies)]


def _helpers(modules: Iterable[Module]) -> frozenset[Path]:
    """The rules that have a value of their own: no functions, and not the rules that are explained."""
    rules = [rule for module in modules for rule in module.rules]
    functions = {rule.path for rule in rules if rule.is_function}
    return frozenset(rule.path for rule in rules if rule.path[-1] not in LEVELS) - functions


def _bodies(module: Module, helpers: frozenset[Path]) -> Iterator[_Body]:
    lines = module.lines
    for rule in entries(module):
        told = told_of(module, rule)
        named = _ENTRY.search("\n".join(lines[rule.line - 1 :]))
        name = str(told.get("rule") or (named and (named[1] or named[2])) or "?")
        for body in rule.bodies:
            stmts = body["query"]["stmts"]
            statements = tuple(_statement(module, rule, stmt, helpers) for stmt in stmts)
            yield _Body(
                module,
                name,
                str(told.get("title") or ""),
                rule.line,
                str(rule.path[-1]),
                statements,
            )


def _statement(module: Module, rule: Rule, stmt: Mapping[str, Any], helpers: frozenset[Path]) -> _Statement:
    literal = stmt["literal"]
    asks: dict[str, str] = {}
    for found in module.references(evolve(rule, node=[literal]), {path[:4] for path in helpers}):
        path = next((found.path[:size] for size in range(len(found.path), 3, -1) if found.path[:size] in helpers), None)
        if path is not None and not found.is_call:
            own = path[: len(module.package)] == module.package
            asks[".".join(map(str, path[len(module.package) if own else 2 :]))] = ".".join(map(str, path))
    expression = literal.get("Expr", {}).get("expr")
    names_only = isinstance(expression, dict) and expression.get("AssignExpr", {}).get("op") == "ColEq"
    brings = tuple(dict.fromkeys(_brought(literal)))
    return _Statement(module.text(stmt["span"]), int(stmt["span"]["line"]), brings, asks, names_only)


def _brought(literal: Mapping[str, Any]) -> Iterator[str]:
    """The variables that a condition gives a value: of ``some``, and the left side of ``:=``."""
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
    """For each condition a set that is not empty when it holds together with those before it: of the variables."""
    for count in range(1, len(body.statements) + 1):
        names = dict.fromkeys(name for statement in body.statements[:count] for name in statement.brings)
        values = ", ".join(f'"{name}": {name}' for name in names)
        asked = "\n".join(statement.text for statement in body.statements[:count])
        yield f"\n\nexplain__{number}_{count} contains {{{values}}} if {{\n{asked}\n}}\n"


def _reading(engine: Any, number: int, body: _Body, document: Mapping[str, Any]) -> Reading:
    package = ".".join(map(str, body.module.package))
    bindings: list[Mapping[str, Any]] = []
    conditions = []
    going = True
    for count, statement in enumerate(body.statements, 1):
        held = None
        if going:
            found = json.loads(engine.eval_rule_as_json(f"{package}.explain__{number}_{count}"))
            held = going = bool(found)
            bindings = found if going else bindings
        saw = _saw(statement.text, document) | _helped(engine, statement.asks)
        text = " ".join(statement.text.split())
        conditions.append(Condition(text, body.module.file, statement.line, held, saw, statement.names_only))
    return Reading(
        rule=body.rule,
        title=body.title,
        file=body.module.file,
        line=body.line,
        level=body.level,
        fired=going,
        conditions=tuple(conditions),
        bindings=tuple(bindings[:_SEEN]),
    )


def _helped(engine: Any, asks: Mapping[str, str]) -> dict[str, Any]:
    """The values of helper rules; one that is undefined, or fails on this input, has none."""
    found = {}
    for name, path in asks.items():
        try:
            text = engine.eval_rule_as_json(path)
        except RuntimeError:
            continue
        if text != _UNDEFINED:
            found[name] = json.loads(text)
    return found


def _saw(text: str, document: Mapping[str, Any]) -> dict[str, Any]:
    """The plain values of input that a condition names in full; of objects and lists their size says enough."""
    found = {}
    for name in dict.fromkeys(_NAME.findall(text)):
        value: Any = document
        for step in name.split(".")[1:]:
            value = value.get(step) if isinstance(value, Mapping) else None
        if not isinstance(value, Mapping):
            found[name] = value
    return found
