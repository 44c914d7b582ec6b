"""How many machines went in waves before a call, by cluster."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

from guardrails.memory.events import GOING, TAKE, Event, MachineState
from guardrails.values import Earlier

# Clocks of the sleep and of the memory differ by a little.
_SLACK = 0.99
_GONE = ("shutting-down", "terminated")


def earlier(
    events: Iterable[Event], own: Collection[str], machines: Mapping[str, MachineState], now: float, pause_s: float
) -> dict[str, Earlier]:
    """What went before, by cluster, without the call's own machines. A wave is over `pause_s` seconds after its last.

    A machine counts once, at the last time that something took it out. What went before the first of the machines that
    a cluster has now was started, was of a cluster before it that had its name.
    """
    times: dict[str, dict[str, float]] = {}
    began = _began(machines)
    for number, event in enumerate(events):
        if event.kind in (*GOING, TAKE) and event.name not in own and event.at >= began.get(event.cluster, 0.0):
            name = event.name or f"#{number}"
            cluster = times.setdefault(event.cluster, {})
            cluster[name] = max(event.at, cluster.get(name, event.at))
    return {cluster: _waves(sorted(at.values()), now, pause_s) for cluster, at in times.items()}


def _began(machines: Mapping[str, MachineState]) -> dict[str, float]:
    """When the first machine of each cluster was started, of those that are not gone; 0 where AWS does not say."""
    began: dict[str, float] = {}
    for state in machines.values():
        if state.state not in _GONE:
            launched_at = state.launched_at or 0.0
            began[state.cluster] = min(launched_at, began.get(state.cluster, launched_at))
    return began


def _waves(times: list[float], now: float, pause_s: float) -> Earlier:
    pause_s *= _SLACK
    if now - times[-1] >= pause_s:
        return Earlier(len(times))
    in_wave = 1
    while in_wave < len(times) and times[-in_wave] - times[-in_wave - 1] < pause_s:
        in_wave += 1
    return Earlier(len(times), in_wave, round(max(0.0, pause_s - (now - times[-1])), 1))
