"""Calls of one service that make, change or end things of another, which the plan does not know."""

from __future__ import annotations

from attrs import evolve

from guardrails.planning.effects import Effect, Planned, by_name, register

_MACHINES = (("ec2", "Instance"),)


@register(
    "cloudformation",
    *("CreateStack", "UpdateStack", "DeleteStack", "ExecuteChangeSet", "RollbackStack", "ContinueUpdateRollback"),
    *("CreateStackInstances", "UpdateStackInstances", "DeleteStackInstances", "UpdateStackSet", "CreateStackRefactor"),
)
def _stack(planned: Planned) -> Effect:
    """A template may have things of any service."""
    return evolve(by_name(planned), unseen=(("*", planned.call.service),))


@register("ec2", "CreateFleet", "ModifyFleet", "DeleteFleets", "RequestSpotFleet", "ModifySpotFleetRequest",
          "CancelSpotFleetRequests", "RequestSpotInstances", "RunScheduledInstances")  # fmt: skip
def _fleet(planned: Planned) -> Effect:
    return evolve(by_name(planned), unseen=_MACHINES)


@register("autoscaling", "CreateAutoScalingGroup", "DeleteAutoScalingGroup")
def _whole_group(planned: Planned) -> Effect:
    params = planned.params
    if planned.call.operation == "DeleteAutoScalingGroup":
        # Without ForceDelete AWS refuses to delete a group that has machines.
        return evolve(by_name(planned), unseen=_MACHINES if params.get("ForceDelete") else ())
    wanted = params.get("DesiredCapacity") or params.get("MinSize") or params.get("InstanceId")
    return evolve(by_name(planned), unseen=_MACHINES if wanted else ())


@register("autoscaling", "ExecutePolicy", "StartInstanceRefresh", "RollbackInstanceRefresh", "LaunchInstances")
def _in_a_group(_: Planned) -> Effect:
    return Effect(known=False, unseen=(*_MACHINES, ("autoscaling", "AutoScalingGroup")))
