"""Since when a cluster has been live, and when it stopped being live, as seen by the guards that share a memory."""

from __future__ import annotations

from collections.abc import Mapping

from attrs import evolve, field

from guardrails.values import POINTERS, Live, frozen

# A cluster that stopped being live longer ago than this is forgotten.
_KEPT_S = 30 * 86_400.0
# A cluster that only pointers named, and for no longer than this, was named by mistake.
_MISTAKE_S = 600.0
# Since when a cluster has been live, and when it retired, by name.
Times = Mapping[str, tuple[float, float | None]]
# Stands for no cluster: when a guard last looked.
LOOKED = ""


@frozen
class Liveness:
    """Times by cluster, in seconds since the epoch; `mistaken` are those that just turned out never to have been live.

    A cluster counts as live since it was first seen to be. `was_live_until` is when an earlier time of that ended, for
    those that are live again. It is `outdated` where other clusters were seen to be live after what was noted.
    """

    live_since: Mapping[str, float]
    retired_at: Mapping[str, float]
    mistaken: frozenset[str]
    was_live_until: Mapping[str, float] = field(factory=dict)
    outdated: bool = False


@frozen
class Naming:
    """When a cluster was last seen not to be named (None: never), and whether only pointers have named it since.

    `retired_before` is when an earlier time of being live ended.
    """

    unnamed_at: float | None
    retired_before: float | None
    pointed: bool


@frozen
class Noted:
    """What a store keeps, by cluster: since when it has been live and when it retired, and how it was named.

    The naming of "" has the time at which a guard last looked.
    """

    times: Times = field(factory=dict)
    namings: Mapping[str, Naming] = field(factory=dict)


def note(before: Noted, live: Live, now: float, *, reused: bool = False) -> tuple[Noted, Liveness]:
    """Note which clusters are live at `now` (seconds since the epoch): what to keep, and what it says.

    While it is unknown what is live, nothing retires; in a dispute every cluster that is here and that sources name is
    live. An earlier decision has noted what is `reused`. If that would change what is live, another guard has seen more
    since, and nothing is noted.
    """
    times, namings = dict(before.times), dict(before.namings)
    looked = namings[LOOKED].unnamed_at if LOOKED in namings else None
    for cluster in live.clusters:
        if cluster in live.absent:
            continue
        pointed = _only_pointed(live, cluster)
        if cluster not in times or times[cluster][1] is not None:
            retired_before = times[cluster][1] if cluster in times else None
            times[cluster] = (now, None)
            namings[cluster] = Naming(looked, retired_before, pointed)
        elif not pointed and cluster in namings and namings[cluster].pointed:
            namings[cluster] = evolve(namings[cluster], pointed=False)
    gone = (
        [] if not live.known else [name for name, (_, at) in times.items() if at is None and name not in live.clusters]
    )
    mistaken = frozenset(cluster for cluster in gone if _is_mistake(namings.get(cluster), now))
    for cluster in gone:
        times[cluster] = (times[cluster][0], namings[cluster].retired_before if cluster in mistaken else now)
    if live.known:
        namings[LOOKED] = Naming(now, None, pointed=False)
    # A cluster that was named by mistake, and never before, was never live.
    said = {name: each for name, each in times.items() if name not in mistaken or each[1] is not None}
    if reused and before.times and _live(said) != _live(before.times):
        return before, evolve(_liveness(before.times, before.namings, frozenset()), outdated=True)
    kept = {name: each for name, each in said.items() if each[1] is None or each[1] >= now - _KEPT_S}
    return Noted(kept, namings), _liveness(said, namings, mistaken)


def _live(times: Times) -> set[str]:
    return {name for name, (_, at) in times.items() if at is None}


def _liveness(times: Times, namings: Mapping[str, Naming], mistaken: frozenset[str]) -> Liveness:
    return Liveness(
        {name: since for name, (since, at) in times.items() if at is None},
        {name: at for name, (_, at) in times.items() if at is not None},
        mistaken,
        {
            name: until
            for name in _live(times)
            if name in namings and (until := namings[name].retired_before) is not None
        },
    )


def _only_pointed(live: Live, cluster: str) -> bool:
    """Whether all sources that name it are pointers."""
    naming = [source.name for source in live.sources if cluster in source.clusters]
    return bool(naming) and POINTERS.issuperset(naming)


def _is_mistake(naming: Naming | None, now: float) -> bool:
    """Whether only pointers named a cluster, and for a short time, as far as it was seen."""
    if naming is None or naming.unnamed_at is None:
        return False
    return naming.pointed and now - naming.unnamed_at <= _MISTAKE_S
