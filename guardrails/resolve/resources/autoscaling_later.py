"""Whether a schedule or a scaling policy makes an Auto Scaling group smaller, now or later.

https://docs.aws.amazon.com/autoscaling/ec2/APIReference/API_PutScheduledUpdateGroupAction.html
https://docs.aws.amazon.com/autoscaling/ec2/APIReference/API_PutScalingPolicy.html
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from guardrails.resolve.resources.autoscaling import GROUPS, group_target
from guardrails.resolve.resources.resolver import Context, Item, Resolver, judged, named, unknown
from guardrails.values import Call, Lookup, Target, TargetRef

_POLICIES = Lookup("autoscaling", "DescribePolicies", "ScalingPolicies")
_GROUP_IN_ARN = "autoScalingGroupName/"
_POLICY_IN_ARN = ":policyName/"
Harm = Callable[[TargetRef, Item, Context], str | None]


def _group_name(name: str) -> str:
    """The group of a policy's ARN (``…:autoScalingGroupName/GROUP:policyName/NAME``); a group's name as it is."""
    if _GROUP_IN_ARN not in name:
        return name
    return name.partition(_GROUP_IN_ARN)[2].partition(_POLICY_IN_ARN)[0]


def _groups(call: Call) -> Lookup:
    return GROUPS.about(AutoScalingGroupNames=sorted({_group_name(name) for name in named(call, *RESOLVERS)}))


def _policies(call: Call) -> Iterable[Lookup]:
    return [
        _POLICIES.about(AutoScalingGroupName=_group_name(name))
        for name in named(call, "asg-policy")
        if _group_name(name)
    ]


def _resolver(harm: Harm, spared: str) -> Callable[[TargetRef, Context], Target]:
    def resolve(ref: TargetRef, context: Context) -> Target:
        name = _group_name(ref.id)
        groups = [group for group in context.items(_groups(context.call)) if group["AutoScalingGroupName"] == name]
        if not groups:
            return unknown(ref, "asg")
        return judged(group_target(ref, groups[0], context), harm(ref, groups[0], context), spared)

    return resolve


def _sizes(call: Call) -> Mapping[str, Any]:
    """The parameters of the call, or of the one that a schedule of EventBridge Scheduler makes."""
    target = call.clear_params.get("Target")
    sizes: Mapping[str, Any] = json.loads(target["Input"]) if target else call.params
    return {name[:1].upper() + name[1:]: value for name, value in sizes.items()}


def _schedule(_ref: TargetRef, group: Item, context: Context) -> str | None:
    """A scheduled size below the present one, or a minimum below the present one: policies are held by it."""
    desired, least, params = group["DesiredCapacity"], group["MinSize"], _sizes(context.call)
    for action in params.get("ScheduledUpdateGroupActions") or [params]:
        for size in ("DesiredCapacity", "MaxSize"):
            if isinstance(action.get(size), int) and action[size] < desired:
                return f"It schedules a {size} of {action[size]}, and the group has {desired}"
        if isinstance(action.get("MinSize"), int) and action["MinSize"] < least:
            return f"It schedules a MinSize of {action['MinSize']}, and the group has {least}"
    return None


def _policy(ref: TargetRef, group: Item, context: Context) -> str | None:
    """A policy that is executed now, or that is written and may be executed by an alarm at any time."""
    params = context.call.params
    policies = [item for lookup in _policies(context.call) for item in context.items(lookup)]
    # An alarm names the policy by its ARN.
    name = (ref.id if _POLICY_IN_ARN in ref.id else str(params.get("PolicyName"))).rpartition(_POLICY_IN_ARN)[2]
    present = next((policy for policy in policies if policy["PolicyName"] == name), None)
    if context.call.operation == "PutScalingPolicy":
        if present and all(present.get(key) == value for key, value in params.items()):
            return None
        return shrinks(params, group["MinSize"], group["DesiredCapacity"])
    if present is None:
        return f"The group has no scaling policy {name}, and what another one does is unknown"
    return shrinks(present, group["MinSize"], group["DesiredCapacity"])


def shrinks(policy: Mapping[str, Any], least: int, size: int) -> str | None:
    """How a policy makes a group smaller than `size`, None where it cannot: `least` is the group's minimum."""
    if least >= size:
        return None
    kind = policy.get("PolicyType") or "SimpleScaling"
    if kind == "PredictiveScaling":  # it only adds machines
        return None
    if kind == "TargetTrackingScaling":
        tracking = policy.get("TargetTrackingConfiguration") or {}
        return (
            None if tracking.get("DisableScaleIn") is True else "The policy takes machines away while the load is low"
        )
    steps = policy.get("StepAdjustments") or []
    changes = [policy.get("ScalingAdjustment"), *(step.get("ScalingAdjustment") for step in steps)]
    exact = policy.get("AdjustmentType") == "ExactCapacity"
    for change in changes:
        if isinstance(change, int) and change < (size if exact else 0):
            return (
                f"The policy sets {change} machines of {size}" if exact else f"The policy changes the size by {change}"
            )
    return None


RESOLVERS = {
    "asg-schedule": Resolver(
        _resolver(_schedule, "the schedule keeps every machine that the group has"),
        (GROUPS,),
        lambda call, _keys: (_groups(call),),
    ),
    "asg-policy": Resolver(
        _resolver(_policy, "the policy takes no machine away"),
        (GROUPS, _POLICIES),
        lambda call, _keys: (_groups(call), *_policies(call)),
    ),
}
