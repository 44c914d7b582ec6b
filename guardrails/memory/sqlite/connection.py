"""The connection to the shared file that a process keeps from one transaction to the next.

Opening the file anew each time costs a hundred times as much as a transaction, and closing it writes to the disk twelve
times: SQLite moves its log into the file whenever the last connection ends.
"""

from __future__ import annotations

import os
import sqlite3
from pathlib import Path

from guardrails.config.settings import IN_MEMORY
from guardrails.memory.sqlite import descriptors
from guardrails.memory.sqlite.descriptors import Identity
from guardrails.system import for_good
from guardrails.system.files import FOR_US, make_folder

_SCHEMA = """
CREATE TABLE IF NOT EXISTS event (
    scope TEXT NOT NULL, kind TEXT NOT NULL, name TEXT NOT NULL, cluster TEXT NOT NULL, at REAL NOT NULL,
    claim TEXT NOT NULL, sent INTEGER NOT NULL, PRIMARY KEY (scope, kind, name)) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS event_at ON event (at);
CREATE TABLE IF NOT EXISTS liveness (
    scope TEXT NOT NULL, cluster TEXT NOT NULL, live_since REAL NOT NULL, retired_at REAL,
    PRIMARY KEY (scope, cluster)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS bucket (
    scope TEXT NOT NULL, name TEXT NOT NULL, tokens REAL NOT NULL, at REAL NOT NULL,
    PRIMARY KEY (scope, name)) WITHOUT ROWID;
PRAGMA user_version = 1;
"""
_VERSION = 1
# Added later, in every file of version 1: older guards of the host leave these tables alone.
_ADDED = """
CREATE TABLE IF NOT EXISTS naming (
    scope TEXT NOT NULL, cluster TEXT NOT NULL, unnamed_at REAL, retired_before REAL, pointed INTEGER NOT NULL,
    PRIMARY KEY (scope, cluster)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS member (
    scope TEXT NOT NULL, name TEXT NOT NULL, cluster TEXT NOT NULL, left_at REAL,
    PRIMARY KEY (scope, name, cluster)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS denial (who TEXT NOT NULL, at REAL NOT NULL);
CREATE INDEX IF NOT EXISTS event_open ON event (at) WHERE sent = 0;
CREATE TABLE IF NOT EXISTS freeze (id TEXT NOT NULL PRIMARY KEY, document TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS cutover (
    scope TEXT NOT NULL PRIMARY KEY, revision INTEGER NOT NULL, document TEXT NOT NULL) WITHOUT ROWID;
"""


class DescriptorsClosed(OSError):
    """The program has closed what SQLite had open. `str()` says so."""


# The files whose descriptors were closed. SQLite still counts its locks on them, which are gone: another connection of
# this process would write while other processes do.
_lost: set[Identity] = set()


class Connection:
    """A connection to the file at `path`, opened at the first use; IN_MEMORY is a database without a file.

    One thread uses it at a time. It is opened again after an error, after a fork, and when the file at `path` is
    another one by now, because somebody deleted it.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._open: sqlite3.Connection | None = None
        self._pid = 0
        self._file: Identity | None = None
        self._descriptors: dict[int, Identity] = {}

    def get(self, timeout_s: float) -> sqlite3.Connection:
        """The open connection, which waits `timeout_s` seconds for another process's lock.

        Raises sqlite3.Error or OSError.
        """
        if self._open is not None and not (self._usable and self._file == descriptors.identity(self._path)):
            self.close()
        if self._open is None:
            self._open = self._opened(timeout_s)
        else:
            self._open.execute(f"PRAGMA busy_timeout = {int(timeout_s * 1000)}")
        return self._open

    def _opened(self, timeout_s: float) -> sqlite3.Connection:
        if self._path == IN_MEMORY:
            return _prepared(self._path, timeout_s)
        if not self._path.exists():
            make_folder(self._path.parent)
            os.close(os.open(self._path, os.O_RDWR | os.O_CREAT | FOR_US, 0o600))
        if descriptors.identity(self._path) in _lost:
            raise DescriptorsClosed("this program has closed all file descriptors, also those of the guard")
        before = descriptors.numbers()
        connection = _prepared(self._path, timeout_s)
        self._pid, self._file = os.getpid(), descriptors.identity(self._path)
        self._descriptors = descriptors.of(self._path, descriptors.numbers() - before)
        return connection

    @property
    def in_transaction(self) -> bool:
        """Whether this thread, in a signal handler, is in the middle of a transaction."""
        ours = self._path == IN_MEMORY or self._pid == os.getpid()
        return self._open is not None and ours and self._open.in_transaction

    def close(self) -> None:
        """Close it; the next use opens it again. What is in memory only stays."""
        if self._open is None or self._path == IN_MEMORY:
            return
        if self._usable:
            self._open.close()
        else:
            # To close it would write into whatever has its descriptors now.
            for_good.holder()(self._open)
            if self._pid == os.getpid() and self._file is not None:
                _lost.add(self._file)
        self._open = None

    @property
    def _usable(self) -> bool:
        """A child may neither use nor close what its parent has open: SQLite's locks belong to the process.

        A copy of a database in memory is the child's own.
        """
        return self._path == IN_MEMORY or (self._pid == os.getpid() and descriptors.are(self._descriptors))

    def __del__(self) -> None:
        if self._path == IN_MEMORY and self._open is not None:
            self._open.close()
        self.close()


def _prepared(path: Path, timeout_s: float) -> sqlite3.Connection:
    """A connection to a file of this version. IN_MEMORY is SQLite's own name for a database without a file."""
    # Not connect(), which tracers wrap: X-Ray fails where the script has no trace open.
    connection = sqlite3.Connection(path, timeout=timeout_s, isolation_level=None, check_same_thread=False)
    try:
        # A crash of the host may take the last transactions along, and never damages the file: the machines that they
        # were about have crashed scripts, and AWS shows what became of them two minutes later.
        connection.execute("PRAGMA synchronous = NORMAL")
        (version,) = connection.execute("PRAGMA user_version").fetchone()
        if version == 0:
            connection.execute("PRAGMA journal_mode = WAL")
            connection.executescript(_SCHEMA)
        elif version != _VERSION:
            raise sqlite3.DatabaseError(f"it has version {version}, and this guard writes version {_VERSION}")
        connection.executescript(_ADDED)
    except BaseException:
        connection.close()
        raise
    return connection
