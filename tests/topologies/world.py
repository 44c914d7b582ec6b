"""What a topology is: two sides in the simulated AWS, what hurts each, and how users move from one to the other."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from typing import Any

from attrs import field, frozen

from guardrails.testing import SimulatedAWS
from tests.calls.test_same_act_other_api import listing

Params = Mapping[str, Any]


@frozen
class Act:
    """A call: a client's service and method, with parameters.

    `replies` are canned answers for its look-ups, and `around` is what else the simulation has to be made to say.
    `request` is what the server calls it, where its request names no operation.
    """

    service: str
    method: str
    params: Params
    replies: Mapping[str, str] = field(factory=dict)
    request: str = ""
    around: Callable[[], AbstractContextManager[None]] = nullcontext


def nothing() -> None:
    """For topologies where nothing has to be done."""


@frozen
class World:
    """What was built. Users reach the side `live`; what hurts a side has the same names for both sides.

    `switch` moves all users to the side `other`, in these steps. Each of `wrong` moves them to what cannot serve them.
    What hurts the other side only once it has the users is in `gained`. `canned` answers what the simulation cannot,
    and `moved` puts that right once users have moved.
    """

    live: str
    other: str
    harms: Mapping[str, Mapping[str, Act]]
    switch: tuple[Act, ...]
    wrong: Mapping[str, Act]
    gained: Mapping[str, Act] = field(factory=dict)
    canned: Callable[[], None] = nothing
    moved: Callable[[], None] = nothing


@frozen
class Topology:
    """A kind of shop. `seen_by` are the sources that see it, `canned` is what the simulation cannot answer itself."""

    title: str
    seen_by: str
    build: Callable[[SimulatedAWS], World]
    config: Mapping[str, Any] = field(factory=dict)
    canned: str = ""

    @property
    def configuration(self) -> str:
        """The keys that have to be set, as they are written in the file."""
        keys = (f"`{table}.{name}`" for table in ("live", "params") for name in self.config.get(table) or {})
        return ", ".join(keys) or "none"


def machines(ids: tuple[str, ...]) -> dict[str, Act]:
    """Terminating and stopping all machines of a side, and deleting the stack that has one."""
    stack = listing(("AWS::EC2::Instance", ids[0]))
    return {
        "terminate": Act("ec2", "terminate_instances", {"InstanceIds": [*ids]}),
        "stop": Act("ec2", "stop_instances", {"InstanceIds": [*ids]}),
        "delete stack": Act("cloudformation", "delete_stack", {"StackName": ids[0]}, {"ListStackResources": stack}),
    }


def registered(group: str, targets: tuple[str, ...]) -> dict[str, Act]:
    """Taking all targets out of a side's target group, and deleting that."""
    members = [{"Id": target} for target in targets]
    return {
        "deregister": Act("elbv2", "deregister_targets", {"TargetGroupArn": group, "Targets": members}),
    }


def scaled(group: str, ids: tuple[str, ...], target_group: str = "") -> dict[str, Act]:
    """Shrinking an Auto Scaling group to nothing, taking its machines out, and deleting it."""
    named = {"AutoScalingGroupName": group}
    detach = {**named, "InstanceIds": [*ids], "ShouldDecrementDesiredCapacity": True}
    made = {
        "scale in": Act("autoscaling", "set_desired_capacity", {**named, "DesiredCapacity": 0}),
        "detach": Act("autoscaling", "detach_instances", detach),
        "delete group": Act("autoscaling", "delete_auto_scaling_group", {**named, "ForceDelete": True}),
    }
    if target_group:
        away = {**named, "TargetGroupARNs": [target_group]}
        made["detach balancer"] = Act("autoscaling", "detach_load_balancer_target_groups", away)
    return made
