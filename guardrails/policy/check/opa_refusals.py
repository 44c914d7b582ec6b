"""What the embedded engine loads and OPA refuses: policies that can never run on an OPA server.

`opa check` finds more. This is what needs no OPA: variables without a value, types that cannot fit, forms of rules that
contradict each other, and a comma between conditions.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from guardrails.evaluate.rego.mistake import Mistake
from guardrails.evaluate.rego.references import Contents, Path, called
from guardrails.evaluate.rego.syntax import Form, Module, Rule
from guardrails.policy.check.trees import nodes, without
from guardrails.policy.check.types import SIGNATURES, fits, type_of, words

_Found = Iterator[tuple[Mapping[str, Any], str]]
# What is inside has variables of its own.
_SCOPES = ("ArrayCompr", "SetCompr", "ObjectCompr", "Every")
_LISTS = ("Set", "Array", "Object")


def of(modules: Sequence[Module], texts: Mapping[str, str]) -> Iterator[Mistake]:
    """The mistakes in these modules; `texts` has all modules, among which may be others of their packages."""
    yield from _forms(modules)
    for module in modules:
        for rule in module.rules:
            for span, message in (
                *_without_value(module, rule, texts),
                *_unused(module, rule),
                *_calls(rule),
                *_comparisons(rule),
                *_commas(rule),
            ):
                yield Mistake(module.file, span["line"], span["col"], "opa", message)


def _without_value(module: Module, rule: Rule, texts: Mapping[str, str]) -> _Found:
    """Variables in brackets in a ``not`` that nothing else gives a value."""
    for denied in nodes(rule.node, "NotExpr"):
        within = denied["span"]
        elsewhere = {
            reference.path[0]
            for reference in rule.references
            if not within["start"] <= reference.span["start"] < within["end"]
        }
        for reference in nodes(without(denied["expr"], _SCOPES), "RefBrack"):
            for used in Contents(reference["index"]).references:
                name = str(used.path[0])
                known = used.is_call or name in ("input", "data", "None") or name in elsewhere | rule.locals
                known = known or name in rule.declared | module.aliases.keys() or _is_a_rule(name, texts)
                if name == "_" or not known:
                    message = (
                        f"nothing gives {name} a value in this `not`, and OPA refuses that; put what you negate into a "
                        "helper rule, and write `not` and its name"
                    )
                    yield used.span, message


def _is_a_rule(name: str, texts: Mapping[str, str]) -> bool:
    """Whether a rule in any file begins with this name."""
    rule = re.compile(rf"^(default +)?{re.escape(name)}\b", re.MULTILINE)
    return any(map(rule.search, texts.values()))


def _unused(module: Module, rule: Rule) -> _Found:
    """Variables that ``some`` or ``every`` declares, and nothing uses."""
    for every in nodes(rule.node, "Every"):
        used = {reference.path[0] for reference in Contents(every["query"]).references}
        for span in (every["key"], every["value"]):
            if span and module.text(span) not in used | {"_"}:
                yield span, f"nothing uses {module.text(span)}, and OPA refuses that; use it, or write _"
    used = {reference.path[0] for reference in rule.references}
    for some in nodes(rule.node, "SomeVars"):
        for span in some["vars"]:
            if module.text(span) not in used:
                yield span, f"nothing uses {module.text(span)}, and OPA refuses that; use it, or remove it"


def _calls(rule: Rule) -> _Found:
    """Built-in functions with too many arguments, too few, or some of a type that they do not take."""
    for call in nodes(rule.node, "Call"):
        name, given = called(call), call["params"]
        takes = SIGNATURES.get(name, (None, ""))[0]
        if takes is None:
            continue
        # One more takes the result.
        if len(given) not in (len(takes), len(takes) + 1):
            noun = "argument" if len(takes) == 1 else "arguments"
            yield call["span"], f"{name} takes {len(takes)} {noun}, not {len(given)}"
            continue
        for argument, wanted in zip(given, takes, strict=False):
            if not fits(type_of(argument), wanted):
                yield call["span"], f"{name} takes {words(wanted)} here, not {words(type_of(argument))}"


def _comparisons(rule: Rule) -> _Found:
    for kind in ("BoolExpr", "AssignExpr"):
        for compared in nodes(rule.node, kind):
            one, other = type_of(compared["lhs"]), type_of(compared["rhs"])
            if compared["op"] == "Eq" and not fits(one, other):
                yield compared["span"], f"{words(one)} never equals {words(other)}, and OPA refuses to compare them"


def _commas(rule: Rule) -> _Found:
    """Conditions between braces with commas: they are one set, which is true whatever is in it."""
    for statement in (statement for body in rule.bodies for statement in body["query"]["stmts"]):
        condition = statement["literal"].get("Expr", {}).get("expr", {})
        if any(kind in condition for kind in _LISTS):
            what = words(type_of(condition))
            message = f"this condition is {what}, and so always holds; write each condition on a line, without commas"
            yield statement["span"], message


def _forms(modules: Sequence[Module]) -> Iterator[Mistake]:
    """Rules with the same name that cannot be one: a set and a value, a function and something else, two defaults."""
    first: dict[Path, Rule] = {}
    defaults: dict[Path, Rule] = {}
    for module in modules:
        for rule in module.rules:
            before = defaults if rule.form == "default" else first
            # Arguments of a default function are not counted as such.
            other = before.setdefault(rule.path, rule)
            name = ".".join(map(str, rule.path[len(rule.package) :]))
            if other is rule:
                continue
            if rule.form == "default":
                yield _clash(module, rule, f"{name} has another default in {other.file}:{other.line}")
            elif _has_no_key(rule) and _has_no_key(other) and rule.form != other.form:
                yield _clash(module, rule, f"{name} is {_FORMS[rule.form]} here, and {_FORMS[other.form]} in "
                             f"{other.file}:{other.line}")  # fmt: skip


_FORMS: Mapping[Form, str] = {"set": "a set", "value": "a value", "function": "a function", "default": "a default"}


def _has_no_key(rule: Rule) -> bool:
    return not rule.head or len(rule.head[0].path) == len(rule.path) - len(rule.package)


def _clash(module: Module, rule: Rule, what: str) -> Mistake:
    return Mistake(module.file, rule.line, 1, "opa", f"{what}, and OPA refuses that; rename one of them")
