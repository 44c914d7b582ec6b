"""The SQLite file that the guards of one host share. No process is forked in the middle of a transaction."""

from __future__ import annotations

import atexit
import sqlite3
import threading
import weakref
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from guardrails.memory.sqlite.connection import Connection, DescriptorsClosed
from guardrails.memory.store import StateUnavailable
from guardrails.system import forks
from guardrails.waiting import deadline


class _Forks:
    """Lets no fork happen in the middle of a transaction, and no child inherit an open file.

    SQLite has its own locks, for the whole process. A child that is forked while another thread has one would wait for
    it forever, so a fork waits until no thread is in a transaction; transactions are short.
    """

    def __init__(self) -> None:
        # Reentrant: in the middle of one, a signal handler may fork, or make a governed call; that call is refused.
        self.lock = threading.RLock()
        self.connections: weakref.WeakSet[Connection] = weakref.WeakSet()
        forks.around(self._before, self.lock.release)
        atexit.register(self._at_exit)

    def _before(self) -> None:
        self.lock.acquire()
        self._close_all()

    def _at_exit(self) -> None:
        # Later nothing can be imported any more, and a connection whose descriptors were closed needs that.
        if self.lock.acquire(blocking=False):
            try:
                self._close_all()
            finally:
                self.lock.release()

    def _close_all(self) -> None:
        for connection in list(self.connections):
            if not connection.in_transaction:
                with suppress(sqlite3.Error):
                    connection.close()


_forks = _Forks()


class StateFile:
    """The file at `path`, readable by its owner only; IN_MEMORY is none, and only this process has it.

    Transactions wait for a lock until the deadline that is under way, and no longer than `timeout_s` seconds.
    """

    def __init__(self, path: Path, timeout_s: float) -> None:
        self.path = path
        self._timeout_s = timeout_s
        self._connection = Connection(path)
        _forks.connections.add(self._connection)

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """One write transaction: committed at the end, rolled back by an exception. Raises StateUnavailable."""
        with self._usable(), self._begun() as connection:
            yield connection

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """A connection for queries, which wait for no one who writes. Raises StateUnavailable."""
        with self._usable():
            try:
                yield self._connection.get(deadline.left(self._timeout_s))
            except (sqlite3.Error, OSError):
                self._connection.close()
                raise

    def rows(self, statement: str, values: Sequence[object]) -> list[Any]:
        """What a query finds. It waits for no one who writes. Raises StateUnavailable."""
        with self.reading() as connection:
            return connection.execute(statement, values).fetchall()

    def close(self) -> None:
        """Close the file; the next use opens it again. Raises StateUnavailable."""
        with self._usable():
            self._connection.close()

    @contextmanager
    def _usable(self) -> Iterator[None]:
        try:
            with self._no_fork():
                if self._connection.in_transaction:
                    raise sqlite3.OperationalError("this thread has it locked, in the middle of another transaction")
                yield
        except (sqlite3.Error, OSError) as error:
            raise StateUnavailable(
                f"the state file {self.path} cannot be used ({error}); {_way(error)}, "
                'set state.path to another file or to ":memory:", or set state.enabled = false'
            ) from error

    @contextmanager
    def _begun(self) -> Iterator[sqlite3.Connection]:
        try:
            connection = self._connection.get(deadline.left(self._timeout_s))
            try:
                # Inside: what another thread puts in between must not leave a transaction open.
                connection.execute("BEGIN IMMEDIATE")
                yield connection
                connection.execute("COMMIT")
            except BaseException:
                if connection.in_transaction:
                    connection.execute("ROLLBACK")
                raise
        except (sqlite3.Error, OSError):
            # The file may be damaged, or another one by now: the next transaction opens it again.
            self._connection.close()
            raise

    @contextmanager
    def _no_fork(self) -> Iterator[None]:
        # The threads of this process queue up here while another process has the file locked.
        locked = False
        try:
            locked = _forks.lock.acquire(timeout=deadline.left(self._timeout_s))
            if not locked:
                raise TimeoutError("another thread has it locked")
            yield
        finally:
            if locked:
                _forks.lock.release()


def _way(error: Exception) -> str:
    """What to do about it."""
    if isinstance(error, DescriptorsClosed):
        return "start it again, and let it close them before its first governed call"
    said = str(error)
    if "locked" in said:
        return "make the call again when that is over"
    if "full" in said or "I/O" in said:
        return "make room on its disk or repair that"
    if isinstance(error, PermissionError) or "readonly" in said or "unable to open" in said:
        return "let the user of this program write it and its folder"
    return "repair or delete it (its history is lost)"
