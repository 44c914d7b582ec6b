"""What is frozen: one item, with an attribute for each freeze. Decisions read it with what they read anyway."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from attrs import evolve

from guardrails.memory import freezes
from guardrails.memory.dynamodb.attributes import starting
from guardrails.memory.dynamodb.table import Table
from guardrails.memory.store import StateUnavailable
from guardrails.values import Freeze

# For every account whose guards share the table.
KEY = ("frz#*", "0")
_FREEZE = "f_"


def of_item(table: Table, item: Mapping[str, Any], now: float) -> tuple[Freeze, ...]:
    """Those in the item that are in force at `now`. Raises StateUnavailable where one cannot be read."""
    try:
        return freezes.in_force(map(freezes.read, starting(item, _FREEZE).values()), now)
    except ValueError as error:
        raise table.unavailable(str(error), "end it with `guardrails freeze --lift`") from error


def add(table: Table, freeze: Freeze) -> Freeze:
    """Begin a freeze, with its times by AWS's clock."""
    moved = evolve(freeze, since=table.now(freeze.since), until=table.now(freeze.until))
    tables = _tables(table)
    over = {freeze.id for freeze in freezes.readable(tables.values()) if freeze.until <= moved.since}
    # Nothing depends on it; the item stays small.
    with suppress(StateUnavailable):
        table.remove(KEY, [name for name in tables if name.removeprefix(_FREEZE) in over])
    name = {"f": f"{_FREEZE}{freeze.id}"}
    table.update(KEY, "SET #f = :f", {"f": freezes.written(moved)}, name, expires=True)
    return moved


def remove(table: Table, now: float) -> tuple[Freeze, ...]:
    """End every freeze, those that cannot be read as well. Returns those that were in force."""
    tables = _tables(table)
    table.remove(KEY, tables)
    return freezes.in_force(freezes.readable(tables.values()), now)


def _tables(table: Table) -> dict[str, Any]:
    return starting(table.items([KEY]).get(KEY, {}), _FREEZE)
