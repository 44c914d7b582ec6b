"""AWS's rate limits: the token buckets of each account and region, their size and the tokens added each second.

https://docs.aws.amazon.com/ec2/latest/devguide/ec2-api-throttling.html, and for what reads load balancers
https://docs.aws.amazon.com/elasticloadbalancing/latest/userguide/elb-api-throttling.html. Other services are not paced.
"""

from __future__ import annotations

from collections.abc import Mapping

from guardrails.memory.buckets import Bucket
from guardrails.values import Call

# One token a call. Mutating actions that are not listed have _MUTATING.
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
LAUNCH_LIMIT = Bucket("RunInstances machines", *_MACHINES["RunInstances"])
# Actions that only read, each with a bucket of its own; a smaller one for requests without a filter and without pages.
_READS = (100, 20)
_UNFILTERED = (50, 10)
# All actions of Elastic Load Balancing that only read share one bucket, in each of its two APIs.
BALANCERS = {name: Bucket(f"{name} look-ups", 40, 10) for name in ("elb", "elbv2")}


def tokens(call: Call) -> list[tuple[Bucket, int]]:
    """The buckets that a call takes tokens from, with the number of tokens; none outside EC2."""
    if call.service != "ec2":
        return []
    buckets = [(Bucket(f"{call.operation} requests", *_REQUESTS.get(call.operation, _MUTATING)), 1)]
    if call.operation in _MACHINES:
        buckets.append((Bucket(f"{call.operation} machines", *_MACHINES[call.operation]), _machines(call)))
    return buckets


def read(operation: str, *, narrowed: bool = False) -> Bucket:
    """The bucket of an EC2 action that only reads. `narrowed`: the request has a filter, or asks for a page."""
    if narrowed:
        return Bucket(f"{operation} requests", *_READS)
    return Bucket(f"{operation} requests without a filter", *_UNFILTERED)


def _machines(call: Call) -> int:
    if call.operation == "RunInstances":
        size = call.params.get("MaxCount")
        return size if isinstance(size, int) else 1
    return len(call.params.get("InstanceIds") or ())
