"""Whatever carries the cluster tag, of any service: one look-up through the Resource Groups Tagging API.

Data stores, queues, keys and the like hang on no machine; the tag says which cluster they are for. What is not marked
cannot be traced, and policy decides about it.
"""

from __future__ import annotations

from collections.abc import Mapping

from guardrails.resolve.resources.resolver import Context, Resolver, last_part, merged, named, tags_of
from guardrails.values import Call, Lookup, Target, TargetRef

# Types of the catalogue by the service whose resources they are, as the tagging API calls it.
_SERVICES = {
    "rds": """db-instance db-cluster db-snapshot db-cluster-snapshot db-proxy db-proxy-endpoint db-cluster-endpoint
        db-shard-group db-bluegreen db-subnet-group db-parameter-group db-cluster-parameter-group db-option-group
        db-security-group db-automated-backup global-cluster""",
    "dynamodb": "dynamodb-table dynamodb-global-table",
    "elasticache": """cache-cluster cache-replication-group cache-global-replication-group cache-snapshot
        cache-subnet-group cache-parameter-group cache-user cache-user-group serverless-cache""",
    "elasticfilesystem": "efs efs-access-point efs-mount-target",
    "s3": "s3-bucket",
    "ecs": """ecs-cluster ecs-service ecs-task ecs-task-definition ecs-capacity-provider ecs-daemon ecs-gateway
        ecs-service-deployment""",
    "elasticbeanstalk": "eb-application",
    "ec2": "snapshot vpn-connection customer-gateway",
    "cloudwatch": "alarm",
    "events": "event-rule event-bus",
}
_SERVICE_OF = {kind: service for service, kinds in _SERVICES.items() for kind in kinds.split()}
# Of any service: the ARN says which.
_ANY = "marked"
# Of the call's own service, by whatever name the call has for it: what is not marked is not a cluster's.
_TAIL = "tagged"


def _lookup(kind: str, call: Call, cluster_tag: str) -> Lookup:
    services = [_SERVICE_OF[kind]] if kind != _ANY else sorted({_service(name) for name in named(call, _ANY)} - {""})
    filters: Mapping[str, object] = {"ResourceTypeFilters": services} if services else {}
    return Lookup(
        "resourcegroupstaggingapi",
        "GetResources",
        "ResourceTagMappingList",
        {"TagFilters": [{"Key": cluster_tag}], **filters},
    )


def _tail_lookup(cluster_tag: str) -> Lookup:
    # All of them: what the tagging API calls a service is not always what its requests are signed with.
    return Lookup(
        "resourcegroupstaggingapi", "GetResources", "ResourceTagMappingList", {"TagFilters": [{"Key": cluster_tag}]}
    )


def _of_tail(ref: TargetRef, context: Context) -> Target:
    tag = context.inventory.cluster_tag
    index = context.index(_tail_lookup(tag), lambda item: (item["ResourceARN"], last_part(item["ResourceARN"])))
    # A queue is named by its URL.
    items = index.get(ref.id) or index.get(ref.id.rpartition("/")[2], ())
    by_arn, service = ref.id.startswith("arn:"), context.call.service
    same = [item for item in items if by_arn or _service(item["ResourceARN"]) == service]
    clusters = merged(tags_of(item).get(tag) for item in same)
    return Target(ref.id, _TAIL, ref.role, resolved=True, clusters=clusters, facts={"marked": bool(same)})


def _service(name: str) -> str:
    """The service of an ARN; "" for what is none."""
    return name.split(":")[2] if name.startswith("arn:") and name.count(":") >= 5 else ""


def _resolver(kind: str) -> Resolver:
    def lookups(call: Call, cluster_tag: str) -> tuple[Lookup, ...]:
        return (_lookup(kind, call, cluster_tag),)

    def resolve(ref: TargetRef, context: Context) -> Target:
        tag = context.inventory.cluster_tag
        index = context.index(_lookup(kind, context.call, tag), lambda item: (last_part(item["ResourceARN"]),))
        items = index.get(last_part(ref.id), ())
        if not items:
            return Target(ref.id, kind, ref.role, resolved=True, facts={"traced": False, "marked": False})
        tags = tags_of(items[0])
        clusters = merged(tags_of(item).get(tag) for item in items)
        return Target(ref.id, kind, ref.role, resolved=True, clusters=clusters, tags=tags, facts={"marked": True})

    return Resolver(lookups, resolve)


RESOLVERS = {
    **{kind: _resolver(kind) for kind in (*_SERVICE_OF, _ANY)},
    _TAIL: Resolver(lambda _call, cluster_tag: (_tail_lookup(cluster_tag),), _of_tail),
}
