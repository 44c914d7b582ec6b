"""Where a rule does not act because something in `input` is missing, or the engines disagree about it.

Found are `not f(x)` and messages over parts of `input` that may be missing, and `to_number` of a string that need not
be a number. What the body requires anyway is not missing where the rule acts.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterator, Mapping
from typing import Any

from guardrails.evaluate.rego.entry import LEVELS, MEMBERS, members_of, value_of
from guardrails.evaluate.rego.mistake import Mistake
from guardrails.evaluate.rego.references import Contents, Path
from guardrails.evaluate.rego.syntax import Module, Rule
from guardrails.policy.check import negations
from guardrails.policy.check.input_paths import may_be_missing
from guardrails.policy.check.trees import nodes, string
from guardrails.values import frozen

_NOT_NUMBERS = ("", "a", "1a", "a1", " 1", "007", "+5", ".5", "5.", "1_000", "0x10")
_NUMBER = "`^(0|[1-9][0-9]*)$`"


def of(module: Module, schema: Mapping[str, Any], partial: frozenset[Path] = frozenset()) -> Iterator[Mistake]:
    """The mistakes of one file; `schema` describes `input`, and `partial` comes from `negations`."""
    for rule in module.rules:
        scope = _Scope(rule, schema)
        for code, span, message in (
            *_negations(module, scope, partial),
            *_messages(module, scope),
            *_numbers(module, rule),
        ):
            yield Mistake(module.file, span["line"], span["col"], code, message)


@frozen
class _Scope:
    """What the variables of a rule stand for, and what its conditions require."""

    rule: Rule
    schema: Mapping[str, Any]

    @property
    def statements(self) -> list[Mapping[str, Any]]:
        # Under a `with`, another input is looked at.
        return [
            statement["literal"]
            for body in self.rule.bodies
            for statement in body["query"]["stmts"]
            if not statement.get("with_mods")
        ]

    def missing(self, node: Any) -> list[tuple[Mapping[str, Any], Path]]:
        """The references to `input` in `node` that may be undefined although the conditions hold: span and path."""
        required = [path for condition in self._conditions() for _, path in self.paths(condition)]
        return [
            (span, path)
            for span, path in self.paths(node)
            if may_be_missing(path, self.schema) and not any(other[: len(path)] == path for other in required)
        ]

    def paths(self, node: Any, depth: int = 0) -> Iterator[tuple[Mapping[str, Any], Path]]:
        """Every reference to `input`, through variables: its span and its path from `input` on."""
        for reference in Contents(node).references:
            first, *rest = reference.path
            if first == "input" and not reference.is_call:
                yield reference.span, reference.path
            elif first not in (None, *self.rule.locals) and depth < 5:
                for path in self._behind(str(first), depth):
                    # What stands for a computed value has no parts that the schema knows.
                    yield reference.span, (*path, *rest) if path else path

    def _behind(self, name: str, depth: int) -> Iterator[Path]:
        for literal in self.statements:
            chosen = literal.get("SomeIn")
            if chosen and chosen["value"].get("Var", {}).get("value") == name:
                yield from ((*path, None) for _, path in self.paths(chosen["collection"], depth + 1))
            value = _assigned(literal, name)
            if value is not None:
                yield from (path for _, path in self.paths(value, depth + 1))

    def required(self, module: Module) -> set[str]:
        """What the conditions name, as it is written."""
        return {module.text(each.span) for condition in self._conditions() for each in Contents(condition).references}

    def _conditions(self) -> Iterator[Any]:
        """What must be defined for the rule to act. An assignment only gives a name, unless a condition uses it."""
        for literal in self.statements:
            if "NotExpr" not in literal and _assigned(literal) is None:
                yield literal.get("SomeIn", {}).get("collection") or literal


def _assigned(literal: Mapping[str, Any], name: str | None = None) -> Mapping[str, Any] | None:
    """The value in ``name := value``; of any name where none is given."""
    assignment = literal.get("Expr", {}).get("expr", {}).get("AssignExpr")
    if not assignment or assignment["op"] != "ColEq" or "Var" not in assignment["lhs"]:
        return None
    value: Mapping[str, Any] = assignment["rhs"]
    return value if name in (None, assignment["lhs"]["Var"]["value"]) else None


_Found = Iterator[tuple[str, Mapping[str, Any], str]]


def _negations(module: Module, scope: _Scope, partial: frozenset[Path]) -> _Found:
    for denied in nodes(scope.rule.node, "NotExpr"):
        constant = denied["expr"].get("Bool", {})
        if constant.get("value") is True:
            yield (
                "negation",
                constant["span"],
                "`not true` never holds, but some versions of OPA take it for true; remove it",
            )
        parts = list(negations.needed(denied))
        missing = [span for part in parts for span, _ in scope.missing(part)]
        missing += [
            span
            for part in parts
            for span in negations.undefined(module, scope.rule, part, partial)
            if module.text(span) not in scope.required(module)
        ]
        spans = {span["start"]: span for span in missing}
        for span in spans.values():
            what = module.text(span)
            yield (
                "negation",
                span,
                (
                    f"where {what} is missing, this `not` is undefined on OPA, and true on the embedded engine; put "
                    "what you negate into a helper rule, and write `not` and its name"
                ),
            )


def _messages(module: Module, scope: _Scope) -> _Found:
    rule = scope.rule
    if rule.path[-1] not in LEVELS or rule.member is None:
        return
    node = value_of(rule, rule.member)
    members = (members_of(node) or {}) if "Object" in node else {}
    for name in MEMBERS:
        for span, _ in scope.missing(value_of(rule, members.get(name, {}))):
            what = module.text(span)
            yield (
                "message",
                span,
                (
                    f"where {what} is missing, the {name} is undefined, and the {rule.path[-1]} does not exist; "
                    f"require {what} in the body, or use object.get with a default"
                ),
            )


def _numbers(module: Module, rule: Rule) -> _Found:
    tested = {
        module.text(_span(call["params"][1]))
        for call in nodes(rule.node, "Call")
        if _called(call) == ("regex", "match") and _only_numbers(call["params"][0])
    }
    for call in nodes(rule.node, "Call"):
        if _called(call) == ("to_number",) and call["params"] and "Number" not in call["params"][0]:
            what = module.text(_span(call["params"][0]))
            if what not in tested:
                yield (
                    "number",
                    call["span"],
                    (
                        f"where {what} is not a number, to_number is undefined on OPA, and blocks the call on the "
                        f"embedded engine; put regex.match({_NUMBER}, {what}) before it"
                    ),
                )


def _called(call: Mapping[str, Any]) -> Path:
    return next((reference.path for reference in Contents({"Call": call}).references if reference.is_call), ())


def _only_numbers(node: Mapping[str, Any]) -> bool:
    """Whether a pattern that is written out matches none of some strings that are not numbers."""
    pattern = string(node)
    try:
        # Python warns of patterns that may mean something else one day.
        with warnings.catch_warnings(action="ignore"):
            return pattern is not None and not any(re.search(pattern, text) for text in _NOT_NUMBERS)
    except re.error:
        return False


def _span(node: Mapping[str, Any]) -> Mapping[str, Any]:
    span: Mapping[str, Any] = next(iter(node.values()))["span"]
    return span
