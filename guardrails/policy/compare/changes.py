"""A change of one part of an input, and inputs with several of them."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Mapping
from typing import Any

from guardrails.values import frozen

Step = str | int
# Instead of a value: the part is not there.
GONE = object()


@frozen
class Renamed:
    """Instead of a value: the member has this name, and the value that it had."""

    name: str


@frozen
class Change:
    """At `path`, another `value`, GONE or a new name. `name` is what policies call the part."""

    path: tuple[Step, ...]
    value: Any
    name: str


def applied(document: Mapping[str, Any], *changes: Change) -> dict[str, Any]:
    """The document with these changes; what does not change is shared with it."""
    changed: dict[str, Any] = dict(document)
    # Names last: the other changes name the parts as they were.
    for change in sorted(changes, key=lambda change: isinstance(change.value, Renamed)):
        _apply(changed, change)
    return changed


def together(document: Mapping[str, Any], changes: Iterable[Change]) -> dict[str, Any] | None:
    """The document with all of these changes; None where one of them removes what another one changes."""
    try:
        return applied(document, *changes)
    except (KeyError, IndexError, TypeError, AttributeError, ValueError):
        return None


def _apply(document: dict[str, Any], change: Change) -> None:
    *above, last = change.path
    place: Any = document
    for step in above:
        inner = copy.copy(place[step])
        place[step] = inner
        place = inner
    if isinstance(change.value, Renamed):
        members = [(change.value.name if name == last else name, inner) for name, inner in place.items()]
        place.clear()
        place.update(members)
    elif change.value is not GONE:
        place[last] = change.value
    elif isinstance(place, list):
        del place[int(last)]
    else:
        place.pop(last, None)
