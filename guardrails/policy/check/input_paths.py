"""References to `input`, checked against the JSON Schema of the input document."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping
from typing import Any

from guardrails.evaluate.rego.syntax import Path


def mistake(path: Path, schema: Mapping[str, Any]) -> str | None:
    """What is wrong with a path that starts with ``input``; None where the schema has it, or does not say.

    A step that only evaluation knows stands for any key. The schema uses properties,
    additionalProperties, items and anyOf.
    """
    places = [schema]
    for number, step in enumerate(path[1:], 1):
        below = [found for place in places for found in _below(place, step)]
        if not below:
            known = sorted({name for place in places for one in _ways(place) for name in one.get("properties", {})})
            near = difflib.get_close_matches(str(step), known, 1)
            hint = f"did you mean {near[0]}?" if near else f"known are {', '.join(known) or 'none'}"
            return f"{'.'.join(str(part or '_') for part in path[: number + 1])}: input has no such part; {hint}"
        places = below
    return None


def _ways(schema: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    for way in schema.get("anyOf", (schema,)):
        if way.get("type") != "null":
            yield way


def _below(schema: Mapping[str, Any], step: str | None) -> Iterator[Mapping[str, Any]]:
    for way in _ways(schema):
        properties, more = way.get("properties", {}), way.get("additionalProperties")
        if not way.keys() & {"properties", "additionalProperties", "items", "type"}:
            # Nothing is said about it, so it may have anything.
            yield way
        elif way.get("type") == "array":
            if step is None or step.isdigit():
                yield way.get("items", {})
        elif step is None:
            yield from properties.values()
            if isinstance(more, Mapping):
                yield more
        elif step in properties:
            yield properties[step]
        elif isinstance(more, Mapping):
            yield more
