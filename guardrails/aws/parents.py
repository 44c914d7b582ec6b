"""Names that are unique only within something else: a service within its ECS cluster, a record within its zone.

Others are unique only among their kind: a database and a database cluster may have the same name.

https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonelasticcontainerservice.html
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

# The parameter that names the parent, by type of resource, and by what stands for the type in ARNs.
_PARAMETERS = {"dns-record": "HostedZoneId", "ecs-service": "cluster", "ecs-task": "cluster",
               "event-rule": "EventBusName"}  # fmt: skip
# Types whose names in calls begin with the parent: ``CLUSTER/GROUP``, ``service/CLUSTER/SERVICE``.
_WHOLE = ("eks-nodegroup", "scalable-target")
_IN_ARNS = {("ecs", "service"), ("ecs", "task"), ("events", "rule")}
_DEFAULT = "default"
# How the names of parameters end that say what a call is about.
_NAMING = ("arn", "id", "identifier", "name")
# What stands before the name in ARNs, by type, where one service has several kinds of names.
_KINDS = {
    "db-instance": ("rds", "db"),
    "db-cluster": ("rds", "cluster"),
    "db-shard-group": ("rds", "shard-group"),
    "global-cluster": ("rds", "global-cluster"),
    "cache-cluster": ("elasticache", "cluster"),
    "cache-replication-group": ("elasticache", "replicationgroup"),
    "cache-global-replication-group": ("elasticache", "globalreplicationgroup"),
    "serverless-cache": ("elasticache", "serverlesscache"),
    "ecs-cluster": ("ecs", "cluster"),
    "eb-application": ("elasticbeanstalk", "application"),
    "event-bus": ("events", "event-bus"),
    "iam-role": ("iam", "role"),
    "asg": ("autoscaling", "autoScalingGroup"),
}


def within(kind: str, name: str, params: Mapping[str, Any]) -> str:
    """``PARENT/NAME`` for a name or ARN of a type that has a parent, in the account's default one where none is named.

    ``KIND:NAME`` for a type that may share names with another of its service, else the last part of the name.
    """
    if kind in ("tagged", "cfn-resource"):
        # Of any service, so the names around it belong to its own: the stage "prod" of an API, the alias of a function.
        return name.split(":", 5)[-1] if name.startswith("arn:") else "/".join((*beside(name, params), name))
    last = name.replace("/", ":").rpartition(":")[2]
    if name.startswith("arn:") and name.count(":") >= 5:
        if name.split(":")[5] == "scalingPolicy":
            return name.split(":", 7)[-1]  # autoScalingGroupName/GROUP:policyName/NAME
        # Most ARNs have no slash: ``db:blue-db``.
        service, (resource, *path) = name.split(":")[2], name.split(":", 5)[5].split("/")
        if (service, resource) in _IN_ARNS:
            return f"{path[0] if len(path) > 1 else _DEFAULT}/{last}"
        word = resource.partition(":")[0]
        return f"{word}:{last}" if (service, word) in _KINDS.values() else last
    if kind in _WHOLE:
        return name
    if kind not in _PARAMETERS:
        return f"{_KINDS[kind][1]}:{last}" if kind in _KINDS else last
    parent = str(params.get(_PARAMETERS[kind]) or _DEFAULT).replace("/", ":").rpartition(":")[2]
    return f"{parent}/{last}"


def beside(name: str, params: Mapping[str, Any]) -> list[str]:
    """What else a call names a resource by, such as the API of a stage; what it lists are resources of their own."""
    if any(isinstance(value, list) and name in value for value in params.values()):
        return []
    naming = (value for key, value in sorted(params.items()) if key.lower().endswith(_NAMING))
    return [value for value in naming if isinstance(value, str) and value != name]
