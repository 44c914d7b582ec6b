"""The latest cutover of each account and region, in the file: a row each."""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from guardrails.memory.cutovers import NONE, Kept
from guardrails.memory.sqlite.file import StateFile


class SqliteCutovers:
    """The Cutovers in the file at `path`."""

    def __init__(self, path: Path, timeout_s: float = 5.0) -> None:
        self._file = StateFile(path, timeout_s)

    def read(self, scope: str) -> Kept:
        """What is kept now. Raises StateUnavailable."""
        with self._file.reading() as connection:
            return _kept(connection, scope)

    def write(self, scope: str, document: Mapping[str, Any], revision: int) -> bool:
        """Keep this in place of what has that revision. Raises StateUnavailable."""
        with self._file.transaction() as connection:
            if _kept(connection, scope).revision != revision:
                return False
            row = (scope, revision + 1, json.dumps(document))
            connection.execute("INSERT OR REPLACE INTO cutover VALUES (?, ?, ?)", row)
        return True

    def now(self) -> float:
        """The time of this host."""
        return time.time()


def _kept(connection: sqlite3.Connection, scope: str) -> Kept:
    row = connection.execute("SELECT revision, document FROM cutover WHERE scope = ?", (scope,)).fetchone()
    if row is None:
        return NONE
    try:
        document = json.loads(row[1])
    except ValueError as error:
        raise sqlite3.DatabaseError("the cutover in it cannot be read") from error
    return Kept(document, row[0])
