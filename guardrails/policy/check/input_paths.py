"""References to `input`, checked against the JSON Schema of the input document."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import takewhile
from typing import Any

from guardrails.config.suggest import suggestion
from guardrails.evaluate.rego.references import Path


def unknown_part(path: Path, schema: Mapping[str, Any]) -> str | None:
    """A sentence about a path that starts with ``input`` and that the schema rules out; None otherwise.

    A step that is known only at evaluation stands for any key. Of JSON Schema this reads properties,
    additionalProperties, items and anyOf.
    """
    candidates = [schema]
    for number, step in enumerate(path[1:], 1):
        below = [inner for candidate in candidates for inner in _below(candidate, step)]
        if not below:
            ways = [way for candidate in candidates for way in _alternatives(candidate)]
            known = sorted({name for way in ways for name in way.get("properties", {})})
            hint = suggestion(str(step), known, f"the parts are {', '.join(known)}" if known else "it has no parts")
            return f"{'.'.join(str(part or '_') for part in path[: number + 1])}: input has no such part; {hint}"
        candidates = below
    return None


def may_be_missing(path: Path, schema: Mapping[str, Any], required: Iterable[Path] = ()) -> bool:
    """Whether a path that starts with ``input`` may be undefined: the schema does not require one of its steps.

    The `required` paths are there, and all that they lead through. A step that is known only at evaluation was iterated
    over, so it exists.
    """
    sure = max((_common(path, other) for other in required), default=1)
    candidates = [schema]
    for number, step in enumerate(path[1:], 1):
        ways = [way for candidate in candidates for way in candidate.get("anyOf", (candidate,))]
        if number >= sure and not all(_has(way, step) for way in ways):
            return True
        candidates = [inner for way in ways for inner in _below(way, step)]
    return False


def _common(path: Path, other: Path) -> int:
    """How many steps at their beginning are the same."""
    return sum(1 for _ in takewhile(lambda steps: steps[0] == steps[1], zip(path, other, strict=False)))


def _has(way: Mapping[str, Any], step: str | None) -> bool:
    if "null" in way.get("type", ()):
        return False
    if step is None:
        return way.get("type") in ("array", "object") or "additionalProperties" in way
    return step in way.get("required", ())


def _alternatives(schema: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    for way in schema.get("anyOf", (schema,)):
        if way.get("type") != "null":
            yield way


def _below(schema: Mapping[str, Any], step: str | None) -> Iterator[Mapping[str, Any]]:
    for way in _alternatives(schema):
        properties, more = way.get("properties", {}), way.get("additionalProperties")
        if not way.keys() & {"properties", "additionalProperties", "items", "type"}:
            # The schema says nothing about it, so it may hold anything.
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
