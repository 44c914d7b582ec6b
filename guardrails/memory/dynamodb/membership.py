"""What belonged to clusters while they were live, in a few items for each cluster, so that thousands have room.

A host reads them when their version in the item of liveness has changed, and keeps them otherwise.
"""

from __future__ import annotations

import threading
import zlib
from collections.abc import Collection, Iterable, Mapping
from functools import partial

from attrs import evolve

from guardrails.memory import members
from guardrails.memory.dynamodb import lives
from guardrails.memory.dynamodb.at_once import at_once
from guardrails.memory.dynamodb.table import Item, Key, Table
from guardrails.memory.liveness import Liveness
from guardrails.memory.members import Members, TakenOut
from guardrails.memory.store import Asked
from guardrails.values import frozen
from guardrails.waiting.clock import monotonic

_CHUNKS = 8
# A host that dies between its two writes leaves a version that is old for so long.
_KEPT_S = 300.0
_SEPARATOR = " "


@frozen
class _Read:
    """Members as they were read; a `version` of -1.0 is none that a table has."""

    version: float
    clusters: frozenset[str]
    members: Members
    read_at: float


class Membership:
    """The members of the clusters in a table, by account and region."""

    def __init__(self, table: Table) -> None:
        self._table = table
        self._read: dict[str, _Read] = {}
        # Reentrant: a signal handler may make a governed call in the middle.
        self._lock = threading.RLock()

    def note(self, asked: Asked, version: float, times: Liveness, now: float) -> TakenOut:
        """Note who belongs to a live cluster. `version` is in the item of liveness that was just read."""
        clusters = frozenset((*times.live_since, *times.retired_at, *times.mistaken))
        read = self._current(asked.scope, version, clusters)
        # Who belonged to a cluster when that retired has left it then.
        known = {
            (name, cluster): times.retired_at.get(cluster) if left_at is None else left_at
            for (name, cluster), left_at in read.members.items()
        }
        changes = members.note(known, asked.seen, asked.live, times, now, whole=asked.whole)
        # From now on it has left, whatever becomes of the cluster.
        retagged = {
            (name, cluster): left_at
            for name, times_by_cluster in changes.taken_out.items()
            for cluster, left_at in times_by_cluster.items()
            if read.members.get((name, cluster), 0.0) is None
        }
        changes = evolve(changes, changed={**retagged, **changes.changed})
        if changes.changed or changes.forgotten:
            self._write(asked.scope, read, changes)
        return changes.taken_out

    def _current(self, scope: str, version: float, clusters: frozenset[str]) -> _Read:
        with self._lock:
            read = self._read.get(scope)
        fresh = read is not None and read.read_at > monotonic() - _KEPT_S
        if read is not None and fresh and read.version == version and read.clusters >= clusters:
            return read
        keys = [_key(scope, cluster, chunk) for cluster in clusters for chunk in range(_CHUNKS)]
        found = self._table.items(keys)
        read = _Read(version, clusters, dict(_members(scope, found)), monotonic())
        with self._lock:
            self._read[scope] = read
        return read

    def _write(self, scope: str, read: _Read, changes: members.Changes) -> None:
        chunks: dict[Key, dict[str, set[str]]] = {}
        for (name, cluster), left_at in changes.changed.items():
            sets = chunks.setdefault(_key(scope, cluster, _chunk(name)), {})
            old = read.members.get((name, cluster))
            if left_at is None:
                sets.setdefault("in", set()).add(name)
                if old is not None:
                    sets.setdefault("not_left", set()).add(_left(name, old))
            else:
                sets.setdefault("left", set()).add(_left(name, left_at))
                sets.setdefault("not_in", set()).add(name)
        for name, cluster in changes.forgotten:
            sets = chunks.setdefault(_key(scope, cluster, _chunk(name)), {})
            sets.setdefault("not_in", set()).add(name)
            old = read.members.get((name, cluster))
            if old is not None:
                sets.setdefault("not_left", set()).add(_left(name, old))
        # Whatever of this fails, the next call reads what was written, and goes on from there.
        with self._lock:
            self._read.pop(scope, None)
        at_once([partial(_update, self._table, key, sets) for key, sets in chunks.items()])
        version = lives.members_changed(self._table, scope)
        now_known = {**read.members, **changes.changed}
        kept = {key: left_at for key, left_at in now_known.items() if key not in changes.forgotten}
        # Where another host wrote as well, the version is not the next one, and they are read again.
        version = version if version == read.version + 1 else -1.0
        with self._lock:
            self._read[scope] = _Read(version, read.clusters, kept, read.read_at)


def _update(table: Table, key: Key, sets: Mapping[str, Collection[str]]) -> None:
    # One update cannot add to a set and delete from it.
    for verb, prefix in (("ADD", ""), ("DELETE", "not_")):
        names = [name for name in ("in", "left") if sets.get(f"{prefix}{name}")]
        if names:
            parts = ", ".join(f"#{name} :{name}" for name in names)
            values = {name: frozenset(sets[f"{prefix}{name}"]) for name in names}
            table.update(key, f"{verb} {parts}", values, {name: name for name in names})


def _key(scope: str, cluster: str, chunk: int) -> Key:
    return f"mem#{scope.replace('/', '#')}#{cluster}", str(chunk)


def _chunk(name: str) -> int:
    return zlib.crc32(name.encode()) % _CHUNKS


def _left(name: str, at: float) -> str:
    return f"{name}{_SEPARATOR}{at!r}"


def _members(scope: str, items: Mapping[Key, Item]) -> Iterable[tuple[tuple[str, str], float | None]]:
    start = len(_key(scope, "", 0)[0])
    for (partition, _), item in items.items():
        cluster = partition[start:]
        yield from (((name, cluster), None) for name in item.get("in", ()))
        # The earliest time counts; and of two hosts that saw it differently, the one that saw it leave.
        for entry in sorted(item.get("left", ()), key=lambda entry: -float(entry.rpartition(_SEPARATOR)[2])):
            name, _, at = entry.rpartition(_SEPARATOR)
            yield (name, cluster), float(at)
