"""What a negated expression needs before it can be negated.

OPA evaluates the parts of ``not f(x) == y`` in front of the `not`: where one of them is undefined, so is the whole
line. On the embedded engine the `not` is then true. Only what is compared by ``==``, or stands alone, may be undefined
on both: ``not x``, ``not x == 1``, ``not f(1)``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from guardrails.evaluate.rego.references import Contents, Path
from guardrails.evaluate.rego.syntax import Module, Rule
from guardrails.policy.check.trees import nodes, without

_REFS = ("RefDot", "RefBrack", "Var")
# What is inside is evaluated on its own, and is never undefined as a whole.
_COMPREHENSIONS = ("ArrayCompr", "SetCompr", "ObjectCompr")
_MAY_BE_EMPTY: tuple[Path, ...] = (("min",), ("max",))


def needed(denied: Mapping[str, Any]) -> Iterator[Any]:
    """The parts of a negated expression that OPA evaluates first; `denied` is what a NotExpr holds."""
    kind, value = next((kind, value) for kind, value in denied["expr"].items() if kind != "span")
    equal = kind in ("BoolExpr", "AssignExpr") and value["op"] == "Eq"
    for part in (value["lhs"], value["rhs"]) if equal else (denied["expr"],):
        if set(part) & {*_REFS}:
            yield from _in_brackets(part)
        elif "Call" in part and not equal:
            yield from (without(each, _COMPREHENSIONS) for each in part["Call"]["params"])
        else:
            yield without(part, _COMPREHENSIONS)


def _in_brackets(reference: Mapping[str, Any]) -> Iterator[Any]:
    """What a reference takes a member by, and the expression that it starts with."""
    kind = next((kind for kind in _REFS if kind in reference), None)
    if kind is None:
        yield without(reference, _COMPREHENSIONS)
    elif kind != "Var":
        if kind == "RefBrack":
            yield without(reference["RefBrack"]["index"], _COMPREHENSIONS)
        yield from _in_brackets(reference[kind]["refr"])


def partial(modules: Sequence[Module]) -> frozenset[Path]:
    """The functions and rules that may be undefined: each of their definitions has conditions, or takes some values."""
    some: set[Path] = set()
    always: set[Path] = set()
    for module in modules:
        for rule in module.rules:
            if rule.form != "set":
                (some if rule.form != "default" and _only_sometimes(rule) else always).add(rule.path)
    return frozenset(some - always)


def _only_sometimes(rule: Rule) -> bool:
    conditions = bool(rule.bodies) and not any(body["query"]["stmts"] == [] for body in rule.bodies)
    return conditions or not rule.takes_any


def undefined(module: Module, rule: Rule, part: Any, among: frozenset[Path]) -> Iterator[Mapping[str, Any]]:
    """The spans of the rules and calls in a part that may be undefined; `among` comes from `partial`."""
    for named in module.references(rule.part(part), among):
        if named.path in among:
            yield named.span
    for reference in nodes(part, "RefBrack"):
        if not {*reference["refr"]} & {*_REFS}:
            yield reference["span"]
    for call in nodes(part, "Call"):
        name = next((each.path for each in Contents({"Call": call}).references if each.is_call), ())
        if name in _MAY_BE_EMPTY and not _written_out(call["params"]):
            yield call["span"]


def _written_out(params: Sequence[Any]) -> bool:
    """Whether the only argument is a list with something in it."""
    return any(node.get(kind, {}).get("items") for node in params for kind in ("Array", "Set"))
