"""The freezes in the file: a row each."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable
from typing import Any

from guardrails.memory import freezes
from guardrails.values import Freeze


def of_file(connection: sqlite3.Connection, now: float) -> tuple[Freeze, ...]:
    """Those that are in force at `now`. Raises sqlite3.DatabaseError where one cannot be read."""
    rows = connection.execute("SELECT document FROM freeze").fetchall()
    try:
        return freezes.in_force((freezes.read(json.loads(document)) for (document,) in rows), now)
    except ValueError as error:
        raise sqlite3.DatabaseError(str(error)) from error


def replace(connection: sqlite3.Connection, others: Iterable[Freeze], now: float) -> tuple[Freeze, ...]:
    """Only these are in force from now on, whatever there was. Returns those before that can be read."""
    rows = connection.execute("SELECT document FROM freeze").fetchall()
    before = freezes.in_force(freezes.readable(_loaded(document) for (document,) in rows), now)
    connection.execute("DELETE FROM freeze")
    _add(connection, others)
    return before


def add(connection: sqlite3.Connection, freeze: Freeze) -> None:
    """Begin one beside those that have not ended."""
    replace(connection, (*of_file(connection, freeze.since), freeze), freeze.since)


def _loaded(document: str) -> Any:
    try:
        return json.loads(document)
    except ValueError:
        return None


def _add(connection: sqlite3.Connection, others: Iterable[Freeze]) -> None:
    for each in others:
        connection.execute("INSERT OR REPLACE INTO freeze VALUES (?, ?)", (each.id, json.dumps(freezes.written(each))))
