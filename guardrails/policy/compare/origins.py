"""Where the variables of a definition come from, and what ``object.get`` gets, by its syntax tree."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from guardrails.evaluate.rego.references import Contents, Path, called, path_of


def members_got(node: Any) -> Iterator[tuple[int, tuple[str, ...]]]:
    """For what ``object.get`` looks into, by where it is: the members that lead to what it gets."""
    for kind, value in nodes(node):
        if kind == "Call" and called(value) == "object.get":
            first, key = Contents(value["params"][0]).references, value["params"][1]
            steps = key["Array"]["items"] if "Array" in key else [key]
            if len(first) == 1 and all("String" in step for step in steps):
                yield first[0].span["start"], tuple(step["String"]["value"] for step in steps)


def aliases(node: Any) -> Iterator[tuple[str, tuple[str, ...]]]:
    """For each variable the last names of what it is assigned or chosen from."""
    for variable, source, _ in _given(node):
        paths = [reference.path for reference in Contents(source).references]
        names = [next((step for step in reversed(path) if step is not None), None) for path in paths]
        yield variable, tuple(name for name in names if name not in (None, variable))


def sources(node: Any) -> Iterator[tuple[str, Path]]:
    """For each variable the path of what it is assigned, or of the items that it is chosen from."""
    for variable, source, item in _given(node):
        yield variable, (*path_of(source), *item)


def _given(node: Any) -> Iterator[tuple[str, Any, Path]]:
    """Each variable with what it is assigned or chosen from, and the step from there to what it is."""
    for kind, value in nodes(node):
        if kind == "AssignExpr":
            target, source, item = value["lhs"], value["rhs"], tuple[str | None, ...]()
        elif kind == "SomeIn":
            target, source, item = value["value"], value["collection"], (None,)
        else:
            continue
        if "Var" in target:
            yield target["Var"]["value"], source, item


def nodes(node: Any) -> Iterator[tuple[str, Any]]:
    """All nodes of a syntax tree, with their kinds."""
    if isinstance(node, list):
        for item in node:
            yield from nodes(item)
    elif isinstance(node, dict):
        for kind, value in node.items():
            if isinstance(value, dict):
                yield kind, value
            yield from nodes(value)
