"""How many machines a call takes out of service, and how many went before: for clusters whose machines go in waves.

A machine is out of service when it is terminated, stopped or rebooted, or when a load balancer or group loses it.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any

from attrs import field

from guardrails.memory.events import GOING, TAKE, Event, MachineState
from guardrails.values import Call, Earlier, Target, frozen

_DOWN = frozenset(("terminate", "stop"))
_SIZED = "scale-in"
# A machine that is on its way already, by the effect that it would have again.
_GOING = {"terminate": ("shutting-down", "terminated"), "stop": ("stopping", "stopped", "shutting-down", "terminated")}
# They name machines in a string or by tags.
_NAMED_IN = ("text", "tag-selector")
_MACHINE = re.compile(r"\bi-[0-9a-f]{8,17}\b")
# They lower a size as well, by an effect that other calls on fleets have, too.
_FLEETS = ("ModifyFleet", "ModifySpotFleetRequest")
# Where a call names the new size of a group or fleet.
_NEW_SIZES = (
    ("DesiredCapacity",), ("MaxSize",), ("TargetCapacity",), ("TargetCapacitySpecification", "TotalTargetCapacity"),
    ("scalingConfig", "desiredSize"), ("scalingConfig", "maxSize"),
)  # fmt: skip
# Calls of ECS that name some machines of the cluster that is their target.
_OF_ECS = {"DeregisterContainerInstance": "containerInstance", "UpdateContainerInstancesState": "containerInstances"}
# Clocks of the sleep and of the memory differ by a little.
_SLACK = 0.99


@frozen
class Leaving:
    """What a call takes of one cluster: machines by id, and how many `more`; None where that is not known."""

    names: frozenset[str] = field(factory=frozenset)
    more: int | None = 0

    @property
    def number(self) -> int | None:
        """How many machines."""
        return None if self.more is None else len(self.names) + self.more


def leaving(call: Call, targets: Iterable[Target], machines: Mapping[str, MachineState]) -> dict[str, Leaving]:
    """What the call takes out of service, by cluster; "" is no cluster."""
    taken: dict[str, Leaving] = {}
    for target in targets:
        if target.role != "target" or target.facts.get("spared"):
            continue
        for cluster, part in _of_target(call, target, machines):
            before = taken.get(cluster, Leaving())
            unknown = before.more is None or part.more is None
            more = None if unknown else (before.more or 0) + (part.more or 0)
            taken[cluster] = Leaving(before.names | part.names, more)
    return taken


def lowers_a_size(call: Call) -> bool:
    """Whether the call is one that gives a group or fleet a new size."""
    return (_SIZED in call.effects or call.operation in _FLEETS) and _new_size(call) is not None


def _of_target(call: Call, target: Target, machines: Mapping[str, MachineState]) -> Iterator[tuple[str, Leaving]]:
    effects = {*call.effects}
    if target.type in ("instance", "elb-target"):
        if effects & {*_DOWN, "traffic"} and not _is_going(target.state, effects):
            name = target.facts.get("instance") or target.id
            clusters = (machines[name].cluster,) if name in machines else target.clusters or ("",)
            yield from ((cluster, Leaving(frozenset([name]))) for cluster in clusters)
        return
    if call.service == "ecs":
        named = call.params.get(_OF_ECS.get(call.operation, ""))
        count = len(named) if isinstance(named, (list, tuple)) else int(bool(named))
        yield from ((cluster, Leaving(more=count)) for cluster in target.clusters if count)
        return
    if not effects & {*_DOWN, _SIZED}:
        return
    ids = target.facts.get("instances")
    if lowers_a_size(call):
        desired = target.facts.get("desired")
        size = desired if isinstance(desired, int) else None if ids is None else len(ids)
        more = None if size is None else max(0, size - (_new_size(call) or 0))
        yield from ((cluster, Leaving(more=more)) for cluster in target.clusters)
        return
    for name in _whole(target, machines) if ids is None else ids:
        state = machines.get(name)
        if state is None or not _is_going(state.state, effects):
            yield (state.cluster if state is not None else ""), Leaving(frozenset([name]))


def _is_going(state: str | None, effects: set[str]) -> bool:
    """Whether the call takes nothing more from a machine in this state."""
    does = "terminate" if "terminate" in effects else "stop"
    return state in _GOING[does]


def _whole(target: Target, machines: Mapping[str, MachineState]) -> Iterable[str]:
    """The machines of something that is made of others: those that it names, or all of its clusters."""
    parts = {part["name"] for part in target.facts.get("parts", ())}
    named = parts & machines.keys() or {name for name in _MACHINE.findall(target.id) if name in machines}
    if named and parts <= machines.keys():
        return sorted(named)
    if not parts and target.type not in _NAMED_IN:
        return ()
    return sorted({name for name, state in machines.items() if state.cluster in target.clusters} | named)


def _new_size(call: Call) -> int | None:
    found = [_at(call.as_native.params, path) for path in _NEW_SIZES]
    return min((size for size in found if isinstance(size, int)), default=None)


def _at(params: Any, path: Iterable[str]) -> Any:
    for step in path:
        params = params.get(step) if isinstance(params, Mapping) else None
    return params


def events(
    claim: str, taken: Mapping[str, Leaving], named: Iterable[tuple[str, str, str]]
) -> Iterator[tuple[str, str, str]]:
    """What to remember of a call beside the events (kind, cluster, name) that are `named` anyway."""
    known = {name for kind, _, name in named if kind in GOING}
    for cluster, part in taken.items():
        yield from ((TAKE, cluster, name) for name in sorted(part.names - known))
        yield from ((TAKE, cluster, f"{claim} {number}") for number in range(part.more or 0))


def earlier(events: Iterable[Event], own: Collection[str], now: float, pause_s: float) -> dict[str, Earlier]:
    """What went before, by cluster, without the call's own machines. A wave is over `pause_s` seconds after its last.

    A machine counts once, at the last time that something took it out.
    """
    times: dict[str, dict[str, float]] = {}
    for number, event in enumerate(events):
        if event.kind in (*GOING, TAKE) and event.name not in own:
            name = event.name or f"#{number}"
            cluster = times.setdefault(event.cluster, {})
            cluster[name] = max(event.at, cluster.get(name, event.at))
    return {cluster: _waves(sorted(at.values()), now, pause_s) for cluster, at in times.items()}


def _waves(times: list[float], now: float, pause_s: float) -> Earlier:
    pause_s *= _SLACK
    if now - times[-1] >= pause_s:
        return Earlier(len(times))
    in_wave = 1
    while in_wave < len(times) and times[-in_wave] - times[-in_wave - 1] < pause_s:
        in_wave += 1
    return Earlier(len(times), in_wave, round(max(0.0, pause_s - (now - times[-1])), 1))
