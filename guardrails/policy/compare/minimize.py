"""A counterexample without what it does not need."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from guardrails.policy.compare.changes import GONE, Change, applied, together
from guardrails.policy.compare.situations import Document

_ROUNDS = 4


def minimized(document: Document, schema: Mapping[str, Any], still: Callable[[Document], bool]) -> Document:
    """The document without the parts that can go while it is `still` what it was, and the schema allows it."""
    for _ in range(_ROUNDS):
        before = document
        # From the end, so that the places of the others stay the same.
        for change in reversed([*_simpler(schema, document, ())]):
            smaller = together(document, [change])
            # None: it went with another part.
            if smaller is not None and still(smaller):
                document = smaller
        if document == before:
            break
    return document


def _simpler(schema: Mapping[str, Any], value: Any, path: tuple[str | int, ...]) -> Iterator[Change]:
    """Every part that may go; a whole before its parts, in reverse."""
    ways = schema.get("anyOf", [schema])
    for way in ways:
        if isinstance(value, Mapping):
            yield from _members(way, value, path)
        elif isinstance(value, list):
            for index, item in enumerate(value):
                yield from _simpler(way.get("items", {}), item, (*path, index))
                yield Change((*path, index), GONE, "")
    if value is not None and any("null" in (way.get("type") or ()) for way in ways):
        yield Change(path, None, "")


def _members(schema: Mapping[str, Any], value: Mapping[str, Any], path: tuple[str | int, ...]) -> Iterator[Change]:
    known, more = schema.get("properties", {}), schema.get("additionalProperties", {})
    for member, inner in value.items():
        yield from _simpler(known.get(member, more if isinstance(more, Mapping) else {}), inner, (*path, member))
        if member not in schema.get("required", ()):
            yield Change((*path, member), GONE, "")


def torn(document: Document, depth: int = 3, path: tuple[str | int, ...] = ()) -> Iterator[Document]:
    """The document without one of its parts each, whether the schema allows that or not."""
    for change in _parts(document, depth, path):
        yield applied(document, change)


def _parts(value: Any, depth: int, path: tuple[str | int, ...]) -> Iterator[Change]:
    if isinstance(value, Mapping) and depth:
        for member, inner in value.items():
            yield Change((*path, member), GONE, "")
            yield Change((*path, member), "torn", "")
            yield from _parts(inner, depth - 1, (*path, member))
