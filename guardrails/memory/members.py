"""What belonged to a cluster while that was live: its machines, and other resources that a call named.

A tag can be changed, so the rollback window follows these and not the tag.
"""

from __future__ import annotations

from collections.abc import Mapping

from guardrails.aws.parents import within
from guardrails.memory.liveness import Liveness
from guardrails.values import Call, Live, Target, frozen

_KEPT_S = 30 * 86_400.0
# An id is not used twice: a machine that is gone for a day does not come back.
_GONE_S = 86_400.0
Members = dict[tuple[str, str], float | None]
TakenOut = Mapping[str, Mapping[str, float]]
# Between the service and the name of what is not a machine.
_SEPARATOR = "/"


def resource(call: Call, target: Target) -> str:
    """The name by which a target is remembered, the same for its ARN: ``rds/blue-db``."""
    call, parts = call.as_native, target.id.split(":")
    service = parts[2] if target.id.startswith("arn:") and len(parts) > 2 else call.service
    return f"{service}{_SEPARATOR}{within(target.type, target.id, call.params)}".lower()


@frozen
class Changes:
    """What a store writes: members with the time at which they left (None: they belong to it), and those to forget."""

    changed: Members
    forgotten: frozenset[tuple[str, str]]
    taken_out: TakenOut


def note(
    known: Members, seen: Mapping[str, frozenset[str]], live: Live, liveness: Liveness, now: float, *, whole: bool
) -> Changes:
    """Note what belongs to a live cluster at `now`, and what was taken out of one, and when, by name and cluster.

    `seen` maps machine ids and names of resources to the clusters that they carry now. `known` has when each (name,
    cluster) left, None while it belongs to the cluster. Where `seen` is the `whole` region, other machines are gone.
    """
    # Outdated, it would say that machines left a cluster that they have just joined.
    changed = {} if liveness.outdated else {**_joined(known, seen, live, liveness), **_left(known, seen, live, now)}
    members = {**known, **changed}
    old = {
        key
        for key, at in members.items()
        if key[1] in liveness.mistaken or _is_over(key[0], at, now, gone=whole and key[0] not in seen)
    }
    taken_out: dict[str, dict[str, float]] = {}
    for (name, cluster), left_at in members.items():
        if left_at is not None and (name, cluster) not in old and cluster not in seen.get(name, {cluster}):
            taken_out.setdefault(name, {})[cluster] = left_at
    return Changes(changed, frozenset(old), taken_out)


def _joined(known: Members, seen: Mapping[str, frozenset[str]], live: Live, liveness: Liveness) -> Members:
    joined: Members = {}
    for name, clusters in seen.items():
        for cluster in clusters & {*live.clusters}:
            if (name, cluster) not in known or known[name, cluster] is not None:
                joined[name, cluster] = None
        # Another resource may be named for the first time by the call that takes its tag away.
        for cluster in clusters & {*liveness.retired_at} if _SEPARATOR in name else ():
            if (name, cluster) not in known:
                joined[name, cluster] = liveness.retired_at[cluster]
    return joined


def _left(known: Members, seen: Mapping[str, frozenset[str]], live: Live, now: float) -> Members:
    members = [key for key, left_at in known.items() if left_at is None]
    return {key: now for key in members if live.known and not _still_in(*key, seen, live)}


def _still_in(name: str, cluster: str, seen: Mapping[str, frozenset[str]], live: Live) -> bool:
    # This call need not name a resource for it to be still there; machines are always looked up.
    there = {cluster} if _SEPARATOR in name else frozenset[str]()
    return cluster in live.clusters and cluster in seen.get(name, there)


def _is_over(name: str, left_at: float | None, now: float, *, gone: bool) -> bool:
    kept_s = _GONE_S if gone and _SEPARATOR not in name else _KEPT_S
    return left_at is not None and left_at < now - kept_s
