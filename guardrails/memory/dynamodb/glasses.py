"""Rules that are set aside by break glass, on all hosts: an item each, for people. No decision reads them."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping
from typing import Any

from guardrails.memory.dynamodb.table import Table

_PARTITION = "gla"


class Glasses:
    """The broken glasses in a table. `by` says who breaks one here. Methods raise StateUnavailable."""

    def __init__(self, table: Table, by: Callable[[], Mapping[str, str]]) -> None:
        self._table = table
        self._by = by

    def post(self, glass: Mapping[str, Any]) -> Callable[[], None]:
        """Show a glass, in the form of `input.break_glass`. Returns what takes it off display, for its end."""
        key = (_PARTITION, f"{glass['until']}#{uuid.uuid4()}")
        values = {"glass": {**glass, **self._by()}}
        self._table.update(key, "SET #glass = :glass", values, {"glass": "glass"}, expires=True)
        return lambda: self._end(key)

    def broken(self, now: float) -> list[dict[str, Any]]:
        """The glasses whose time is not over at `now` (seconds since the epoch), the next to end first."""
        at = self._table.now(now)
        found = [item["glass"] for _, item in self._table.query(_PARTITION) if "glass" in item]
        return sorted((glass for glass in found if glass["until_s"] > at), key=lambda glass: glass["until_s"])

    def _end(self, key: tuple[str, str]) -> None:
        # Guards may not delete items; AWS deletes what is left of this one later.
        self._table.remove(key, ["glass"])
