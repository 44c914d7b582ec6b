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
from guardrails.policy.check.trees import nodes, string, without
from guardrails.values import frozen

_NOT_NUMBERS = ("", "a", "1a", "a1", " 1", "007", "+5", ".5", "5.", "1_000", "0x10")
_NUMBER = "`^(0|[1-9][0-9]*)$`"


def of(module: Module, schema: Mapping[str, Any], defined: negations.Defined) -> Iterator[Mistake]:
    """The mistakes of one file; `schema` describes `input`, and `defined` what all files define."""
    for rule in module.rules:
        scope = _Scope(rule, schema, module)
        for code, span, message in (
            *_negations(module, scope, defined),
            *_messages(module, scope),
            *_numbers(module, rule),
        ):
            yield Mistake(module.file, span["line"], span["col"], code, message)


@frozen
class _Scope:
    """What the variables of a rule stand for, and what its conditions require."""

    rule: Rule
    schema: Mapping[str, Any]
    module: Module

    def statements(self, *, everywhere: bool = False) -> Iterator[Mapping[str, Any]]:
        """Those of the rule's bodies; `everywhere` also those of comprehensions in them."""
        for query in nodes(self.rule.node, "query") if everywhere else (body["query"] for body in self.rule.bodies):
            # Under a `with`, another input is looked at.
            yield from (each["literal"] for each in query["stmts"] if not each.get("with_mods"))

    def missing(self, node: Any) -> list[tuple[Mapping[str, Any], Path]]:
        """The references to `input` in `node` that may be undefined although the conditions hold: span and path."""
        conditions = self._conditions(everywhere=True)
        required = [path for condition in conditions for _, path in self.paths(condition)]
        for loop in nodes(self.rule.node, "SomeIn"):
            required += [(*path, None) for _, path in self.paths(loop["collection"])]
        return [(span, path) for span, path in self.paths(node) if may_be_missing(path, self.schema, required)]

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
        for collection in self._iterated(name):
            yield from ((*path, None) for _, path in self.paths(collection, depth + 1))
        for value in self._values(name):
            yield from (path for _, path in self.paths(value, depth + 1))

    def _iterated(self, name: str) -> Iterator[Any]:
        """What `some` and `every` take the values of a variable from."""
        for chosen in nodes(self.rule.node, "SomeIn"):
            if chosen["value"].get("Var", {}).get("value") == name:
                yield chosen["collection"]
        for every in nodes(self.rule.node, "Every"):
            if self.module.text(every["value"]) == name:
                yield every["domain"]

    def _values(self, name: str) -> Iterator[Mapping[str, Any]]:
        for assignment in nodes(self.rule.node, "AssignExpr"):
            if assignment["lhs"].get("Var", {}).get("value") == name:
                yield assignment["rhs"]

    def unknown(self, node: Any) -> Iterator[Mapping[str, Any]]:
        """The members of variables that no one can know to be there: the values do not come from `input`."""
        for reference in Contents(node).references:
            name, *rest = reference.path
            if not rest or reference.is_call or name not in self.rule.declared - self.rule.locals:
                continue
            written = any(rest[0] in negations.keys(value) for value in self._values(str(name)))
            if not written and not any(self._behind(str(name), 0)):
                yield reference.span

    def required(self) -> set[str]:
        """What the conditions name, as it is written, and members by the keys or values that they loop over."""
        conditions = self._conditions(everywhere=True)
        named = {self.module.text(each.span) for part in conditions for each in Contents(part).references}
        for loop in nodes(self.rule.node, "SomeIn"):
            by = next(iter((loop.get("key") or loop["value"]).values()))["span"]
            collection = next(iter(loop["collection"].values()))["span"]
            named.add(f"{self.module.text(collection)}[{self.module.text(by)}]")
        return named

    def _conditions(self, *, everywhere: bool = False) -> Iterator[Any]:
        """What must be defined for the rule to act. An assignment only gives a name, unless a condition uses it."""
        for literal in self.statements(everywhere=everywhere):
            if "NotExpr" not in literal and not _is_assignment(literal):
                loop = literal.get("SomeIn", {}).get("collection") or literal.get("Every", {}).get("domain")
                yield without(loop or literal, (*negations.COMPREHENSIONS, "NotExpr"))


def _is_assignment(literal: Mapping[str, Any]) -> bool:
    """Whether this is ``name := value``."""
    assignment = literal.get("Expr", {}).get("expr", {}).get("AssignExpr")
    return bool(assignment) and assignment["op"] == "ColEq" and "Var" in assignment["lhs"]


_Found = Iterator[tuple[str, Mapping[str, Any], str]]


def _negations(module: Module, scope: _Scope, defined: negations.Defined) -> _Found:
    denials = [*nodes(scope.rule.node, "NotExpr")]
    required = scope.required() if denials else set()
    for denied in denials:
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
            for span in (
                *negations.undefined(module, scope.rule, part, defined, scope.schema),
                *scope.unknown(part),
            )
            if module.text(span) not in required
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
