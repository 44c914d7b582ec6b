"""How many machines a call takes out of service, for clusters whose machines go in waves.

A machine is out of service when it is terminated, stopped or rebooted, or when a load balancer or group loses it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from attrs import field

from guardrails.memory.events import GOING, TAKE, MachineState
from guardrails.values import Call, Target, frozen

_DOWN = frozenset(("terminate", "stop"))
_SIZED = "scale-in"
# A machine that is on its way already, by the effect that it would have again.
_GOING = {"terminate": ("shutting-down", "terminated"), "stop": ("stopping", "stopped", "shutting-down", "terminated")}
# They name machines in a string or by tags.
_NAMED_IN = ("text", "tag-selector")
_MACHINE = re.compile(r"\bi-[0-9a-f]{8,17}\b")
# What a stack is made of that holds machines, by CloudFormation's types.
_HOLDS = re.compile(
    r"^AWS::(AutoScaling::AutoScalingGroup|EC2::(EC2Fleet|SpotFleet)|EKS::(Nodegroup|Cluster)|EMR::\w+"
    r"|Batch::ComputeEnvironment|ElasticBeanstalk::Environment|ECS::CapacityProvider|CloudFormation::\w+"
    r"|OpsWorks::\w+) "
)
# Made of machines that no fact lists.
_UNLISTED = frozenset(("fleet", "spot-fleet"))
# Services whose machines no fact lists, and that are known by their cluster tag: compute environments, clusters of EMR.
_MANAGED = ("batch", "elasticmapreduce")
# Where AWS may replace all machines at once, or change them as a stack says.
_REPLACED = frozenset(("cfn-stack", "cfn-stack-set", "cfn-change-set", "eb-environment", "provisioned-product"))
# A patch of Cloud Control may lower the sizes of these.
_SIZES = frozenset(("asg", "eks-nodegroup", *_UNLISTED))
_REFRESH = ("StartInstanceRefresh", "RollbackInstanceRefresh")
_UPDATE, _DELETE = "UpdateResource", "DeleteResource"
# What a refresh leaves in service, of a hundred machines, where the call does not say.
_LEFT = 90
# They lower a size as well, by an effect that other calls on fleets have, too.
_FLEETS = ("ModifyFleet", "ModifySpotFleetRequest")
# Where a call names the new size of a group or fleet.
_NEW_SIZES = (
    ("DesiredCapacity",), ("MaxSize",), ("TargetCapacity",), ("TargetCapacitySpecification", "TotalTargetCapacity"),
    ("scalingConfig", "desiredSize"), ("scalingConfig", "maxSize"), ("ScalingConfig", "DesiredSize"),
    ("ScalingConfig", "MaxSize"), ("SpotFleetRequestConfigData", "TargetCapacity"),
)  # fmt: skip
_MINIMA = (("MinSize",), ("scalingConfig", "minSize"))
# Calls of ECS that name some machines of the cluster that is their target.
_OF_ECS = {"DeregisterContainerInstance": "containerInstance", "UpdateContainerInstancesState": "containerInstances"}


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
    lowers = call.operation == _UPDATE or (call.operation in _FLEETS and "terminate" in call.effects)
    return (lowers or _SIZED in call.effects) and _new_size(call) is not None


def may_take(call: Call) -> bool:
    """Whether the call may take machines that it does not name, of something that is made of them."""
    return call.operation in _REFRESH or any(
        _takes_all(call, each.type) or _is_sized(call, each.type) or _is_patched(call, each.id) for each in call.targets
    )


def _of_target(call: Call, target: Target, machines: Mapping[str, MachineState]) -> Iterator[tuple[str, Leaving]]:
    effects = {*call.effects}
    if target.type in ("instance", "elb-target"):
        takes = effects & {*_DOWN, "traffic"} or _is_patched(call, target.id)
        if takes and not _is_going(target.state, effects):
            name = target.facts.get("instance") or target.id
            clusters = (machines[name].cluster,) if name in machines else target.clusters or ("",)
            yield from ((cluster, Leaving(frozenset([name]))) for cluster in clusters)
        return
    if call.service == "ecs":
        named = call.params.get(_OF_ECS.get(call.operation, ""))
        count = len(named) if isinstance(named, (list, tuple)) else int(bool(named))
        yield from ((cluster, Leaving(more=count)) for cluster in target.clusters if count)
        return
    if _is_sized(call, target.type):
        new = _new_size(call) or 0
        yield from _each(target, max(0, size - new) if (size := _size(target)) is not None else None)
    elif call.operation in _REFRESH and target.type == "asg":
        yield from _each(target, _refreshed(call, target))
    elif _takes_all(call, target.type):
        yield from _all(call, target, machines)


def _takes_all(call: Call, kind: str) -> bool:
    if call.operation == _DELETE and kind in _UNLISTED:
        return True
    effects = {*call.effects}
    sized = _SIZED in effects and not _sets_only_a_minimum(call)
    return sized or bool({*_DOWN} & effects) or ("replace" in effects and kind in _REPLACED)


def _sets_only_a_minimum(call: Call) -> bool:
    """Whether the call changes how small a group may become, and not its size."""
    params = call.as_native.params
    return _new_size(call) is None and any(_at(params, path) is not None for path in _MINIMA)


def _is_patched(call: Call, name: str) -> bool:
    """Whether Cloud Control changes this machine: it may stop it for that, or replace it."""
    return call.operation == _UPDATE and "replace" in call.effects and call.params.get("Identifier") == name


def _is_sized(call: Call, kind: str) -> bool:
    return lowers_a_size(call) and (call.operation != _UPDATE or kind in _SIZES)


def _each(target: Target, more: int | None) -> Iterator[tuple[str, Leaving]]:
    yield from ((cluster, Leaving(more=more)) for cluster in target.clusters)


def _size(target: Target) -> int | None:
    desired, ids = target.facts.get("desired"), target.facts.get("instances")
    return desired if isinstance(desired, int) else None if ids is None else len(ids)


def _refreshed(call: Call, target: Target) -> int | None:
    """How many machines a refresh takes at once. One that is rolled back does not say."""
    size, preferences = _size(target), call.params.get("Preferences")
    stays: Any = 0 if call.operation != _REFRESH[0] else _LEFT
    if isinstance(preferences, Mapping):
        stays = preferences.get("MinHealthyPercentage", stays)
    if size is None or not isinstance(stays, int):
        return None
    return 0 if stays >= 100 else max(min(1, size), size * (100 - stays) // 100)


def _all(call: Call, target: Target, machines: Mapping[str, MachineState]) -> Iterator[tuple[str, Leaving]]:
    effects = {*call.effects}
    if target.type in _UNLISTED or (call.service in _MANAGED and target.type == "tagged"):
        running = {state.cluster for state in machines.values() if not _is_going(state.state, effects)}
        yield from ((cluster, Leaving(more=None)) for cluster in target.clusters if cluster in running)
        return
    for name in {*_whole(target, machines), *(target.facts.get("instances") or ())}:
        state = machines.get(name)
        if state is None or not _is_going(state.state, effects):
            yield (state.cluster if state is not None else ""), Leaving(frozenset([name]))


def _is_going(state: str | None, effects: set[str]) -> bool:
    """Whether the call takes nothing more from a machine in this state."""
    does = "terminate" if "terminate" in effects else "stop"
    return state in _GOING[does]


def _whole(target: Target, machines: Mapping[str, MachineState]) -> Iterable[str]:
    """The machines of something that is made of others: those that it names, or all of the clusters of its groups."""
    parts = target.facts.get("parts", ())
    texts = [target.id, *(part["name"] for part in parts)]
    named = {name for text in texts for name in _MACHINE.findall(text) if name in machines}
    clusters = {name for part in parts if _holds(part["name"], named) for name in part["clusters"]}
    if target.type in _NAMED_IN and not named:
        clusters.update(target.clusters)
    return named | {name for name, state in machines.items() if state.cluster in clusters}


def _holds(part: str, named: set[str]) -> bool:
    if part.startswith("AWS::"):
        return _HOLDS.match(part) is not None
    return named.isdisjoint(_MACHINE.findall(part))


def _new_size(call: Call) -> int | None:
    params = _patched(call) if call.operation == _UPDATE else call.as_native.params
    found = [_at(params, path) for path in _NEW_SIZES]
    return min((_number(size) for size in found if size is not None), default=None)


def _number(size: Any) -> int:
    try:
        return int(size)
    except (TypeError, ValueError):
        return 0


def _patched(call: Call) -> dict[str, Any]:
    """The properties that a patch of Cloud Control sets. A size that is not a number may be any, so 0."""
    try:
        steps = json.loads(str(call.clear_params.get("PatchDocument")))
    except ValueError:
        return {}
    whole: dict[str, Any] = {}
    for step in steps if isinstance(steps, list) else ():
        if isinstance(step, dict) and step.get("op") not in ("remove", "test"):
            *path, last = ["", *str(step.get("path") or "").strip("/").split("/")]
            place = whole
            for name in path:
                place = place.setdefault(name, {})
            place[last] = step.get("value")
    found = whole.get("", {})
    return {**found.pop("", {}), **found} if isinstance(found.get(""), dict) else found


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
