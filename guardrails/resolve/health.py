"""Whether the machines of each cluster pass EC2's status checks, for calls that move traffic to a machine."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from attrs import evolve

from guardrails.resolve.inventory import Inventory
from guardrails.resolve.machine import Machine
from guardrails.values import Answer, Call, Lookup, Target

STATUS = Lookup("ec2", "DescribeInstanceStatus", "InstanceStatuses")
_OPERATION = f"{STATUS.service}:{STATUS.operation} "
# DescribeInstanceStatus takes this many ids.
_IDS = 100


def lookups(call: Call) -> tuple[Lookup, ...]:
    """The status checks, if the call moves an address, a route or the users of a load balancer to some machines."""
    onto = any(target.role == "destination" and target.type in ("instance", "eni") for target in call.targets)
    moves = any(target.type in ("address", "private-ip", "route-table") for target in call.targets)
    # Where only a tag marks the live cluster, moving the tag is the switch.
    marks = call.tags is not None and "protection" in call.effects
    return (STATUS,) if (moves and onto) or marks or "admit" in call.effects else ()


def about(inventory: Inventory, targets: Iterable[Target]) -> tuple[Lookup, ...]:
    """The checks of the running machines in the clusters that are known whole, and of the targets' machines."""
    members = [machine for machines in inventory.clusters.values() for machine in machines]
    members += filter(None, (_machine(target, inventory) for target in targets))
    ids = sorted({machine.id for machine in members if machine.state == "running"})
    return tuple(STATUS.about(InstanceIds=ids[start : start + _IDS]) for start in range(0, len(ids), _IDS))


def by_cluster(answers: Mapping[str, Answer], inventory: Inventory) -> dict[str, bool]:
    """Whether all running machines of a cluster pass both checks now ("initializing" is not a pass), by cluster.

    Empty if the checks were not asked for.
    """
    sound = passing(answers)
    if sound is None:
        return {}
    healthy = {}
    for name, members in inventory.clusters.items():
        running = [machine.id for machine in members if machine.state == "running"]
        healthy[name] = bool(running) and sound.issuperset(running)
    return healthy


def with_health(target: Target, answers: Mapping[str, Answer], inventory: Inventory) -> Target:
    """A destination with the fact `serves`: whether its machine is running and passes both checks now."""
    sound = passing(answers)
    if target.role != "destination" or sound is None:
        return target
    machine = _machine(target, inventory)
    serves = machine is not None and machine.state == "running" and machine.id in sound
    return evolve(target, facts={**target.facts, "serves": serves})


def _machine(target: Target, inventory: Inventory) -> Machine | None:
    return inventory.machine(target.id if target.type == "instance" else target.facts.get("instance"))


def passing(answers: Mapping[str, Answer]) -> set[str] | None:
    """The machines that pass both checks, None if these were not asked for."""
    parts = [answer for key, answer in answers.items() if key.startswith(_OPERATION)]
    if not parts:
        return None
    return {
        status["InstanceId"]
        for answer in parts
        for status in answer.items
        if all((status.get(check) or {}).get("Status") == "ok" for check in ("InstanceStatus", "SystemStatus"))
    }
