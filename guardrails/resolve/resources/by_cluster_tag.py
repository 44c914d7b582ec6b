"""Resources of any service, by the cluster tag that they carry: one look-up through the Resource Groups Tagging API.

Databases, buckets, queues, keys and the like are not tied to machines; the tag says which cluster they belong to. What
is not tagged cannot be traced, and policies decide about it.
"""

from __future__ import annotations

from collections.abc import Iterable

from attrs import evolve

from guardrails.aws.cloudformation import service_of, table
from guardrails.resolve.resources.resolver import Context, Item, Resolver, last_part, merged, named, tags_of, unknown
from guardrails.values import Call, Lookup, Target, TargetFacts, TargetRef

TAGGED = Lookup("resourcegroupstaggingapi", "GetResources", "ResourceTagMappingList")
# Types of the catalogue, by the tagging API's name for their service.
_SERVICES = {
    "rds": """db-proxy db-proxy-endpoint db-cluster-endpoint db-shard-group db-bluegreen db-subnet-group
        db-parameter-group db-cluster-parameter-group db-option-group db-security-group db-automated-backup
        global-cluster""",
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
# Names are unique only within the cluster or bus that this parameter names, or the default one (ECS and EventBridge API
# references).
_PARENTS = {
    "ecs-service": ("cluster", "default"),
    "ecs-task": ("cluster", "default"),
    "event-rule": ("EventBusName", "default"),
}
# CloudFormation's services whose ARNs have another name, in lower case; those of the table are named above.
_TAGGING_NAMES = {
    "AWS::CertificateManager": "acm",
    "AWS::Cognito": "cognito-idp",
    "AWS::EFS": "elasticfilesystem",
    "AWS::Elasticsearch": "es",
    "AWS::ElasticLoadBalancingV2": "elasticloadbalancing",
    "AWS::KinesisFirehose": "firehose",
    "AWS::MSK": "kafka",
    "AWS::OpenSearchService": "es",
    "AWS::StepFunctions": "states",
}
# Of any service: the ARN says which.
_ANY = "marked"
# Of the call's own service, whatever the call names it by: one without the tag belongs to no cluster.
_OF_CALL = "tagged"


def tagged_with(cluster_tag: str, services: Iterable[str] = ()) -> Lookup:
    """Everything with the cluster tag, of these services or of all."""
    filters = {"ResourceTypeFilters": [*services]} if services else {}
    return TAGGED.about(TagFilters=[{"Key": cluster_tag}], **filters)


def _sample(cluster_tag: str) -> Lookup:
    """Some machines with the cluster tag, if there are any."""
    return evolve(tagged_with(cluster_tag, ["ec2:instance"]), sample=True)


def _believable(context: Context) -> bool:
    """Whether an answer without the resource means that it has no tag: one of the tagged machines is shown, too."""
    inventory = context.inventory
    tagged = {machine.id for members in inventory.members.values() for machine in members if machine.present}
    shown = {last_part(item["ResourceARN"]) for item in context.items(_sample(inventory.cluster_tag))}
    return not tagged or not tagged.isdisjoint(shown)


def _of_any_service(cluster_tag: str) -> Lookup:
    # Of any service: without the permission for it, what hurts no machine is left alone.
    return evolve(tagged_with(cluster_tag), optional=True)


def _service(name: str) -> str:
    """The service of an ARN; "" for anything else."""
    return name.split(":")[2] if name.startswith("arn:") and name.count(":") >= 5 else ""


def _same(kind: str, name: str, lookup: Lookup, context: Context) -> tuple[Item, ...]:
    """The items that a call means: by the whole ARN where it gives one, else by name within its parent."""
    exact = context.named(lookup, "ResourceARN", name) if name.startswith("arn:") else ()
    if exact:
        return exact
    items = context.named(lookup, "ResourceARN", last_part(name))
    if kind not in _PARENTS:
        return items
    parameter, default = _PARENTS[kind]
    parent = last_part(str(context.call.params.get(parameter) or default))
    return tuple(item for item in items if _parent(item["ResourceARN"], default) in (parent, None))


def _parent(arn: str, default: str) -> str | None:
    """The cluster of ``service/CLUSTER/NAME``, the bus of ``rule/BUS/NAME``; None where the ARN does not say it."""
    _, *parents, _ = arn.split(":", 5)[5].split("/")
    if parents:
        return parents[0]
    # ECS's ARNs of before 2018 name no cluster; a rule's without a bus is on the default one.
    return default if ":events:" in arn else None


def _resolver(kind: str) -> Resolver:
    def lookup(call: Call, cluster_tag: str) -> Lookup:
        if kind != _ANY:
            return tagged_with(cluster_tag, [_SERVICE_OF[kind]])
        return tagged_with(cluster_tag, sorted({_service(name) for name in named(call, _ANY)} - {""}))

    def resolve(ref: TargetRef, context: Context) -> Target:
        tag = context.inventory.cluster_tag
        items = _same(kind, ref.id, lookup(context.call, tag), context)
        if not items and not _believable(context):
            return unknown(ref, kind)
        if not items:
            return Target(ref.id, kind, ref.role, resolved=True, facts={"traced": False, "marked": False})
        tags = tags_of(items[0])
        clusters = merged(tags_of(item).get(tag) for item in items)
        return Target(ref.id, kind, ref.role, resolved=True, clusters=clusters, tags=tags, facts={"marked": True})

    return Resolver(resolve, (TAGGED,), lambda call, tag: (lookup(call, tag), _sample(tag)))


def _of_call(ref: TargetRef, context: Context) -> Target:
    tag = context.inventory.cluster_tag
    # Not only of this service: the tagging API's name for a service may differ from the one that signs its requests.
    lookup = tagged_with(tag)
    # A queue is named by its URL.
    items = context.named(lookup, "ResourceARN", ref.id) or context.named(
        lookup, "ResourceARN", ref.id.rpartition("/")[2]
    )
    by_arn, service = ref.id.startswith("arn:"), context.call.service
    same = [item for item in items if by_arn or _service(item["ResourceARN"]) == service]
    clusters = merged(tags_of(item).get(tag) for item in same)
    if not same and not _believable(context):
        return unknown(ref, _OF_CALL)
    return Target(ref.id, _OF_CALL, ref.role, resolved=True, clusters=clusters, facts={"marked": bool(same)})


def _resource(ref: TargetRef, context: Context) -> Target:
    """A resource of CloudFormation whose type says no more than its service."""
    kind = next(iter(ref.values), "")
    tag, service = context.inventory.cluster_tag, service_of(kind)
    # A queue is named by its URL.
    name = ref.id if ref.id.startswith("arn:") else ref.id.rpartition("/")[2]
    found = (
        context.named(_of_any_service(tag), "ResourceARN", name)
        if _of_any_service(tag).key() in context.answers
        else ()
    )
    wanted = _TAGGING_NAMES.get(service, service.rpartition("::")[2].lower())
    clusters = merged(tags_of(item).get(tag) for item in found if _service(item["ResourceARN"]) == wanted)
    facts: TargetFacts = {"marked": bool(clusters)}
    if not clusters:
        # Resources of other services hurt no machine, whatever happens to them.
        facts.update({"traced": False} if service in {"", *table().services} else {"unrelated": True})
    return Target(ref.id, ref.type, ref.role, resolved=True, clusters=clusters, facts=facts)


RESOLVERS = {
    "cfn-resource": Resolver(_resource, (TAGGED,), lambda _call, cluster_tag: (_of_any_service(cluster_tag),)),
    **{kind: _resolver(kind) for kind in (*_SERVICE_OF, _ANY)},
    _OF_CALL: Resolver(_of_call, (TAGGED,), lambda _call, tag: (tagged_with(tag), _sample(tag))),
}
