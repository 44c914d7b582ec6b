"""METADATA above a rule: YAML in comments, as OPA reads it (https://www.openpolicyagent.org/docs/policy-language)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

try:
    import yaml
except ImportError:
    # It comes with the extra `cli`; a guarded program may do without.
    READABLE = False
else:
    READABLE = True

_BEGIN = "# METADATA"


def above(lines: Sequence[str], line: int) -> Mapping[str, Any]:
    """The METADATA that ends just above line `line` (counted from 1); the keys under `custom` are merged in.

    {} if there is none, or PyYAML is not installed. Raises ValueError with one sentence if it is not YAML.
    """
    first = line - 1
    while first > 0 and lines[first - 1].startswith("#"):
        first -= 1
    block = [text.rstrip() for text in lines[first : line - 1]]
    if _BEGIN not in block or not READABLE:
        return {}
    text = "\n".join(comment[2:] if comment.startswith("# ") else comment[1:] for comment in block[_after(block) :])
    try:
        metadata = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise ValueError(" ".join(str(error).split())) from error
    if not isinstance(metadata, dict):
        return {}
    custom = metadata.pop("custom", None)
    return {**metadata, **(custom if isinstance(custom, dict) else {})}


def _after(block: Sequence[str]) -> int:
    return len(block) - list(reversed(block)).index(_BEGIN)
