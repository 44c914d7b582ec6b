"""How the ARNs of each kind of resource look, and which ARN a call means.

Names are unique only within their kind, and often only within a parent, such as a container cluster or an event bus.
"""

from __future__ import annotations

from collections.abc import Iterable

from guardrails.resolve.resources.resolver import Item, last_part
from guardrails.values import Call, frozen

_DEFAULT_PARENT = "default"


@frozen
class Kind:
    """How ARNs of a kind look: the tagging API's name for the service, and what stands before the name.

    Names are unique only within the cluster or bus that `parent` names, a parameter of the call, or else the default.
    """

    service: str
    prefix: str
    parent: str = ""


KINDS = {
    **{
        kind: Kind("rds", f"{prefix}:")
        for kind, prefix in {
            "db-instance": "db",
            "db-cluster": "cluster",
            "db-snapshot": "snapshot",
            "db-cluster-snapshot": "cluster-snapshot",
            "db-proxy": "db-proxy",
            "db-proxy-endpoint": "db-proxy-endpoint",
            "db-cluster-endpoint": "cluster-endpoint",
            "db-shard-group": "shard-group",
            "db-bluegreen": "deployment",
            "db-subnet-group": "subgrp",
            "db-parameter-group": "pg",
            "db-cluster-parameter-group": "cluster-pg",
            "db-option-group": "og",
            "db-security-group": "secgrp",
            "db-automated-backup": "auto-backup",
            "global-cluster": "global-cluster",
        }.items()
    },
    **{
        kind: Kind("elasticache", f"{prefix}:")
        for kind, prefix in {
            "cache-cluster": "cluster",
            "cache-replication-group": "replicationgroup",
            "cache-global-replication-group": "globalreplicationgroup",
            "cache-snapshot": "snapshot",
            "cache-subnet-group": "subnetgroup",
            "cache-parameter-group": "parametergroup",
            "cache-user": "user",
            "cache-user-group": "usergroup",
            "serverless-cache": "serverlesscache",
        }.items()
    },
    "dynamodb-table": Kind("dynamodb", "table/"),
    "dynamodb-global-table": Kind("dynamodb", "table/"),
    "efs": Kind("elasticfilesystem", "file-system/"),
    "efs-access-point": Kind("elasticfilesystem", "access-point/"),
    "efs-mount-target": Kind("elasticfilesystem", "mount-target/"),
    "s3-bucket": Kind("s3", ""),
    "ecs-cluster": Kind("ecs", "cluster/"),
    "ecs-service": Kind("ecs", "service/", "cluster"),
    "ecs-task": Kind("ecs", "task/", "cluster"),
    "ecs-task-definition": Kind("ecs", "task-definition/"),
    "ecs-capacity-provider": Kind("ecs", "capacity-provider/"),
    "ecs-daemon": Kind("ecs", "daemon/"),
    "ecs-gateway": Kind("ecs", "gateway/"),
    "ecs-service-deployment": Kind("ecs", "service-deployment/"),
    "eb-application": Kind("elasticbeanstalk", "application/"),
    "alarm": Kind("cloudwatch", "alarm:"),
    "event-rule": Kind("events", "rule/", "EventBusName"),
    "event-bus": Kind("events", "event-bus/"),
    "kms-key": Kind("kms", "key/"),
}


def service_of(name: str) -> str:
    """The service of an ARN; "" for anything else."""
    return name.split(":")[2] if name.startswith("arn:") and name.count(":") >= 5 else ""


def resource_of(arn: str) -> str:
    """What stands behind the account in an ARN; anything else unchanged."""
    return arn.split(":", 5)[-1]


def kind_of(arn: str) -> str:
    """The kind of the catalogue that an ARN is of; "" for others."""
    services = {"monitoring": "cloudwatch"}
    service, resource = service_of(arn), resource_of(arn)
    for kind, row in KINDS.items():
        if row.service == services.get(service, service) and resource.startswith(row.prefix):
            return kind
    return ""


def parent_of(name: str, row: Kind, call: Call) -> str:
    """The cluster or bus that a name is in: as its ARN says, else as the call says."""
    if name.startswith("arn:"):
        _, *parents, _ = resource_of(name).split("/")
        return parents[0] if parents else _DEFAULT_PARENT
    return last_part(str(call.params.get(row.parent) or _DEFAULT_PARENT))


def _means(name: str, row: Kind, arn: str, call: Call) -> bool:
    """Whether a call means the resource of this ARN: by the whole ARN, or by its name within its parent."""
    if name.startswith("arn:"):
        return name == arn
    resource = resource_of(arn)
    if not resource.startswith(row.prefix):
        return False
    rest = resource.removeprefix(row.prefix)
    if not row.parent:
        return rest == name
    parent, _, last = rest.rpartition("/")
    # ECS's ARNs of before 2018 name no cluster, so they may be in any; a rule's without a bus is on the default one.
    parents = {parent} if parent else {_DEFAULT_PARENT} if row.service == "events" else {parent_of(name, row, call)}
    return last == name and parent_of(name, row, call) in parents


def same(kind: str, name: str, items: Iterable[Item], call: Call) -> list[Item]:
    """The tagged items that a call means; where none has that spelling, one that differs only in case.

    RDS, ElastiCache and others fold it (https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_DBInstance.html).
    """
    row, items = KINDS.get(kind, Kind("", "")), [*items]
    exact = [item for item in items if _means(name, row, item["ResourceARN"], call)]
    return exact or [item for item in items if _means(name.lower(), row, item["ResourceARN"].lower(), call)]
