"""The kinds: functions that make legitimate calls and return their results."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

from attrs import frozen


@frozen
class Kind:
    """One kind of call.

    `inside` is False where it makes no sense without a wire. `raises` is the exception that it ends with, guard or no
    guard. `decisions` is how often the guard decides, `looks_up` which requests it adds, `warns` how often it warns.
    `unordered` is for kinds whose threads send in any order. `early` is a service whose client is made before the
    guard is installed.
    """

    name: str
    title: str
    protocol: str
    run: Callable[[Any], Any]
    inside: bool = True
    raises: str = ""
    decisions: int = 0
    looks_up: tuple[str, ...] = ()
    unordered: bool = False
    early: str = ""
    differs: str = ""
    warns: int = 0


# The look-ups for a call on machines, and those for a launch.
MACHINES = ("DescribeAddresses", "DescribeInstances", "DescribeTargetGroups")
# Whether routes lead to them is asked where they are taken away or stopped.
TAKEN = (*MACHINES, "DescribeRouteTables")
NETWORK = ("DescribeNatGateways", "DescribeNetworkInterfaces", "DescribeRouteTables", "DescribeSubnets")
# Whether each of two machines is protected, which is asked at once where a process takes a batch away first.
PROTECTED = ("DescribeInstanceAttribute",) * 2
LAUNCH = (*MACHINES, "DescribeSubnets", "DescribeAutoScalingGroups")
QUOTA = "ServiceQuotasV20190624.GetServiceQuota"
# Those after the first one ask for machines with the tag: an answer without them would not be believed.
TAGGED = ("ResourceGroupsTaggingAPI_20170126.GetResources",) * 3
MARKED = (*MACHINES, *TAGGED)

KINDS: dict[str, Kind] = {}
# Those of aiobotocore.
ASYNCHRONOUS: dict[str, Kind] = {}


def case(title: str, *, protocol: str, **how: Any) -> Callable[[Callable[[Any], Any]], Callable[[Any], Any]]:
    """Register a kind; `how` is as in Kind."""

    def register(function: Callable[[Any], Any]) -> Callable[[Any], Any]:
        name = function.__name__
        kinds = ASYNCHRONOUS if inspect.iscoroutinefunction(function) else KINDS
        if name in kinds:
            raise ValueError(f"two kinds are called {name}")
        kinds[name] = Kind(name, title, protocol, function, **how)
        return function

    return register
