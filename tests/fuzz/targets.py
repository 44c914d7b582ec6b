"""What a call names, read from the parameters that its program gave, with nothing of the guard but its catalogue."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import jmespath

from guardrails.classify.entry import CatalogueEntry

# Their targets come from documents inside the parameters as well.
READ_DEEPER = ("cloudcontrolapi", "cloudformation", "scheduler")
_NOT_BY_NAME = ("text", "tag-selector")


def named(entry: CatalogueEntry, params: Mapping[str, Any]) -> set[tuple[str, str]]:
    """(id, role) for each string that an expression of the catalogue finds."""
    return {
        (name or "(empty)", path.role)
        for path in entry.targets
        if path.type not in _NOT_BY_NAME
        for name in _strings(jmespath.search(path.path.text, params))
    }


def by_name(entry: CatalogueEntry) -> bool:
    """Whether all targets of an operation are what its parameters name."""
    return all(path.type not in _NOT_BY_NAME for path in entry.targets)


def _strings(found: Any) -> Iterator[str]:
    if isinstance(found, list):
        for each in found:
            yield from _strings(each)
    elif isinstance(found, str):
        yield found
