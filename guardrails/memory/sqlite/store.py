"""The memory of one host: its guards' claims, times and buckets in a SQLite file.

A decision is one transaction, and settling its claim another one; a call that is paced takes its turn in a third, once
the policies have allowed it.
"""

from __future__ import annotations

import socket
import sqlite3
from collections.abc import Sequence
from pathlib import Path

from attrs import astuple

from guardrails.memory import buckets, liveness, members
from guardrails.memory.buckets import Bucket, Draw, Level
from guardrails.memory.events import ABANDONED_S, CONFIRMED, LAUNCH, RATE_S, Event, is_under_way
from guardrails.memory.liveness import Liveness, Naming, Noted
from guardrails.memory.sqlite import freezes
from guardrails.memory.sqlite.file import StateFile
from guardrails.memory.store import Asked, Events, Remembered, StateUnavailable
from guardrails.memory.under_way import UnderWay
from guardrails.system.readable import readable
from guardrails.values import Freeze

# What SQLite says where the file or its folder cannot be written.
_UNWRITABLE = ("unable to open", "readonly")
# By the primary key, and of calls by time (a "+" keeps the key out): a whole day's calls are not walked through.
_EVENTS = """
SELECT kind, name, cluster, at, sent FROM event WHERE scope = ? AND at > ? AND kind < 'call '
UNION ALL SELECT kind, name, cluster, at, sent FROM event WHERE scope = ? AND at > ? AND kind >= 'call!'
UNION ALL SELECT kind, name, cluster, at, sent FROM event WHERE +scope = ? AND at > ? AND +kind = ?
"""


class SqliteStore(StateFile):
    """The Store in the file at `path`; IN_MEMORY is none, and only this process has it."""

    def __init__(self, path: Path, timeout_s: float = 5.0) -> None:
        super().__init__(path, timeout_s)

    def remember(self, asked: Asked) -> Remembered:
        """Claim and return what was there before, in one transaction."""
        with self.transaction() as connection:
            connection.execute("DELETE FROM event WHERE at < ?", (asked.now - asked.kept_s,))
            connection.execute(
                "DELETE FROM event WHERE sent = 0 AND at < ? AND kind NOT IN (?, ?)",
                (asked.now - ABANDONED_S, *CONFIRMED),
            )
            # Of calls, only those like this one count, and only for a minute: a script may make thousands in an hour.
            within = asked.scope, asked.now - asked.window_s
            like_this = asked.scope, asked.now - RATE_S, asked.operation
            rows = connection.execute(_EVENTS, (*within, *within, *like_this)).fetchall()
            times = _note_liveness(connection, asked)
            taken_out = _note_members(connection, asked, times)
            levels = [_level(connection, asked.scope, bucket, asked.now).tokens for bucket in asked.levels]
            connection.executemany(
                "INSERT INTO event VALUES (?, ?, ?, ?, ?, ?, 0) ON CONFLICT (scope, kind, name) DO UPDATE SET "
                "cluster = excluded.cluster, at = excluded.at, claim = excluded.claim WHERE sent = 0 AND at < ?",
                [
                    (asked.scope, kind, name, cluster, asked.now, asked.claim, asked.now - ABANDONED_S)
                    for kind, cluster, name in asked.events
                ],
            )
            frozen = freezes.of_file(connection, asked.now)
        return Remembered(tuple(map(Event._make, rows)), times, taken_out, tuple(levels), asked.now, freezes=frozen)

    def settle(self, scope: str, claim: str, events: Events, now: float, *, sent: bool) -> None:
        """Keep a claim because its call is sent, or drop it."""
        with self.transaction() as connection:
            connection.execute("DELETE FROM event WHERE claim = ? AND sent = 0", (claim,))
            if sent:
                connection.executemany(
                    "INSERT INTO event VALUES (?, ?, ?, ?, ?, ?, 1) ON CONFLICT (scope, kind, name) DO UPDATE SET "
                    # A call that repeats an earlier one must not take that one's record along when AWS refuses it. A
                    # refused start may: then the machine counts as stopped.
                    "at = excluded.at, sent = 1, "
                    "claim = CASE WHEN sent > 0 AND kind <> 'start' THEN claim ELSE excluded.claim END",
                    [(scope, kind, name, cluster, now, claim) for kind, cluster, name in events],
                )

    def drop(self, scope: str, claim: str, events: Events) -> None:  # noqa: ARG002  (the protocol's signature)
        """Forget a claim that was kept."""
        with self.transaction() as connection:
            connection.execute("DELETE FROM event WHERE claim = ?", (claim,))

    def mark(self, scope: str, claim: str, events: Events, state: int, now: float) -> None:  # noqa: ARG002
        """Note what is known of the outcome: SENT or IN_DOUBT."""
        with self.transaction() as connection:
            connection.execute("UPDATE event SET sent = ?, at = ? WHERE claim = ? AND sent > 0", (state, now, claim))

    def withdraw(self, scope: str, claim: str, events: Events) -> None:  # noqa: ARG002
        """Forget what the call took away, not that it was made."""
        with self.transaction() as connection:
            connection.execute("DELETE FROM event WHERE claim = ? AND kind NOT LIKE 'call %'", (claim,))

    def take(self, scope: str, draws: Sequence[Draw], max_wait_s: float, now: float) -> list[float]:
        """Reserve tokens in all buckets, or in none."""
        with self.transaction() as connection:
            levels = [_level(connection, scope, draw.bucket, now) for draw in draws]
            waits = [
                buckets.delay(buckets.taken(level, draw.needed), draw.bucket.rate, now)
                for draw, level in zip(draws, levels, strict=True)
            ]
            if max(waits) <= max_wait_s:
                for draw, level in zip(draws, levels, strict=True):
                    _keep(connection, scope, draw.bucket, buckets.taken(level, draw.amount))
        return waits

    def drain(self, scope: str, buckets: Sequence[Bucket], now: float) -> None:
        """Empty the buckets."""
        with self.transaction() as connection:
            for bucket in buckets:
                level = _level(connection, scope, bucket, now)
                _keep(connection, scope, bucket, Level(min(level.tokens, 0.0), level.at))

    def under_way(self, now: float) -> list[UnderWay]:
        """What is being decided, or was sent and is not yet to be seen in AWS, the newest last."""
        with self.transaction() as connection:
            rows = connection.execute(
                "SELECT scope, cluster, kind, name, at, sent, claim FROM event WHERE kind NOT LIKE 'call %' ORDER BY at"
            ).fetchall()
        calls: dict[tuple[str, ...], list[tuple[str, float, int]]] = {}
        for scope, cluster, kind, name, at, state, claim in rows:
            if is_under_way(Event(kind, name, cluster, at, state), now):
                calls.setdefault((claim, scope, cluster, kind), []).append((name, at, state))
        return [
            UnderWay(
                scope,
                cluster,
                kind,
                () if kind == LAUNCH else tuple(name for name, *_ in each),
                len(each),
                max(at for _, at, _ in each),
                each[-1][2],
                host=readable(socket.gethostname()),
            )
            for (_, scope, cluster, kind), each in calls.items()
        ]

    def freezes(self, now: float) -> tuple[Freeze, ...]:
        """What is frozen now, also while another process has the file locked to write."""
        with self.reading() as connection:
            return freezes.of_file(connection, now)

    def freeze(self, freeze: Freeze) -> Freeze:
        """Begin a freeze."""
        with self.transaction() as connection:
            freezes.add(connection, freeze)
        return freeze

    def lift(self, now: float) -> tuple[Freeze, ...]:
        """End every freeze."""
        return self.replace_freezes((), now)

    def replace_freezes(self, others: Sequence[Freeze], now: float) -> tuple[Freeze, ...]:
        """Only these are in force now. Returns those before."""
        with self.transaction() as connection:
            return freezes.replace(connection, others, now)

    def try_it(self) -> None:
        """Open the file as a decision does. Raises StateUnavailable where it cannot be written.

        A damaged or locked file blocks only the calls that need it. The file is closed again: a program that goes into
        the background now, and closes all descriptors, closes none of it.
        """
        try:
            with self.transaction():
                pass
            self.close()
        except StateUnavailable as error:
            cause = error.__cause__
            unopened = isinstance(cause, OSError) and not isinstance(cause, TimeoutError)
            if unopened or any(word in str(cause) for word in _UNWRITABLE):
                raise


