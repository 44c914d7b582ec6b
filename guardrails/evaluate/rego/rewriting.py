"""Changes of a policy's source, and values as Rego writes them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from guardrails.evaluate.rego.references import Path

# Start and end in bytes, and the new text.
Edit = tuple[int, int, str]
_LONGEST = 200
_QUOTES = (b'"', b"`")


def apply(edits: Iterable[Edit], source: bytes, start: int = 0, end: int | None = None) -> str:
    """The source from `start` to `end` with those edits that lie within; the last edit comes first."""
    end = len(source) if end is None else end
    text = source[start:end]
    for first, last, new in edits:
        if start <= first and last <= end:
            text = text[: first - start] + new.encode() + text[last - start :]
    return text.decode()


def edges(span: Mapping[str, Any], source: bytes) -> tuple[int, int]:
    """Start and end of a span in bytes, with the quotes at its edges, which spans of strings leave out."""
    start, end = span["start"], span["end"]
    if start and source[start - 1 : start] in _QUOTES:
        start -= 1
    if source[end : end + 1] in _QUOTES:
        end += 1
    return start, end


def has_braces(start: int, end: int, source: bytes) -> bool:
    """Whether a body stands in braces."""
    return source[start : start + 1] == b"{" and source[end - 1 : end] == b"}"


def written(path: Path) -> str:
    """A path as Rego writes it."""
    first, *rest = path
    return str(first) + "".join(f".{step}" if str(step).isidentifier() else f"[{_quoted(step)}]" for step in rest)


def _quoted(step: Any) -> str:
    return json.dumps(step, ensure_ascii=False)


def value_at(path: Path, data: Any) -> Any:
    """The value in the data at a path from ``data``; None where there is none."""
    for step in path[1:]:
        data = data.get(step) if isinstance(data, Mapping) else None
    return data


def literal(value: Any) -> str:
    """A string, boolean or whole number as Rego writes it; "" for others, which two engines might print differently."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int):
        return str(value) if 0 <= value < 1 << 31 else ""
    plain = isinstance(value, str) and value.isascii() and value.isprintable() and not set(value) & {'"', "\\"}
    return f'"{value}"' if plain and len(value) < _LONGEST else ""
