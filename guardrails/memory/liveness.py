"""Since when a cluster has been live, and when it stopped being live, as seen by the guards of this host."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping

from guardrails.values import Live

# A cluster that stopped being live longer ago than this is forgotten.
_KEPT_S = 30 * 86_400.0


def note(
    connection: sqlite3.Connection, scope: str, live: Live, now: float
) -> tuple[Mapping[str, float], Mapping[str, float]]:
    """Note which clusters are live at `now` (seconds since the epoch); returns live_since and retired_at by cluster.

    A cluster that is seen for the first time counts as live since now. While it is unknown what is live, nothing
    retires; in a dispute every cluster that a source names is live.
    """
    rows = connection.execute("SELECT cluster, live_since, retired_at FROM liveness WHERE scope = ?", (scope,))
    known = {cluster: (since, retired) for cluster, since, retired in rows}
    for cluster in live.clusters:
        if cluster not in known or known[cluster][1] is not None:
            known[cluster] = (now, None)
            connection.execute("INSERT OR REPLACE INTO liveness VALUES (?, ?, ?, NULL)", (scope, cluster, now))
    for cluster, (since, retired) in list(known.items()):
        if live.known and retired is None and cluster not in live.clusters:
            known[cluster] = (since, now)
            connection.execute(
                "UPDATE liveness SET retired_at = ? WHERE scope = ? AND cluster = ?", (now, scope, cluster)
            )
    connection.execute("DELETE FROM liveness WHERE retired_at < ?", (now - _KEPT_S,))
    return (
        {cluster: since for cluster, (since, retired) in known.items() if retired is None},
        {cluster: retired for cluster, (_, retired) in known.items() if retired is not None},
    )
