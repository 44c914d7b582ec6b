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

    def post(self, glass: Mapping[str, Any]) -> None:
        """Show a glass, in the form of `input.break_glass`."""
        key = (_PARTITION, f"{glass['until']}#{uuid.uuid4()}")
        values = {"glass": {**glass, **self._by()}}
        self._table.update(key, "SET #glass = :glass", values, {"glass": "glass"}, expires=True)

    def broken(self, now: float) -> list[dict[str, Any]]:
        """The glasses whose time is not over at `now` (seconds since the epoch), the next to end first."""
        at = self._table.now(now)
        found = [item["glass"] for _, item in self._table.scan(_PARTITION)]
        return sorted((glass for glass in found if glass["until_s"] > at), key=lambda glass: glass["until_s"])
