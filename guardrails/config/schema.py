"""Check values against a JSON Schema, with errors in plain words.

It knows only the keywords that the tables of keys and parameters use. The jsonschema library knows them all, but its
import takes 75 ms, in every guarded process, and needs a compiled wheel; a test compares its verdicts with these.
Patterns are written with ^ and $.
"""

from __future__ import annotations

import math
import operator
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from guardrails.config.suggest import suggestion

_BARE = re.compile(r"[A-Za-z0-9_-]+")
_LONGEST_SHOWN = 200


def dotted(path: Sequence[str | int]) -> str:
    """A path as TOML writes it: ``enforcement."live-cluster/stop"``."""
    steps = [str(step) for step in path]
    return ".".join(step if _BARE.fullmatch(step) else f'"{step}"' for step in steps)


def _shown(value: Any) -> str:
    """A value in a sentence; of a long one the beginning."""
    text = repr(value)
    return text if len(text) <= _LONGEST_SHOWN else f"{text[:_LONGEST_SHOWN]}…"


class Mismatch(ValueError):
    """A value that its schema refuses. `path` leads to it from the value that was checked; list items have numbers."""

    def __init__(self, value: Any, must: str) -> None:
        super().__init__(f"is {_shown(value)}; it must {must}")
        self.value = value
        self.must = must
        self.path: tuple[str | int, ...] = ()

    def sentence(self, noun: str, start: Sequence[str], listed: str) -> str:
        """What is wrong, for a value that stands at `start`; `noun` and `listed` serve unknown names."""
        del noun, listed
        names = [step for step in self.path if not isinstance(step, int)]
        if len(names) < len(self.path):
            return f"`{dotted([*start, *names])}` contains {_shown(self.value)}; each item must {self.must}"
        return f"`{dotted([*start, *names])}` is {_shown(self.value)}; it must {self.must}"


class UnknownName(Mismatch):
    """A name in a table that has only the names in `known`; it is the last step of `path`."""

    def __init__(self, name: str, known: Sequence[str]) -> None:
        super().__init__(name, f"be one of {', '.join(known)}")
        self.known = tuple(known)
        self.path = (name,)

    def sentence(self, noun: str, start: Sequence[str], listed: str) -> str:
        """Names one name that is close, or where the list is."""
        table = [*start, *self.path[:-1]]
        known = [dotted([*table, name]) for name in self.known]
        name = dotted([*table, self.path[-1]])
        return f"unknown {noun} `{name}`; {suggestion(name, known, listed)}"


def validate(value: Any, schema: Mapping[str, Any], root: Mapping[str, Any] | None = None) -> None:
    """Raise Mismatch for the first part of `value` that the schema refuses; `root` is where its $refs point into."""
    root = schema if root is None else root
    schema = resolve(schema, root)
    if isinstance(value, float) and not math.isfinite(value):
        # TOML can write them, JSON and sleep() cannot.
        raise Mismatch(value, "be a finite number")
    if not _fits(value, schema):
        raise Mismatch(value, f"be {words(schema)}")
    if isinstance(value, list):
        for number, item in enumerate(value):
            _validate_member(number, item, schema.get("items", {}), root)
    elif isinstance(value, Mapping):
        _validate_table(value, schema, root)


def _validate_table(table: Mapping[str, Any], schema: Mapping[str, Any], root: Mapping[str, Any]) -> None:
    named, others = schema.get("properties", {}), schema.get("additionalProperties", True)
    for name in schema.get("required", ()):
        if name not in table:
            raise Mismatch(table, f"have `{name}`")
    for name, value in table.items():
        if name in named:
            _validate_member(name, value, named[name], root)
        elif others is False:
            raise UnknownName(name, tuple(named))
        elif others is not True:
            _validate_member(name, value, others, root)


