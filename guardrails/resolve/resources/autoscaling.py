"""Auto Scaling groups: the clusters of their machines, and the cluster they tag new machines with."""

from __future__ import annotations

from guardrails.resolve.inventory import Inventory
from guardrails.resolve.resources import machines
from guardrails.resolve.resources.resolver import Context, Item, Resolver, named, tags_of, unknown
from guardrails.values import Call, Lookup, Target, TargetRef

GROUPS = Lookup("autoscaling", "DescribeAutoScalingGroups", "AutoScalingGroups")
# DescribeAutoScalingGroups takes this many names; for more, all groups are read.
_NAMES = 50


def _lookup(call: Call) -> Lookup:
    # It takes no ARNs, which end in a name that may have slashes.
    names = sorted({name.rpartition(":autoScalingGroupName/")[2] for name in named(call, "asg")})
    # An empty list of names means all groups, so it is never sent.
    return GROUPS.about(AutoScalingGroupNames=names) if 0 < len(names) <= _NAMES else GROUPS


def _group(ref: TargetRef, context: Context) -> Target:
    for group in context.items(_lookup(context.call)):
        if ref.id in (group["AutoScalingGroupName"], group.get("AutoScalingGroupARN")):
            return group_target(ref, group, context)
    return unknown(ref, "asg")


def group_target(ref: TargetRef, group: Item, context: Context) -> Target:
    """A group, by its description."""
    inventory, tags = context.inventory, tags_of(group)
    ids = [member["InstanceId"] for member in group.get("Instances") or []]
    members = [*filter(None, map(inventory.machine, ids))]
    return Target(
        ref.id,
        "asg",
        ref.role,
        resolved=True,
        clusters=clusters_of_group(group, inventory),
        tags=tags,
        state=group.get("Status"),
        protections={
            "scale_in": bool(group.get("NewInstancesProtectedFromScaleIn")),
            "deletion": group.get("DeletionProtection"),
            "suspended": sorted(process["ProcessName"] for process in group.get("SuspendedProcesses") or []),
        },
        facts={
            "desired": group.get("DesiredCapacity"),
            "min": group.get("MinSize"),
            "max": group.get("MaxSize"),
            "subnets": [subnet for subnet in str(group.get("VPCZoneIdentifier") or "").split(",") if subnet],
            **machines.facts_of(members),
        },
    )


def clusters_of_group(group: Item, inventory: Inventory) -> tuple[str, ...]:
    """The clusters of its machines, and the one that its own tag names; else the one that it is."""
    members = (inventory.cluster_of(member.get("InstanceId")) for member in group.get("Instances") or [])
    return inventory.carried(_passed_on(group), members)


def _passed_on(group: Item) -> dict[str, str]:
    """The tags that its machines get: the group's own, and AWS's."""
    return {**tags_of(group), "aws:autoscaling:groupName": str(group.get("AutoScalingGroupName") or "")}


def _new(ref: TargetRef, context: Context) -> Target:
    """A group that is created: its machines get the cluster tag of the call, where that propagates."""
    passed_on = [each for each in context.call.params.get("Tags") or [] if each.get("PropagateAtLaunch") is not False]
    clusters = context.inventory.carried(_passed_on({**context.call.params, "Tags": passed_on}))
    return Target(ref.id, "asg", ref.role, resolved=True, clusters=clusters)


RESOLVERS = {
    "asg": Resolver(_group, (GROUPS,), lambda call, _keys: (_lookup(call),)),
    "new-asg": Resolver(_new),
}
