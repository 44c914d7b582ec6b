"""Whether the machines that a run has started are running, and whether they pass their status checks."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from attrs import define, field

from guardrails.rebuild.reading import CannotRead, Item, Reader

# DescribeInstanceStatus takes no more ids.
_PAGE = 100
_DEAD = ("shutting-down", "terminated", "stopping", "stopped")


@define
class Watched:
    """When each new machine was first seen running and ready, in seconds since the epoch; and those that died."""

    reader: Reader
    running: dict[str, float] = field(factory=dict)
    ready: dict[str, float] = field(factory=dict)
    dead: dict[str, str] = field(factory=dict)

    def look(self, ids: Iterable[str], now: float) -> None:
        """Look at the machines that are not ready yet. Raises CannotRead."""
        left = [name for name in ids if name not in self.ready]
        for start in range(0, len(left), _PAGE):
            for status in self._statuses(left[start : start + _PAGE]):
                self._note(status, now)

    def _statuses(self, ids: Sequence[str]) -> list[Item]:
        return self.reader.all(
            "ec2", "describe_instance_status", "InstanceStatuses", InstanceIds=list(ids), IncludeAllInstances=True
        )

    def _note(self, status: Item, now: float) -> None:
        name, state = status["InstanceId"], (status.get("InstanceState") or {}).get("Name")
        if state in _DEAD:
            self.dead[name] = str(state)
        if state != "running":
            return
        self.running.setdefault(name, now)
        checks = [(status.get(each) or {}).get("Status") for each in ("InstanceStatus", "SystemStatus")]
        if checks == ["ok", "ok"]:
            self.ready.setdefault(name, now)


def in_service(reader: Reader, sizes: dict[str, int]) -> bool:
    """True where each Auto Scaling group has at least this many machines in service. Raises CannotRead."""
    if not sizes:
        return True
    groups = reader.all(
        "autoscaling", "describe_auto_scaling_groups", "AutoScalingGroups", AutoScalingGroupNames=sorted(sizes)
    )
    counts = {
        group["AutoScalingGroupName"]: sum(
            each.get("LifecycleState") == "InService" and each.get("HealthStatus") == "Healthy"
            for each in group.get("Instances") or ()
        )
        for group in groups
    }
    return all(counts.get(name, -1) >= size for name, size in sizes.items())


def growth(reader: Reader, params: Mapping[str, Any]) -> tuple[bool, dict[str, Any]]:
    """Whether a group has this size by now, and parameters that only make it larger. Raises CannotRead."""
    name, wanted = params["AutoScalingGroupName"], int(params["DesiredCapacity"])
    found = reader.all("autoscaling", "describe_auto_scaling_groups", "AutoScalingGroups", AutoScalingGroupNames=[name])
    if not found or "DesiredCapacity" not in found[0] or "MaxSize" not in found[0]:
        raise CannotRead("AWS does not show this Auto Scaling group; create it again, then plan again")
    # Others may have grown it since the plan was made.
    desired, largest = int(found[0]["DesiredCapacity"]), int(found[0]["MaxSize"])
    now = {"AutoScalingGroupName": name, "DesiredCapacity": max(wanted, desired)}
    return desired >= wanted, {**now, "MaxSize": wanted} if largest < wanted else now
