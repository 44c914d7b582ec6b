"""Looking through the syntax trees of policies."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any


def nodes(node: Any, kind: str) -> Iterator[Mapping[str, Any]]:
    """Every node of a kind at or below `node`."""
    below: Sequence[Any] = node if isinstance(node, list) else ()
    if isinstance(node, Mapping):
        for name, value in node.items():
            if name == kind:
                yield value
        below = [value for name, value in node.items() if name != "span"]
    for inner in below:
        yield from nodes(inner, kind)


def without(node: Any, kinds: Collection[str]) -> Any:
    """A copy of a node without what is below nodes of these kinds."""
    if isinstance(node, Mapping):
        return {name: without(value, kinds) for name, value in node.items() if name not in kinds}
    return [without(each, kinds) for each in node] if isinstance(node, list) else node


def string(node: Mapping[str, Any]) -> str | None:
    """What a string says that is written out; None for other expressions."""
    written = node.get("String") or node.get("RawString")
    return None if written is None else str(written["value"])
