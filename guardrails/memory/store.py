"""The SQLite file that the guards of one host share.

A connection lasts for one transaction, and no process is forked in the middle of one.
"""

from __future__ import annotations

import os
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from guardrails.config.settings import IN_MEMORY
from guardrails.waiting import deadline

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
# What SQLite says where the file or its folder cannot be written.
_UNWRITABLE = ("unable to open", "readonly")
# Added later, in every file of version 1: older guards of the host leave these tables alone.
_ADDED = """
CREATE TABLE IF NOT EXISTS naming (
    scope TEXT NOT NULL, cluster TEXT NOT NULL, unnamed_at REAL, retired_before REAL, pointed INTEGER NOT NULL,
    PRIMARY KEY (scope, cluster)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS member (
    scope TEXT NOT NULL, name TEXT NOT NULL, cluster TEXT NOT NULL, left_at REAL,
    PRIMARY KEY (scope, name, cluster)) WITHOUT ROWID;
"""

# SQLite has its own locks, for the whole process. A child that is forked while another thread has one would wait for it
# forever, so a fork waits until no thread is in a transaction; transactions are short.
# Reentrant: a signal handler may fork, or make a governed call, in the middle of one; that call is then refused.
_forking = threading.RLock()
os.register_at_fork(before=_forking.acquire, after_in_parent=_forking.release, after_in_child=_forking.release)


class StateUnavailable(Exception):
    """The state file cannot be used; the message names it and says how to fix it."""


class Store:
    """The file at `path`, readable by its owner only; IN_MEMORY is none, and only this process has it.

    Transactions wait for a lock until the deadline that is under way, and no longer than `timeout_s` seconds.
    """

    def __init__(self, path: Path, timeout_s: float = 5.0) -> None:
        self.path = path
        self._timeout_s = timeout_s
        # One connection for all threads; `_forking` lets one use it at a time.
        self._memory = _prepared(path, timeout_s) if path == IN_MEMORY else None

    def try_it(self) -> None:
        """Open the file as a decision does. Raises StateUnavailable where it cannot be written.

        A damaged or locked file blocks only the calls that need it.
        """
        try:
            with self.transaction():
                pass
        except StateUnavailable as error:
            cause = error.__cause__
            unopened = isinstance(cause, OSError) and not isinstance(cause, TimeoutError)
            if unopened or any(word in str(cause) for word in _UNWRITABLE):
                raise

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """One write transaction: committed at the end, rolled back by an exception. Raises StateUnavailable."""
        try:
            with self._no_fork():
                connection = self._memory or self._connect()
                try:
                    connection.execute("BEGIN IMMEDIATE")
                    try:
                        yield connection
                    except BaseException:
                        connection.execute("ROLLBACK")
                        raise
                    connection.execute("COMMIT")
                finally:
                    if connection is not self._memory:
                        connection.close()
        except (sqlite3.Error, OSError) as error:
            raise StateUnavailable(
                f"the state file {self.path} cannot be used ({error}); repair or delete it (its history is lost), "
                'set state.path to another file or to ":memory:", or set state.enabled = false'
            ) from error

    @contextmanager
    def _no_fork(self) -> Iterator[None]:
        # The threads of this process queue up here while another process has the file locked.
        if not _forking.acquire(timeout=deadline.left(self._timeout_s)):
            raise TimeoutError("another thread has it locked")
        try:
            yield
        finally:
            _forking.release()

    def _connect(self) -> sqlite3.Connection:
        if not self.path.exists():
            self.path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            os.close(os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
        return _prepared(self.path, deadline.left(self._timeout_s))


def _prepared(path: Path, timeout_s: float) -> sqlite3.Connection:
    """A connection to a file of this version. IN_MEMORY is SQLite's own name for a database without a file."""
    # Not connect(), which tracers wrap: X-Ray fails where the script has no trace open.
    connection = sqlite3.Connection(path, timeout=timeout_s, isolation_level=None, check_same_thread=path != IN_MEMORY)
    try:
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
