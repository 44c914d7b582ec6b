"""Since when a cluster has been live, and when it stopped being live, as seen by the guards of this host."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping

from attrs import evolve, frozen

from guardrails.values import POINTERS, Live

# A cluster that stopped being live longer ago than this is forgotten.
_KEPT_S = 30 * 86_400.0
# A cluster that only pointers named, and for no longer than this, was named by mistake.
_MISTAKE_S = 600.0
# Stands for no cluster: when the guards of this host last looked.
_LOOKED = ""


@frozen
class Liveness:
    """Times by cluster, in seconds since the epoch; `mistaken` are those that just turned out never to have been live.

    A cluster counts as live since it was first seen to be.
    """

    live_since: Mapping[str, float]
    retired_at: Mapping[str, float]
    mistaken: frozenset[str]


@frozen
class _Naming:
    """When a cluster was last seen not to be named (None: never), and whether only pointers have named it since.

    `retired_before` is when an earlier time of being live ended.
    """

    unnamed_at: float | None
    retired_before: float | None
    pointed: bool


def note(connection: sqlite3.Connection, scope: str, live: Live, now: float) -> Liveness:
    """Note which clusters are live at `now` (seconds since the epoch).

    While it is unknown what is live, nothing retires; in a dispute every cluster that a source names is live.
    """
    rows = connection.execute("SELECT cluster, live_since, retired_at FROM liveness WHERE scope = ?", (scope,))
    known = {cluster: (since, retired) for cluster, since, retired in rows}
    namings = _namings(connection, scope)
    looked = namings[_LOOKED].unnamed_at if _LOOKED in namings else None
    for cluster in live.clusters:
        pointed = _only_pointed(live, cluster)
        if cluster not in known or known[cluster][1] is not None:
            before = known[cluster][1] if cluster in known else None
            known[cluster] = (now, None)
            connection.execute("INSERT OR REPLACE INTO liveness VALUES (?, ?, ?, NULL)", (scope, cluster, now))
            _name(connection, scope, cluster, _Naming(looked, before, pointed))
        elif not pointed and cluster in namings and namings[cluster].pointed:
            _name(connection, scope, cluster, evolve(namings[cluster], pointed=False))
    mistaken: set[str] = set()
    for cluster, (since, retired) in list(known.items()):
        if live.known and retired is None and cluster not in live.clusters:
            if _is_mistake(namings.get(cluster), now):
                mistaken.add(cluster)
            known[cluster] = (since, namings[cluster].retired_before if cluster in mistaken else now)
            _retire(connection, scope, cluster, known[cluster][1])
    connection.execute("DELETE FROM liveness WHERE retired_at < ?", (now - _KEPT_S,))
    if live.known:
        _name(connection, scope, _LOOKED, _Naming(now, None, pointed=False))
    return Liveness(
        {cluster: since for cluster, (since, at) in known.items() if at is None and cluster not in mistaken},
        {cluster: at for cluster, (_, at) in known.items() if at is not None},
        frozenset(mistaken),
    )


def _retire(connection: sqlite3.Connection, scope: str, cluster: str, at: float | None) -> None:
    """Note when a cluster stopped being live; None for one that never was."""
    if at is None:
        connection.execute("DELETE FROM liveness WHERE scope = ? AND cluster = ?", (scope, cluster))
    else:
        connection.execute("UPDATE liveness SET retired_at = ? WHERE scope = ? AND cluster = ?", (at, scope, cluster))


def _only_pointed(live: Live, cluster: str) -> bool:
    """Whether all sources that name it are pointers."""
    naming = [source.name for source in live.sources if cluster in source.clusters]
    return bool(naming) and POINTERS.issuperset(naming)


def _is_mistake(naming: _Naming | None, now: float) -> bool:
    """Whether only pointers named a cluster, and for a short time, as far as it was seen."""
    if naming is None or naming.unnamed_at is None:
        return False
    return naming.pointed and now - naming.unnamed_at <= _MISTAKE_S


def _namings(connection: sqlite3.Connection, scope: str) -> dict[str, _Naming]:
    rows = connection.execute(
        "SELECT cluster, unnamed_at, retired_before, pointed FROM naming WHERE scope = ?", (scope,)
    )
    return {cluster: _Naming(unnamed, before, bool(pointed)) for cluster, unnamed, before, pointed in rows}


def _name(connection: sqlite3.Connection, scope: str, cluster: str, naming: _Naming) -> None:
    connection.execute(
        "INSERT OR REPLACE INTO naming VALUES (?, ?, ?, ?, ?)",
        (scope, cluster, naming.unnamed_at, naming.retired_before, naming.pointed),
    )
