"""Whether the machines of each cluster pass EC2's status checks, for calls that move traffic to a machine."""

from __future__ import annotations

from collections.abc import Mapping

from guardrails.resolve.inventory import Inventory
from guardrails.values import Answer, Call, Lookup

STATUS = Lookup("ec2", "DescribeInstanceStatus", "InstanceStatuses")


def lookups(call: Call) -> tuple[Lookup, ...]:
    """The status checks, if the call moves a public address or the users of a load balancer to some machines."""
    moves = any(target.type == "address" for target in call.targets)
    onto = any(target.role == "destination" and target.type in ("instance", "eni") for target in call.targets)
    return (STATUS,) if (moves and onto) or "admit" in call.effects else ()


def by_cluster(answers: Mapping[str, Answer], inventory: Inventory) -> dict[str, bool]:
    """Whether all running machines of a cluster pass both checks now ("initializing" is not a pass), by cluster.

    Empty if the checks were not asked for.
    """
    answer = answers.get(STATUS.key())
    if answer is None:
        return {}
    passing = {
        status["InstanceId"]
        for status in answer.items
        if all((status.get(check) or {}).get("Status") == "ok" for check in ("InstanceStatus", "SystemStatus"))
    }
    healthy = {}
    for name, members in inventory.members.items():
        running = [machine.id for machine in members if machine.state == "running"]
        healthy[name] = bool(running) and passing.issuperset(running)
    return healthy
