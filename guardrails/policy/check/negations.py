"""What a negated expression needs before it can be negated.

OPA evaluates the parts of ``not f(x) == y`` in front of the `not`: where one of them is undefined, so is the whole
line. On the embedded engine the `not` is then true. Only what is compared by ``==``, or stands alone, may be undefined
on both: ``not x``, ``not x == 1``, ``not f(1)``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from attrs import evolve

from guardrails.evaluate.rego.references import Contents, Path, path_of
from guardrails.evaluate.rego.syntax import Module, Rule
from guardrails.policy.check.input_paths import may_be_missing
from guardrails.policy.check.trees import nodes, string, without
from guardrails.values import frozen

_REFS = ("RefDot", "RefBrack", "Var")
# What is inside is evaluated on its own, and is never undefined as a whole.
COMPREHENSIONS = ("ArrayCompr", "SetCompr", "ObjectCompr")
_MAY_BE_EMPTY: tuple[Path, ...] = (("min",), ("max",))


def needed(denied: Mapping[str, Any]) -> Iterator[Any]:
    """The parts of a negated expression that OPA evaluates first; `denied` is what a NotExpr holds."""
    kind, value = next((kind, value) for kind, value in denied["expr"].items() if kind != "span")
    equal = kind in ("BoolExpr", "AssignExpr") and value["op"] == "Eq"
    for part in (value["lhs"], value["rhs"]) if equal else (denied["expr"],):
        if set(part) & {*_REFS}:
            yield from _in_brackets(part)
        elif "Call" in part and not equal:
            yield from (without(each, COMPREHENSIONS) for each in part["Call"]["params"])
        else:
            yield without(part, COMPREHENSIONS)


def _in_brackets(reference: Mapping[str, Any]) -> Iterator[Any]:
    """What a reference takes a member by, and the expression that it starts with."""
    kind = next((kind for kind in _REFS if kind in reference), None)
    if kind is None:
        yield without(reference, COMPREHENSIONS)
    elif kind != "Var":
        if kind == "RefBrack":
            yield without(reference["RefBrack"]["index"], COMPREHENSIONS)
        yield from _in_brackets(reference[kind]["refr"])


@frozen
class Defined:
    """What is known of the rules of all modules. `partial` are the functions and rules that may be undefined.

    `members` are the keys that the value of each rule has at any rate, `inputs` the paths into `input` that rules are
    another name for. `names` has the paths of all of them, and of what is above them.
    """

    partial: frozenset[Path]
    members: Mapping[Path, frozenset[str]]
    inputs: Mapping[Path, Path]
    names: frozenset[Path]

    def lacks(self, path: Path, schema: Mapping[str, Any]) -> bool:
        """Whether a member of a rule's value, or one of its members, may be missing; `schema` describes `input`."""
        for end in range(len(path) - 1, 0, -1):
            if path[:end] in self.inputs:
                return may_be_missing((*self.inputs[path[:end]], *path[end:]), schema)
            if path[:end] in self.members:
                return path[end] not in self.members[path[:end]]
        return False


def defined(modules: Sequence[Module]) -> Defined:
    """What the modules define. A rule is partial where each definition has conditions, or takes some values only."""
    some: set[Path] = set()
    always: set[Path] = set()
    values: dict[Path, list[Mapping[str, Any]]] = {}
    for module in modules:
        for rule in module.rules:
            if rule.form != "set":
                (some if rule.form != "default" and _only_sometimes(rule) else always).add(rule.path)
            if not rule.is_function:
                values.setdefault(rule.path, []).append(_value(rule))
    members = {path: frozenset.intersection(*map(keys, nodes)) for path, nodes in values.items()}
    inputs = {path: path_of(nodes[0]) for path, nodes in values.items() if len(nodes) == 1}
    inputs = {path: of for path, of in inputs.items() if of[0] == "input" and None not in of}
    names = frozenset(path[:end] for path in (*(some - always), *members) for end in range(1, len(path) + 1))
    return Defined(frozenset(some - always), members, inputs, names)


def _value(rule: Rule) -> Mapping[str, Any]:
    """What a rule of one value is; an empty node for others, also for `name[key] := …` of any key."""
    given: list[Mapping[str, Any]] = [part["value"] for part in rule.node if isinstance(part, dict) and "op" in part]
    any_key = any(None in named.path for named in rule.head)
    return given[0] if given and rule.form == "value" and not any_key else {}


def keys(value: Mapping[str, Any]) -> frozenset[str]:
    """The keys that an object has as it is written."""
    fields = value.get("Object", {}).get("fields", ())
    return frozenset(key for _, written, _ in fields if (key := string(written)) is not None)


def _only_sometimes(rule: Rule) -> bool:
    conditions = bool(rule.bodies) and not any(body["query"]["stmts"] == [] for body in rule.bodies)
    return conditions or not rule.takes_any


def undefined(
    module: Module, rule: Rule, part: Any, known: Defined, schema: Mapping[str, Any]
) -> Iterator[Mapping[str, Any]]:
    """The spans of the rules, their members and the calls in a part that may be undefined."""
    # A variable hides a rule of its name.
    part_of_it = evolve(rule.part(part), locals=rule.locals | rule.declared)
    for named in module.references(part_of_it, known.names):
        if named.path in known.partial or (not named.is_call and known.lacks(named.path, schema)):
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
