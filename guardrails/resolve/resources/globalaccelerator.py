"""Global Accelerator: accelerators, listeners and endpoint groups carry the clusters of their endpoints in this region.

Its API is in one region only: https://docs.aws.amazon.com/general/latest/gr/global_accelerator.html
"""

from __future__ import annotations

from collections.abc import Iterable

from guardrails.resolve.inventory import ADDRESSES
from guardrails.resolve.resources.resolver import Answers, Context, Item, Lookups, Resolver, merged, named, one_each
from guardrails.values import Call, Lookup, Target, TargetFacts, TargetRef


def _lookup(operation: str, items: str, not_found: str) -> Lookup:
    return Lookup("globalaccelerator", operation, items, empty_on=(not_found,), region="us-west-2")


_LISTENERS = _lookup("ListListeners", "Listeners", "AcceleratorNotFoundException")
_GROUPS = _lookup("ListEndpointGroups", "EndpointGroups", "ListenerNotFoundException")
_GROUP = _lookup("DescribeEndpointGroup", "EndpointGroup", "EndpointGroupNotFoundException")


def _target(ref: TargetRef, kind: str, groups: Iterable[Item], context: Context) -> Target:
    endpoints = {end["EndpointId"] for group in groups for end in group.get("EndpointDescriptions") or []}
    inventory = context.inventory
    holders = [a.get("InstanceId") for a in inventory.addresses if a.get("AllocationId") in endpoints]
    clusters = merged(
        *(inventory.clusters_on("instance", name) for name in (*endpoints, *holders)),
        *(inventory.clusters_on("subnet", name) for name in endpoints),
    )
    facts: TargetFacts = {"endpoints": sorted(endpoints)}
    if endpoints and not clusters:
        # Load balancers and endpoints in other regions cannot be followed from here.
        facts["traced"] = False
    return Target(ref.id, kind, ref.role, resolved=True, clusters=clusters, facts=facts)


def _accelerator_followups(call: Call, answers: Answers) -> tuple[Lookup, ...]:
    asked = [_LISTENERS.about(AcceleratorArn=name) for name in named(call, "accelerator")]
    listeners = [item for lookup in asked for item in answers[lookup.key()].items]
    return tuple(_GROUPS.about(ListenerArn=item["ListenerArn"]) for item in listeners)


def _accelerator(ref: TargetRef, context: Context) -> Target:
    listeners = context.items(_LISTENERS.about(AcceleratorArn=ref.id))
    lookups = [_GROUPS.about(ListenerArn=item["ListenerArn"]) for item in listeners]
    groups = [group for lookup in lookups for group in context.items(lookup)]
    return _target(ref, "accelerator", groups, context)


def _listener(ref: TargetRef, context: Context) -> Target:
    return _target(ref, "ga-listener", context.items(_GROUPS.about(ListenerArn=ref.id)), context)


def _endpoint_group(ref: TargetRef, context: Context) -> Target:
    return _target(ref, "endpoint-group", context.items(_GROUP.about(EndpointGroupArn=ref.id)), context)


def _and_addresses(lookups: Lookups) -> Lookups:
    return lambda call, tag: (*lookups(call, tag), ADDRESSES)


RESOLVERS = {
    "accelerator": Resolver(
        _accelerator,
        (_LISTENERS, _GROUPS, ADDRESSES),
        _and_addresses(one_each(_LISTENERS, "AcceleratorArn", "accelerator")),
        _accelerator_followups,
    ),
    "ga-listener": Resolver(
        _listener, (_GROUPS, ADDRESSES), _and_addresses(one_each(_GROUPS, "ListenerArn", "ga-listener"))
    ),
    "endpoint-group": Resolver(
        _endpoint_group, (_GROUP, ADDRESSES), _and_addresses(one_each(_GROUP, "EndpointGroupArn", "endpoint-group"))
    ),
}
