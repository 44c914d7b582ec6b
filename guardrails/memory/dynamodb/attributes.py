"""Values as DynamoDB writes them: strings, numbers, sets of strings, lists, tables and null."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def written(value: Any) -> dict[str, Any]:
    """A value as an attribute: ``{"S": "blue"}``. Sets hold strings and are not empty."""
    match value:
        case None:
            return {"NULL": True}
        case bool():
            return {"BOOL": value}
        case int() | float():
            return {"N": repr(value)}
        case str():
            return {"S": value}
        case set() | frozenset():
            return {"SS": sorted(value)}
        case Mapping():
            return {"M": table(value)}
        case _:
            return {"L": [written(each) for each in value]}


def table(values: Mapping[str, Any]) -> dict[str, Any]:
    """The attributes of an item."""
    return {name: written(value) for name, value in values.items()}


def read(attribute: Mapping[str, Any]) -> Any:
    """The value of an attribute; numbers are floats."""
    ((kind, value),) = attribute.items()
    match kind:
        case "N":
            return float(value)
        case "SS":
            return frozenset(value)
        case "M":
            return read_table(value)
        case "L":
            return [read(each) for each in value]
        case "NULL":
            return None
        case _:
            return value


def read_table(item: Mapping[str, Any]) -> dict[str, Any]:
    """The values of an item."""
    return {name: read(attribute) for name, attribute in item.items()}


def starting(item: Mapping[str, Any], prefix: str) -> dict[str, Any]:
    """The members of an item whose names start with `prefix`."""
    return {name: value for name, value in item.items() if name.startswith(prefix)}
