"""Global Accelerator: accelerators, listeners and endpoint groups carry the clusters of their endpoints in this region.

Its API is in one region only: https://docs.aws.amazon.com/general/latest/gr/global_accelerator.html
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from guardrails.resolve.inventory import ADDRESSES
from guardrails.resolve.resources.resolver import Answers, Context, Resolver, merged, named
from guardrails.values import Call, Lookup, Target, TargetRef

_REGION = "us-west-2"


def _listeners(accelerator: str) -> Lookup:
    return Lookup(
        "globalaccelerator",
        "ListListeners",
        "Listeners",
        {"AcceleratorArn": accelerator},
        ("AcceleratorNotFoundException",),
        _REGION,
    )


def _groups(listener: str) -> Lookup:
    return Lookup(
        "globalaccelerator",
        "ListEndpointGroups",
        "EndpointGroups",
        {"ListenerArn": listener},
        ("ListenerNotFoundException",),
        _REGION,
    )


def _group(group: str) -> Lookup:
    return Lookup(
        "globalaccelerator",
        "DescribeEndpointGroup",
        "EndpointGroup",
        {"EndpointGroupArn": group},
        ("EndpointGroupNotFoundException",),
        _REGION,
    )


def _target(ref: TargetRef, kind: str, groups: Iterable[Mapping[str, Any]], context: Context) -> Target:
    endpoints = {end["EndpointId"] for group in groups for end in group.get("EndpointDescriptions") or []}
    inventory = context.inventory
    holders = [a.get("InstanceId") for a in inventory.addresses if a.get("AllocationId") in endpoints]
    clusters = merged(
        *(inventory.clusters_on("instance", name) for name in (*endpoints, *holders)),
        *(inventory.clusters_on("subnet", name) for name in endpoints),
    )
    # Load balancers and what is in other regions cannot be followed from here.
    facts = {"endpoints": sorted(endpoints)} | ({} if clusters or not endpoints else {"traced": False})
    return Target(ref.id, kind, ref.role, resolved=True, clusters=clusters, facts=facts)


def _accelerator_lookups(call: Call, _tag: str) -> tuple[Lookup, ...]:
    return (*(_listeners(name) for name in named(call, "accelerator")), ADDRESSES)


def _accelerator_followups(call: Call, answers: Answers) -> tuple[Lookup, ...]:
    found = (answers[_listeners(name).key()].items for name in named(call, "accelerator"))
    return tuple(_groups(item["ListenerArn"]) for items in found for item in items)


def _accelerator(ref: TargetRef, context: Context) -> Target:
    listeners = [item["ListenerArn"] for item in context.items(_listeners(ref.id))]
    groups = [group for listener in listeners for group in context.items(_groups(listener))]
    return _target(ref, "accelerator", groups, context)


def _listener_lookups(call: Call, _tag: str) -> tuple[Lookup, ...]:
    return (*(_groups(name) for name in named(call, "ga-listener")), ADDRESSES)


def _endpoint_group_lookups(call: Call, _tag: str) -> tuple[Lookup, ...]:
    return (*(_group(name) for name in named(call, "endpoint-group")), ADDRESSES)


RESOLVERS = {
    "accelerator": Resolver(_accelerator_lookups, _accelerator, _accelerator_followups),
    "ga-listener": Resolver(_listener_lookups, lambda r, c: _target(r, "ga-listener", c.items(_groups(r.id)), c)),
    "endpoint-group": Resolver(
        _endpoint_group_lookups, lambda r, c: _target(r, "endpoint-group", c.items(_group(r.id)), c)
    ),
}
