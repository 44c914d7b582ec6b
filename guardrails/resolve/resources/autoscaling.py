"""Auto Scaling groups: the clusters of their machines, plus the cluster they tag new machines with."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from guardrails.resolve.resources.ec2_instances import machine_facts
from guardrails.resolve.resources.resolver import Context, Resolver, merged, tags_of, unknown
from guardrails.values import Call, Lookup, Target, TargetRef

# DescribeAutoScalingGroups takes this many names; beyond, all groups are read.
_NAMES = 50


def _lookup(call: Call) -> Lookup:
    names = sorted({target.id for target in call.targets if target.type == "asg"})
    # An empty list of names means all groups, so it is never sent.
    params: Mapping[str, Any] = {"AutoScalingGroupNames": names} if 0 < len(names) <= _NAMES else {}
    return Lookup("autoscaling", "DescribeAutoScalingGroups", "AutoScalingGroups", params)


def _group(ref: TargetRef, context: Context) -> Target:
    for group in context.items(_lookup(context.call)):
        if ref.id in (group["AutoScalingGroupName"], group.get("AutoScalingGroupARN")):
            return _target(ref, group, context)
    return unknown(ref, "asg")


def _target(ref: TargetRef, group: Mapping[str, Any], context: Context) -> Target:
    inventory = context.inventory
    tags = tags_of(group)
    ids = [member["InstanceId"] for member in group.get("Instances") or []]
    machines = [inventory.machines[machine_id] for machine_id in ids if machine_id in inventory.machines]
    return Target(
        ref.id,
        "asg",
        ref.role,
        resolved=True,
        clusters=merged((machine.cluster for machine in machines), [tags.get(inventory.cluster_tag)]),
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
            **machine_facts(machines),
        },
    )


RESOLVERS = {"asg": Resolver(lambda call, _tag: (_lookup(call),), _group)}
