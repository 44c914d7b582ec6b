"""EC2's token buckets, per account and region: how many tokens they hold and how many come back each second.

https://docs.aws.amazon.com/ec2/latest/devguide/ec2-api-throttling.html. Services without documented figures are not
paced.
"""

from __future__ import annotations

from collections.abc import Mapping

from attrs import frozen

from guardrails.values import Call


@frozen
class Limit:
    """A bucket of `size` tokens to which `rate` tokens a second come back."""

    name: str
    size: float
    rate: float


# One token a call. What is not listed is a mutating action, whose buckets hold 50 and get back 5.
_REQUESTS: Mapping[str, tuple[float, float]] = {
    "RunInstances": (5, 2),
    "StartInstances": (5, 2),
    "TerminateInstances": (100, 5),
    "CreateTags": (100, 10),
    "DeleteTags": (100, 10),
    "AssignPrivateIpAddresses": (100, 5),
    "UnassignPrivateIpAddresses": (100, 5),
    "CreateNatGateway": (10, 1),
}
_MUTATING = (50, 5)
# One token a machine.
_MACHINES: Mapping[str, tuple[float, float]] = {
    "RunInstances": (1000, 2),
    "StartInstances": (1000, 2),
    "TerminateInstances": (1000, 20),
    "StopInstances": (1000, 20),
}
LAUNCH = Limit("RunInstances machines", *_MACHINES["RunInstances"])


def tokens(call: Call) -> list[tuple[Limit, int]]:
    """The buckets that a call takes tokens from, and how many from each; none outside EC2."""
    if call.service != "ec2":
        return []
    found = [(Limit(f"{call.operation} requests", *_REQUESTS.get(call.operation, _MUTATING)), 1)]
    if call.operation in _MACHINES:
        found.append((Limit(f"{call.operation} machines", *_MACHINES[call.operation]), _machines(call)))
    return found


def _machines(call: Call) -> int:
    if call.operation == "RunInstances":
        size = call.params.get("MaxCount")
        return size if isinstance(size, int) else 1
    return len(call.params.get("InstanceIds") or ())
