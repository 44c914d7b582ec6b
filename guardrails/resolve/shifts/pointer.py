"""Writing the parameter that names the live cluster: where nothing else shows what users reach, that is the switch."""

from __future__ import annotations

from guardrails.resolve.health import STATUS
from guardrails.resolve.live.source import cluster_names
from guardrails.resolve.shifts.shares import Situation, Way
from guardrails.values import Call, Lookup, Shift

_SOURCE = "ssm"


def _lookups(call: Call) -> tuple[Lookup, ...]:
    """Whether the machines of the cluster that will be named pass their checks."""
    return (STATUS,) if _is_pointer(call) else ()


def _shift(situation: Situation) -> Shift | None:
    """The clusters that the parameter names and will name, each with an equal share."""
    call = situation.call
    if not _is_pointer(call):
        return None
    before = [cluster for source in situation.seen.sources if source.name == _SOURCE for cluster in source.clusters]
    after = cluster_names(str(call.clear_params.get("Value") or ""))
    if not after:
        return Shift("pointer", why="it would name no cluster")
    absent = sorted(name for name in {*after} if not situation.inventory.members_of(name))
    if absent:
        return Shift("pointer", why=f"there are no machines of {' and '.join(absent)}")
    return Shift("pointer", True, _equal(before), _equal(after), dict.fromkeys(after, True))


def _is_pointer(call: Call) -> bool:
    # Of parameters only the live pointer has this effect.
    return call.name == "ssm:PutParameter" and "traffic" in call.effects


def _equal(clusters: list[str] | tuple[str, ...]) -> dict[str, float]:
    return {cluster: round(1 / len(clusters), 4) for cluster in clusters}


WAY = Way(_shift, _lookups)
