"""The freezes in the file: a row each."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable

from guardrails.memory import freezes
from guardrails.values import Freeze


def of_file(connection: sqlite3.Connection, now: float) -> tuple[Freeze, ...]:
    """Those that are in force at `now`. Raises sqlite3.DatabaseError where one cannot be read."""
    rows = connection.execute("SELECT document FROM freeze").fetchall()
    try:
        return freezes.in_force((freezes.read(json.loads(document)) for (document,) in rows), now)
    except ValueError as error:
        raise sqlite3.DatabaseError(str(error)) from error


def add(connection: sqlite3.Connection, others: Iterable[Freeze]) -> None:
    """Write them, beside those that are there."""
    for each in others:
        connection.execute("INSERT OR REPLACE INTO freeze VALUES (?, ?)", (each.id, json.dumps(freezes.written(each))))
