"""What the calls of Auto Scaling do to the world whose names do not say it all."""

from __future__ import annotations

from guardrails.planning.ec2_effects import state
from guardrails.planning.effects import Effect, Planned, register
from guardrails.planning.world import Change


@register(
    "autoscaling",
    "UpdateAutoScalingGroup",
    "SetDesiredCapacity",
    "AttachInstances",
    "DetachInstances",
    "EnterStandby",
    "ExitStandby",
)
def _group(planned: Planned) -> Effect:
    params = planned.params
    name, ids = str(params.get("AutoScalingGroupName")), {*(params.get("InstanceIds") or ())}
    operation, changes, other = planned.call.operation, [], False
    for each in planned.things("AutoScalingGroup", [name]):
        members = [dict(one) for one in each.get("Instances") or ()]
        after = dict(each)
        if operation in ("SetDesiredCapacity", "UpdateAutoScalingGroup"):
            after |= {key: value for key, value in params.items() if key in each}
            other = other or after.get("DesiredCapacity", 0) != len(members)
        elif operation == "DetachInstances":
            after["Instances"] = [one for one in members if one["InstanceId"] not in ids]
        elif operation in ("EnterStandby", "ExitStandby"):
            now = "Standby" if operation == "EnterStandby" else "InService"
            after["Instances"] = [
                {**one, "LifecycleState": now} if one["InstanceId"] in ids else one for one in members
            ]
        else:
            known = {one["InstanceId"] for one in members}
            new = [{"InstanceId": one, "LifecycleState": "InService", "HealthStatus": "Healthy"} for one in ids - known]
            after["Instances"] = [*members, *new]
        changes.append(planned.change("AutoScalingGroup", name, after))
    # Which machines a smaller group would end is AWS's choice, and a larger one starts some.
    unseen = (("ec2", "Instance"), ("autoscaling", "AutoScalingGroup")) if other else ()
    return Effect(tuple(changes), known=bool(changes), unseen=unseen)


@register("autoscaling", "TerminateInstanceInAutoScalingGroup")
def _in_group(planned: Planned) -> Effect:
    machines = planned.machines([str(planned.params.get("InstanceId"))])
    return Effect(
        tuple(
            Change("ec2", planned.place, "Instance", each["InstanceId"], {**each, "State": state("terminated")})
            for each in machines
        ),
        # The group may start another one.
        unseen=(("autoscaling", "AutoScalingGroup"),),
    )
