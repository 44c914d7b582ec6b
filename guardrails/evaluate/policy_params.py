"""The parameters of the policies: what they may be set to.

A rule reads a parameter of another type, or under another name, as if it were missing, and protects nothing. Shipped
parameters are held to policies/schemas/data/params.json; those declared by your own policies, to the type of their
default.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from guardrails.config.schema import Mismatch, validate
from guardrails.evaluate import bundle


def schema() -> Mapping[str, Any]:
    """The JSON Schema of the shipped parameters."""
    document: Mapping[str, Any] = json.loads((bundle.shipped() / "schemas" / "data" / "params.json").read_text("utf-8"))
    return document


def as_json(given: Mapping[str, Any]) -> dict[str, Any]:
    """The values as policies read them: a tuple becomes a list. Raises Mismatch for what JSON does not have."""
    converted = {}
    for name, value in given.items():
        try:
            converted[str(name)] = json.loads(json.dumps(value, allow_nan=False))
        except (TypeError, ValueError) as error:
            mismatch = Mismatch(value, f"be something that JSON can express ({error})")
            mismatch.path = (str(name),)
            raise mismatch from None
    return converted


def check(given: Mapping[str, Any], declared: Mapping[str, Any]) -> None:
    """Raise Mismatch for a value that the shipped schema, or its default in `declared`, does not allow.

    Both are plain JSON values. A default of null allows anything; an empty table or list allows any members.
    """
    shipped = schema()
    own = {name: _like(default) for name, default in declared.items() if name not in shipped["properties"]}
    validate(given, {**shipped, "properties": {**own, **shipped["properties"]}})


def check_shipped(given: Mapping[str, Any]) -> None:
    """Raise Mismatch for a value that the shipped schema does not allow; it says nothing about other parameters."""
    validate(given, schema())


def _like(default: Any) -> Mapping[str, Any]:
    """The schema of values that have the type of this default."""
    if default is None:
        return {}
    if isinstance(default, dict):
        return {"type": "object", "properties": {name: _like(inner) for name, inner in default.items()}}
    if isinstance(default, list):
        types = dict.fromkeys(_type(item) for item in default if item is not None)
        return {"type": "array", "items": {"type": list(types)} if types else {}}
    return {"type": _type(default)}


def _type(value: Any) -> str:
    names = {bool: "boolean", int: "number", float: "number", str: "string", list: "array", dict: "object"}
    return names[type(value)]
