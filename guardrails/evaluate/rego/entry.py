"""What a rule adds to deny, confirm or warn, as far as its syntax tree shows it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from guardrails.evaluate.rego.syntax import Rule

LEVELS = ("deny", "confirm", "warn")
MEMBERS = ("rule", "target", "message", "remediation")
_NEEDS = f"strings {', '.join(MEMBERS[:-1])} and {MEMBERS[-1]}"
# What can be neither an entry nor one of its strings.
_NEITHER = {"Number": "a number", "Bool": "a boolean", "Null": "null", "Array": "an array", "Set": "a set",
            "ArrayCompr": "an array", "SetCompr": "a set", "ArithExpr": "a number", "BoolExpr": "a boolean",
            "Membership": "a boolean"}  # fmt: skip
_OBJECTS = {"Object": "an object", "ObjectCompr": "an object"}
_STRINGS = ("String", "RawString")
_RETURN_STRINGS = frozenset(
    ("sprintf", "concat", "format_int", "lower", "upper", "replace", "substring", "trim", "trim_left", "trim_right",
     "trim_space", "trim_prefix", "trim_suffix", "json.marshal", "yaml.marshal", "strings.reverse")
)  # fmt: skip


def problems(rule: Rule) -> Iterator[str]:
    """Sentences about an entry that the guard could not read; nothing where only an evaluation can tell."""
    level, node = rule.path[-1], value_of(rule, rule.member or {})
    words = {**_NEITHER, "ObjectCompr": ""}.get(_kind(node)) or ("a string" if _is_string(node) else "")
    if words:
        yield f"{level} gets {words} here; add an object with the {_NEEDS}"
    if _kind(node) != "Object":
        return
    members = members_of(node)
    missing = [member for member in MEMBERS if members is not None and member not in members]
    if missing:
        yield f"the entry has no {' and no '.join(missing)}; a {level} needs {', '.join(MEMBERS)}"
    for name, given in (members or {}).items():
        inner = value_of(rule, given)
        words = {**_NEITHER, **_OBJECTS}.get(_kind(inner), "")
        if not words and _kind(inner) in _STRINGS and inner[_kind(inner)]["value"] == "":
            words = "empty"
        if words and name in MEMBERS:
            yield f"the entry's {name} is {words}; it must be a non-empty string"


def members_of(node: Mapping[str, Any]) -> dict[str, Mapping[str, Any]] | None:
    """The members of an object by name; None where a name is computed."""
    members = {}
    for _, key, value in node["Object"]["fields"]:
        if _kind(key) not in _STRINGS:
            return None
        members[str(key[_kind(key)]["value"])] = value
    return members


def looks_like_one(rule: Rule) -> bool:
    """True where a set gets objects with a message and another of the members."""
    node = value_of(rule, rule.member or {})
    members = (members_of(node) or {}) if _kind(node) == "Object" else {}
    return "message" in members and len(members.keys() & set(MEMBERS)) > 1


def value_of(rule: Rule, node: Mapping[str, Any]) -> Mapping[str, Any]:
    """The node that a variable is assigned in the rule's body, or the node itself."""
    if _kind(node) != "Var":
        return node
    for body in rule.bodies:
        for statement in body["query"]["stmts"]:
            assigned = statement["literal"].get("Expr", {}).get("expr", {}).get("AssignExpr")
            if assigned and assigned["lhs"].get("Var", {}).get("value") == node["Var"]["value"]:
                value: Mapping[str, Any] = assigned["rhs"]
                return value
    return node


def _kind(node: Mapping[str, Any]) -> str:
    return next((kind for kind in node if kind not in ("span", "eidx")), "")


def _is_string(node: Mapping[str, Any]) -> bool:
    if _kind(node) in _STRINGS:
        return True
    called = node.get("Call", {}).get("fcn", {})
    if "RefDot" in called:
        called_name = f"{called['RefDot']['refr'].get('Var', {}).get('value')}.{called['RefDot']['field'][1]}"
        return called_name in _RETURN_STRINGS
    return called.get("Var", {}).get("value") in _RETURN_STRINGS