def _note_liveness(connection: sqlite3.Connection, asked: Asked) -> Liveness:
    rows = connection.execute("SELECT cluster, live_since, retired_at FROM liveness WHERE scope = ?", (asked.scope,))
    times = {cluster: (since, retired) for cluster, since, retired in rows}
    rows = connection.execute(
        "SELECT cluster, unnamed_at, retired_before, pointed FROM naming WHERE scope = ?", (asked.scope,)
    )
    namings = {cluster: Naming(unnamed, before, bool(pointed)) for cluster, unnamed, before, pointed in rows}
    noted, said = liveness.note(Noted(times, namings), asked.live, asked.now, reused=asked.reused)
    _many(
        connection,
        "DELETE FROM liveness WHERE scope = ? AND cluster = ?",
        [(asked.scope, cluster) for cluster in times.keys() - noted.times.keys()],
    )
    _many(
        connection,
        "INSERT OR REPLACE INTO liveness VALUES (?, ?, ?, ?)",
        [(asked.scope, cluster, *each) for cluster, each in noted.times.items() if times.get(cluster) != each],
    )
    _many(
        connection,
        "INSERT OR REPLACE INTO naming VALUES (?, ?, ?, ?, ?)",
        [(asked.scope, name, *astuple(each)) for name, each in noted.namings.items() if namings.get(name) != each],
    )
    return said


def _note_members(connection: sqlite3.Connection, asked: Asked, times: Liveness) -> members.TakenOut:
    rows = connection.execute("SELECT name, cluster, left_at FROM member WHERE scope = ?", (asked.scope,))
    known = {(name, cluster): left_at for name, cluster, left_at in rows}
    changes = members.note(known, asked.seen, asked.live, times, asked.now, whole=asked.whole)
    _many(
        connection,
        "INSERT OR REPLACE INTO member VALUES (?, ?, ?, ?)",
        [(asked.scope, *key, left_at) for key, left_at in changes.changed.items()],
    )
    _many(
        connection,
        "DELETE FROM member WHERE scope = ? AND name = ? AND cluster = ?",
        [(asked.scope, *key) for key in changes.forgotten],
    )
    return changes.taken_out


def _many(connection: sqlite3.Connection, statement: str, rows: Sequence[Sequence[object]]) -> None:
    # Nearly always there is nothing to write, and SQLite would prepare the statement anyway.
    if rows:
        connection.executemany(statement, rows)


def _level(connection: sqlite3.Connection, scope: str, bucket: Bucket, now: float) -> Level:
    row = connection.execute(
        "SELECT tokens, at FROM bucket WHERE scope = ? AND name = ?", (scope, bucket.name)
    ).fetchone()
    return buckets.refilled(Level(*row) if row else Level(bucket.size, now), bucket, now)


def _keep(connection: sqlite3.Connection, scope: str, bucket: Bucket, level: Level) -> None:
    connection.execute(
        "INSERT OR REPLACE INTO bucket VALUES (?, ?, ?, ?)", (scope, bucket.name, level.tokens, level.at)
    )