def _validate_member(step: str | int, value: Any, schema: Mapping[str, Any], root: Mapping[str, Any]) -> None:
    try:
        validate(value, schema, root)
    except Mismatch as mismatch:
        mismatch.path = (step, *mismatch.path)
        raise


def resolve(schema: Mapping[str, Any], root: Mapping[str, Any]) -> Mapping[str, Any]:
    """The schema itself, or the part of `root` that its $ref names."""
    target: Any = schema
    if "$ref" in schema:
        target = root
        for step in schema["$ref"].removeprefix("#/").split("/"):
            target = target[step]
    return dict(target)


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


_TYPES: Mapping[str, Callable[[Any], bool]] = {
    "string": lambda value: isinstance(value, str),
    "number": _is_number,
    "integer": lambda value: isinstance(value, int) and not isinstance(value, bool),
    "boolean": lambda value: isinstance(value, bool),
    "array": lambda value: isinstance(value, list),
    "object": lambda value: isinstance(value, Mapping),
    "null": lambda value: value is None,
}
_BOUNDS: Mapping[str, Callable[[Any, Any], bool]] = {
    "minimum": operator.ge,
    "exclusiveMinimum": operator.gt,
    "maximum": operator.le,
    "exclusiveMaximum": operator.lt,
}


def _types(schema: Mapping[str, Any]) -> list[str]:
    named = schema.get("type", [])
    return [named] if isinstance(named, str) else list(named)


def _fits(value: Any, schema: Mapping[str, Any]) -> bool:
    """Whether the value itself fits; its members are checked one by one."""
    if "enum" in schema:
        return any(value == allowed for allowed in schema["enum"])
    types = _types(schema)
    if types and not any(_TYPES[name](value) for name in types):
        return False
    if isinstance(value, str):
        return "pattern" not in schema or re.fullmatch(schema["pattern"], value) is not None
    if isinstance(value, list):
        return len(value) >= int(schema.get("minItems", 0))
    # Written so that NaN, which is neither above nor below anything, does not fit.
    return not _is_number(value) or all(fits(value, schema[word]) for word, fits in _BOUNDS.items() if word in schema)


_NOUNS = {"boolean": "true or false", "null": "null", "number": "a number", "integer": "a whole number"}
_PLURALS = {"string": "strings", "number": "numbers", "integer": "whole numbers", "boolean": "booleans",
            "array": "lists", "object": "tables", "null": "nulls"}  # fmt: skip


def words(schema: Mapping[str, Any]) -> str:
    """What a value must be: ``a number above 0 and at most 1``, ``one of deny, warn``."""
    if "enum" in schema:
        return f"one of {', '.join(schema['enum'])}"
    return " or ".join(_noun(name, schema) for name in _types(schema)) or "any value"


def _noun(name: str, schema: Mapping[str, Any]) -> str:
    if name == "string":
        return "a non-empty string" if "pattern" in schema else "a string"
    if name == "array":
        return _many("a non-empty list" if schema.get("minItems") else "a list", schema.get("items", {}))
    if name == "object":
        others = schema.get("additionalProperties", True)
        return _many("a table", others if isinstance(others, Mapping) else {})
    return _NOUNS[name] + (_range(schema) if name in ("number", "integer") else "")


def _many(noun: str, members: Mapping[str, Any]) -> str:
    if "enum" in members:
        return f"{noun} with the values {', '.join(members['enum'])}"
    kinds = " or ".join(_PLURALS[name] for name in _types(members))
    return f"{noun} of {kinds}" if kinds else noun


def _range(schema: Mapping[str, Any]) -> str:
    if "minimum" in schema and "maximum" in schema:
        return f" from {schema['minimum']:,} to {schema['maximum']:,}"
    before = {"minimum": "of at least", "exclusiveMinimum": "above", "maximum": "at most", "exclusiveMaximum": "below"}
    parts = [f"{word} {schema[name]:,}" for name, word in before.items() if name in schema]
    return f" {' and '.join(parts)}" if parts else ""
