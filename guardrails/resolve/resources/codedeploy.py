"""CodeDeploy: a deployment group carries the clusters of the machines that its tags and groups mean.

https://docs.aws.amazon.com/codedeploy/latest/APIReference/API_DeploymentGroupInfo.html
"""

from __future__ import annotations

from collections.abc import Iterable

from attrs import evolve

from guardrails.resolve.machine import Machine
from guardrails.resolve.resources import machines
from guardrails.resolve.resources.resolver import Answers, Context, Item, Part, Resolver, first_item, named, unknown
from guardrails.values import Call, Lookup, Target, TargetRef

_GROUP, _DEPLOYMENT = "codedeploy-group", "codedeploy-deployment"
_MISSING = (
    "DeploymentGroupDoesNotExistException",
    "ApplicationDoesNotExistException",
    "DeploymentDoesNotExistException",
)
_GET_GROUP = Lookup("codedeploy", "GetDeploymentGroup", "deploymentGroupInfo", empty_on=_MISSING)
_GET_DEPLOYMENT = Lookup("codedeploy", "GetDeployment", "deploymentInfo", empty_on=_MISSING)


def _about(call: Call, name: str) -> Lookup:
    return _GET_GROUP.about(applicationName=call.params.get("applicationName") or "", deploymentGroupName=name)


def _matches(machine: Machine, one: Item) -> bool:
    key, value = one.get("Key") or "", one.get("Value") or ""
    if one.get("Type") == "KEY_ONLY":
        return key in machine.tags
    if one.get("Type") == "VALUE_ONLY":
        return value in machine.tags.values()
    return machine.tags.get(key) == value


def _means(machine: Machine, group: Item) -> bool:
    """A tag of each list must fit, and any one of a list does."""
    lists = [group.get("ec2TagFilters"), *((group.get("ec2TagSet") or {}).get("ec2TagSetList") or ())]
    given = [each for each in lists if each]
    return bool(given) and all(any(_matches(machine, one) for one in each) for each in given)


def _group(ref: TargetRef, context: Context) -> Target:
    group = first_item(_about(context.call, ref.id), context.answers)
    if group is None or group.get("deploymentGroupName") != ref.id:
        return unknown(ref, _GROUP)
    meant: Iterable[Machine] = [each for each in context.inventory.machines.values() if _means(each, group)]
    return machines.target(ref, _GROUP, meant)


def _members(ref: TargetRef, call: Call, answers: Answers) -> tuple[Part, ...]:
    """The Auto Scaling groups and container services that it deploys to."""
    group = first_item(_about(call, ref.id), answers) or {}
    asgs = [str(each.get("name")) for each in group.get("autoScalingGroups") or ()]
    services = [(str(each.get("serviceName")), each.get("clusterName")) for each in group.get("ecsServices") or ()]
    return (
        *(Part(f"group {name}", (TargetRef(name, "asg"),)) for name in asgs),
        *(Part(f"service {name}", (TargetRef(name, "ecs-service"),), {"cluster": own}) for name, own in services),
    )


def _deployment(ref: TargetRef, context: Context) -> Target:
    deployment = first_item(_GET_DEPLOYMENT.about(deploymentId=ref.id), context.answers)
    return evolve(unknown(ref, _DEPLOYMENT), resolved=deployment is not None)


def _of_deployment(ref: TargetRef, _call: Call, answers: Answers) -> tuple[Part, ...]:
    deployment = first_item(_GET_DEPLOYMENT.about(deploymentId=ref.id), answers) or {}
    name = deployment.get("deploymentGroupName")
    where = {"applicationName": deployment.get("applicationName")}
    return (Part(f"deployment group {name}", (TargetRef(name, _GROUP),), where),) if name else ()


RESOLVERS = {
    _GROUP: Resolver(
        _group,
        (_GET_GROUP,),
        lambda call, _keys: tuple(_about(call, name) for name in named(call, _GROUP)),
        parts=_members,
    ),
    _DEPLOYMENT: Resolver(
        _deployment,
        (_GET_DEPLOYMENT, _GET_GROUP),
        lambda call, _keys: tuple(_GET_DEPLOYMENT.about(deploymentId=name) for name in named(call, _DEPLOYMENT)),
        parts=_of_deployment,
    ),
}
