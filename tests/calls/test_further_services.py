"""Services of which only what can hurt a running cluster is judged: harmful beside innocent, counted at the server.

moto has few of these, and lists the tags of fewer: the tagging API's answer is canned where a test says nothing else.
"""

from __future__ import annotations

import json

import pytest

import guardrails
from guardrails.testing import SimulatedAWS
from tests.support import rest

pytestmark = pytest.mark.every(3)

LIVE, OTHER = "blue", "green"
UUID = "-2222-3333-4444-555555555555"


def arn(service: str, resource: str) -> str:
    return f"arn:aws:{service}:eu-west-1:123456789012:{resource}"


# What a call names {0}; the cluster's name is part of each ARN, and its tag says whose it is.
CALLS = [
    ("apigateway", "delete_rest_api", "apigateway", "/restapis/{0}", {"restApiId": "{0}"}, "traffic"),
    ("apigateway", "delete_stage", "apigateway", "/restapis/shop/stages/{0}",
     {"restApiId": "shop", "stageName": "{0}"}, "traffic"),
    ("apigateway", "delete_resource", "apigateway", "/restapis/{0}",
     {"restApiId": "{0}", "resourceId": "r"}, "traffic"),
    ("apigateway", "delete_method", "apigateway", "/restapis/{0}",
     {"restApiId": "{0}", "resourceId": "r", "httpMethod": "GET"}, "traffic"),
    ("apigateway", "delete_domain_name", "apigateway", "/domainnames/{0}", {"domainName": "{0}"}, "traffic"),
    ("apigateway", "delete_base_path_mapping", "apigateway", "/domainnames/{0}",
     {"domainName": "{0}", "basePath": "v1"}, "traffic"),
    ("apigateway", "update_base_path_mapping", "apigateway", "/domainnames/{0}",
     {"domainName": "{0}", "basePath": "v1",
      "patchOperations": [{"op": "replace", "path": "/restapiId", "value": "x"}]}, "traffic"),
    ("apigateway", "delete_vpc_link", "apigateway", "/vpclinks/{0}", {"vpcLinkId": "{0}"}, "traffic"),
    ("apigatewayv2", "delete_api", "apigateway", "/apis/{0}", {"ApiId": "{0}"}, "traffic"),
    ("apigatewayv2", "delete_stage", "apigateway", "/apis/shop/stages/{0}",
     {"ApiId": "shop", "StageName": "{0}"}, "traffic"),
    ("apigatewayv2", "delete_route", "apigateway", "/apis/{0}", {"ApiId": "{0}", "RouteId": "r"}, "traffic"),
    ("apigatewayv2", "delete_integration", "apigateway", "/apis/{0}",
     {"ApiId": "{0}", "IntegrationId": "i"}, "traffic"),
    ("apigatewayv2", "update_integration", "apigateway", "/apis/{0}",
     {"ApiId": "{0}", "IntegrationId": "i", "IntegrationUri": "http://x"}, "traffic"),
    ("apigatewayv2", "delete_api_mapping", "apigateway", "/domainnames/{0}",
     {"DomainName": "{0}", "ApiMappingId": "m"}, "traffic"),
    ("apigatewayv2", "update_api_mapping", "apigateway", "/domainnames/{0}",
     {"DomainName": "{0}", "ApiMappingId": "m", "ApiId": "x"}, "traffic"),
    ("apigatewayv2", "delete_domain_name", "apigateway", "/domainnames/{0}", {"DomainName": "{0}"}, "traffic"),
    ("apigatewayv2", "delete_routing_rule", "apigateway", "/domainnames/{0}",
     {"DomainName": "{0}", "RoutingRuleId": "r"}, "traffic"),
    ("apigatewayv2", "delete_vpc_link", "apigateway", "/vpclinks/{0}", {"VpcLinkId": "{0}"}, "traffic"),
    ("apprunner", "delete_service", "apprunner", "service/s/{0}", {"ServiceArn": "arn"}, "terminate"),
    ("apprunner", "pause_service", "apprunner", "service/s/{0}", {"ServiceArn": "arn"}, "stop"),
    ("apprunner", "disassociate_custom_domain", "apprunner", "service/s/{0}",
     {"ServiceArn": "arn", "DomainName": "example.org"}, "traffic"),
    ("appmesh", "delete_mesh", "appmesh", "mesh/{0}", {"meshName": "{0}"}, "traffic"),
    ("appmesh", "delete_route", "appmesh", "mesh/m/virtualRouter/r/route/{0}",
     {"meshName": "m", "virtualRouterName": "r", "routeName": "{0}"}, "traffic"),
    ("appmesh", "delete_virtual_node", "appmesh", "mesh/m/virtualNode/{0}",
     {"meshName": "m", "virtualNodeName": "{0}"}, "traffic"),
    ("appmesh", "delete_virtual_service", "appmesh", "mesh/m/virtualService/{0}",
     {"meshName": "m", "virtualServiceName": "{0}"}, "traffic"),
    ("appmesh", "delete_virtual_router", "appmesh", "mesh/m/virtualRouter/{0}",
     {"meshName": "m", "virtualRouterName": "{0}"}, "traffic"),
    ("appmesh", "delete_virtual_gateway", "appmesh", "mesh/m/virtualGateway/{0}",
     {"meshName": "m", "virtualGatewayName": "{0}"}, "traffic"),
    ("appmesh", "delete_gateway_route", "appmesh", "mesh/m/virtualGateway/g/gatewayRoute/{0}",
     {"meshName": "m", "virtualGatewayName": "g", "gatewayRouteName": "{0}"}, "traffic"),
    ("appmesh", "update_route", "appmesh", "mesh/m/virtualRouter/r/route/{0}",
     {"meshName": "m", "virtualRouterName": "r", "routeName": "{0}", "spec": {}}, "traffic"),
    ("appmesh", "update_gateway_route", "appmesh", "mesh/m/virtualGateway/g/gatewayRoute/{0}",
     {"meshName": "m", "virtualGatewayName": "g", "gatewayRouteName": "{0}", "spec": {}}, "traffic"),
    ("appmesh", "update_virtual_service", "appmesh", "mesh/m/virtualService/{0}",
     {"meshName": "m", "virtualServiceName": "{0}", "spec": {}}, "traffic"),
    ("appmesh", "update_virtual_node", "appmesh", "mesh/m/virtualNode/{0}",
     {"meshName": "m", "virtualNodeName": "{0}", "spec": {}}, "traffic"),
    ("backup", "delete_backup_plan", "backup", "backup-plan:{0}", {"BackupPlanId": "{0}"}, "protection"),
    ("backup", "delete_backup_selection", "backup", "backup-plan:{0}",
     {"BackupPlanId": "{0}", "SelectionId": "s"}, "protection"),
    ("backup", "delete_backup_vault", "backup", "backup-vault:{0}", {"BackupVaultName": "{0}"}, "storage"),
    ("backup", "delete_recovery_point", "backup", "recovery-point:{0}",
     {"BackupVaultName": "Default", "RecoveryPointArn": "arn"}, "storage"),
    ("backup", "update_recovery_point_lifecycle", "backup", "recovery-point:{0}",
     {"BackupVaultName": "Default", "RecoveryPointArn": "arn", "Lifecycle": {"DeleteAfterDays": 1}}, "storage"),
    ("batch", "delete_compute_environment", "batch", "compute-environment/{0}", {"computeEnvironment": "{0}"},
     "terminate"),
    ("batch", "delete_job_queue", "batch", "job-queue/{0}", {"jobQueue": "{0}"}, "traffic"),
    ("batch", "update_compute_environment", "batch", "compute-environment/{0}",
     {"computeEnvironment": "{0}", "state": "DISABLED"}, "stop"),
    ("batch", "update_compute_environment", "batch", "compute-environment/{0}",
     {"computeEnvironment": "{0}", "computeResources": {"maxvCpus": 0}}, "scale-in"),
    ("batch", "update_job_queue", "batch", "job-queue/{0}", {"jobQueue": "{0}", "state": "DISABLED"}, "traffic"),
    ("dax", "delete_cluster", "dax", "cache/{0}", {"ClusterName": "{0}"}, "storage"),
    ("dax", "reboot_node", "dax", "cache/{0}", {"ClusterName": "{0}", "NodeId": "n"}, "stop"),
    ("dax", "decrease_replication_factor", "dax", "cache/{0}",
     {"ClusterName": "{0}", "NewReplicationFactor": 1}, "scale-in"),
    ("dlm", "delete_lifecycle_policy", "dlm", "policy/{0}", {"PolicyId": "{0}"}, "protection"),
    ("dlm", "update_lifecycle_policy", "dlm", "policy/{0}", {"PolicyId": "{0}", "State": "DISABLED"}, "protection"),
    ("logs", "put_log_group_deletion_protection", "logs", "log-group:{0}",
     {"logGroupIdentifier": "{0}", "deletionProtectionEnabled": False}, "protection"),
    ("emr", "set_termination_protection", "elasticmapreduce", "cluster/{0}",
     {"JobFlowIds": ["{0}"], "TerminationProtected": False}, "protection"),
    ("emr", "terminate_job_flows", "elasticmapreduce", "cluster/{0}", {"JobFlowIds": ["{0}"]}, "terminate"),
    ("es", "delete_elasticsearch_domain", "es", "domain/{0}", {"DomainName": "{0}"}, "storage"),
    ("opensearch", "delete_domain", "es", "domain/{0}", {"DomainName": "{0}"}, "storage"),
    ("opensearch", "start_domain_maintenance", "es", "domain/{0}",
     {"DomainName": "{0}", "Action": "REBOOT_NODE"}, "stop"),
    ("fsx", "delete_file_system", "fsx", "file-system/fs-{0}", {"FileSystemId": "fs-{0}"}, "storage"),
    ("fsx", "delete_file_cache", "fsx", "file-cache/fc-{0}", {"FileCacheId": "fc-{0}"}, "storage"),
    ("fsx", "delete_volume", "fsx", "volume/fs-1/fsvol-{0}", {"VolumeId": "fsvol-{0}"}, "storage"),
    ("fsx", "delete_storage_virtual_machine", "fsx", "storage-virtual-machine/fs-1/svm-{0}",
     {"StorageVirtualMachineId": "svm-{0}"}, "storage"),
    ("fsx", "delete_backup", "fsx", "backup/backup-{0}", {"BackupId": "backup-{0}"}, "storage"),
    ("fsx", "disassociate_file_system_aliases", "fsx", "file-system/fs-{0}",
     {"FileSystemId": "fs-{0}", "Aliases": ["a.bc"]}, "traffic"),
    ("kafka", "delete_cluster", "kafka", "cluster/c/{0}", {"ClusterArn": "arn"}, "storage"),
    ("kafka", "delete_topic", "kafka", "cluster/c/{0}", {"ClusterArn": "arn", "TopicName": "t"}, "storage"),
    ("kafka", "reboot_broker", "kafka", "cluster/c/{0}", {"ClusterArn": "arn", "BrokerIds": ["1"]}, "stop"),
    ("kafka", "update_security", "kafka", "cluster/c/{0}", {"ClusterArn": "arn", "CurrentVersion": "1"}, "traffic"),
    ("ecr", "batch_delete_image", "ecr", "repository/{0}",
     {"repositoryName": "{0}", "imageIds": [{"imageTag": "a"}]}, "storage"),
    ("ecr", "delete_repository", "ecr", "repository/{0}", {"repositoryName": "{0}", "force": True}, "storage"),
    ("kinesis", "delete_stream", "kinesis", "stream/{0}", {"StreamName": "{0}"}, "storage"),
    ("lambda", "delete_function", "lambda", "function:{0}", {"FunctionName": "{0}"}, "terminate"),
    ("lambda", "delete_function", "lambda", "function:{0}", {"FunctionName": "{0}:prod"}, "terminate"),
    ("lambda", "delete_function", "lambda", "function:{0}",
     {"FunctionName": "123456789012:function:{0}"}, "terminate"),
    ("lambda", "delete_function", "lambda", "function:{0}", {"FunctionName": "arn"}, "terminate"),
    ("logs", "delete_log_group", "logs", "log-group:{0}", {"logGroupName": "{0}"}, "storage"),
    ("ecr", "update_image_storage_class", "ecr", "repository/{0}",
     {"repositoryName": "{0}", "imageId": {"imageTag": "prod"}, "targetStorageClass": "ARCHIVE"}, "storage"),
    ("sns", "delete_platform_application", "sns", "app/GCM/{0}", {"PlatformApplicationArn": "arn"}, "traffic"),
    ("sns", "set_platform_application_attributes", "sns", "app/GCM/{0}",
     {"PlatformApplicationArn": "arn", "Attributes": {"Enabled": "false"}}, "traffic"),
    ("lambda", "delete_alias", "lambda", "function:{0}", {"FunctionName": "{0}", "Name": "a"}, "traffic"),
    ("lambda", "delete_function_url_config", "lambda", "function:{0}", {"FunctionName": "{0}"}, "traffic"),
    ("lambda", "delete_event_source_mapping", "lambda", "event-source-mapping:{0}" + UUID,
     {"UUID": "{0}" + UUID}, "traffic"),
    ("lambda", "update_event_source_mapping", "lambda", "event-source-mapping:{0}" + UUID,
     {"UUID": "{0}" + UUID, "Enabled": False}, "traffic"),
    ("memorydb", "delete_cluster", "memorydb", "cluster/{0}", {"ClusterName": "{0}"}, "storage"),
    ("memorydb", "failover_shard", "memorydb", "cluster/{0}", {"ClusterName": "{0}", "ShardName": "1"}, "traffic"),
    ("memorydb", "delete_user", "memorydb", "user/{0}", {"UserName": "{0}"}, "traffic"),
    ("memorydb", "delete_acl", "memorydb", "acl/{0}", {"ACLName": "{0}"}, "traffic"),
    ("mq", "delete_broker", "mq", "broker:jobs:b-{0}", {"BrokerId": "b-{0}"}, "storage"),
    ("mq", "reboot_broker", "mq", "broker:jobs:b-{0}", {"BrokerId": "b-{0}"}, "stop"),
    ("mq", "delete_user", "mq", "broker:jobs:b-{0}", {"BrokerId": "b-{0}", "Username": "u"}, "traffic"),
    ("redshift", "delete_cluster", "redshift", "cluster:{0}", {"ClusterIdentifier": "{0}"}, "storage"),
    ("redshift", "reboot_cluster", "redshift", "cluster:{0}", {"ClusterIdentifier": "{0}"}, "stop"),
    ("redshift", "pause_cluster", "redshift", "cluster:{0}", {"ClusterIdentifier": "{0}"}, "stop"),
    ("redshift", "resize_cluster", "redshift", "cluster:{0}", {"ClusterIdentifier": "{0}"}, "stop"),
    ("redshift", "delete_cluster_snapshot", "redshift", "snapshot:c/{0}", {"SnapshotIdentifier": "{0}"}, "storage"),
    ("secretsmanager", "delete_secret", "secretsmanager", "secret:{0}", {"SecretId": "arn"}, "traffic"),
    ("sns", "delete_topic", "sns", "{0}", {"TopicArn": "arn"}, "traffic"),
    ("sqs", "delete_queue", "sqs", "{0}", {"QueueUrl": "https://sqs.eu-west-1.amazonaws.com/1/{0}"}, "storage"),
    ("sqs", "purge_queue", "sqs", "{0}", {"QueueUrl": "https://sqs.eu-west-1.amazonaws.com/1/{0}"}, "storage"),
    ("stepfunctions", "delete_state_machine", "states", "stateMachine:{0}", {"stateMachineArn": "arn"}, "terminate"),
    ("storagegateway", "delete_gateway", "storagegateway", "gateway/sgw-{0}", {"GatewayARN": "arn"}, "storage"),
    ("storagegateway", "shutdown_gateway", "storagegateway", "gateway/sgw-{0}", {"GatewayARN": "arn"}, "stop"),
    ("storagegateway", "delete_volume", "storagegateway", "gateway/sgw-1/volume/vol-{0}", {"VolumeARN": "arn"},
     "storage"),
    ("storagegateway", "detach_volume", "storagegateway", "gateway/sgw-1/volume/vol-{0}", {"VolumeARN": "arn"},
     "storage"),
    ("storagegateway", "delete_file_share", "storagegateway", "share/share-{0}", {"FileShareARN": "arn"}, "storage"),
    ("timestream-write", "delete_database", "timestream", "database/{0}", {"DatabaseName": "{0}"}, "storage"),
    ("timestream-write", "delete_table", "timestream", "database/d/table/{0}",
     {"DatabaseName": "d", "TableName": "{0}"}, "storage"),
    ("keyspaces", "delete_keyspace", "cassandra", "/keyspace/{0}/", {"keyspaceName": "{0}"}, "storage"),
    ("keyspaces", "delete_table", "cassandra", "/keyspace/app/table/{0}",
     {"keyspaceName": "app", "tableName": "{0}"}, "storage"),
    ("transfer", "delete_server", "transfer", "server/s-{0}", {"ServerId": "s-{0}"}, "traffic"),
    ("transfer", "stop_server", "transfer", "server/s-{0}", {"ServerId": "s-{0}"}, "stop"),
    ("vpc-lattice", "delete_service", "vpc-lattice", "service/svc-{0}",
     {"serviceIdentifier": "svc-{0}"}, "traffic"),
    ("vpc-lattice", "delete_target_group", "vpc-lattice", "targetgroup/tg-{0}",
     {"targetGroupIdentifier": "tg-{0}"}, "traffic"),
    ("vpc-lattice", "deregister_targets", "vpc-lattice", "targetgroup/tg-{0}",
     {"targetGroupIdentifier": "tg-{0}", "targets": [{"id": "x"}]}, "traffic"),
]  # fmt: skip
# moto answers these with an error that botocore cannot read.
BREAKS = {"reboot_cluster": "RebootCluster", "resize_cluster": "ResizeCluster",
          "batch_delete_cluster_snapshots": "BatchDeleteClusterSnapshots",
          "delete_platform_application": "DeletePlatformApplication"}  # fmt: skip
# The rules of effects that live-cluster has no rule of its own for.
RULES = {"network": "network/other", "protection": "protection/switch-off"}
# Ids as long as the models want them.
NAMES = {LIVE: "b" + 16 * "1", OTHER: "c" + 16 * "2", None: "d" + 16 * "3"}
IDS = [f"{service}.{method}.{number}" for number, (service, method, *_) in enumerate(CALLS)]


@pytest.fixture
def site(aws: SimulatedAWS, install, monkeypatch):
    """Blue is live, green is not; both have a machine."""
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    machines = {name: aws.start_cluster(name, 1, addresses=name == LIVE).instance_ids[0] for name in (LIVE, OTHER)}
    install()
    return machines


def tag(aws: SimulatedAWS, **arns: str) -> None:
    """The tagging API lists these ARNs with their clusters, and the machines, as it does when it may see them."""
    owned = [*arns.items()] + [
        (name, arn("ec2", f"instance/{machine}")) for name in (LIVE, OTHER) for machine in aws.machines(name)
    ]
    rows = [{"ResourceARN": each, "Tags": [{"Key": "Cluster", "Value": name}]} for name, each in owned]
    aws.reply("GetResources", json.dumps({"ResourceTagMappingList": rows}))


def filled(value, name, whole):
    """The same parameters with the resource's name in them, or its ARN."""
    if isinstance(value, dict):
        return {key: filled(each, name, whole) for key, each in value.items()}
    if isinstance(value, list):
        return [filled(each, name, whole) for each in value]
    return whole if value == "arn" else value.replace("{0}", name) if isinstance(value, str) else value


def stays(aws, service, method, of, resource, params, effect):
    """Assert that what carries the live cluster's tag stays, and that what carries the other's or none is free."""
    arns = {cluster: arn(of, resource.format(name)) for cluster, name in NAMES.items()}
    tag(aws, blue=arns[LIVE], green=arns[OTHER])
    rest.without_wholes(aws)
    if method in BREAKS:
        aws.answer(BREAKS[method], 400, "Arrived", "it arrived")
    rule = RULES.get(effect, f"live-cluster/{effect}")
    live, other, free = (filled(params, NAMES[name], arns[name]) for name in (LIVE, OTHER, None))
    assert rest.attempt(aws, service, method, live) == {rule, "None"}
    assert rest.attempt(aws, service, method, other) is None
    assert rest.attempt(aws, service, method, free) is None


@pytest.mark.cases(40)
@pytest.mark.parametrize(("service", "method", "of", "resource", "params", "effect"), CALLS, ids=IDS)
def test_by_its_tag(service, method, of, resource, params, effect, site, aws):
    """What carries the live cluster's tag stays, what carries the other's or none at all is free."""
    stays(aws, service, method, of, resource, params, effect)


def test_access_points_of_buckets(site, aws, hosts_without_accounts):
    """Requests to S3 Control are signed as those to S3 are, and judged as its own: their paths look like objects."""
    tag(aws, blue=arn("s3", f"accesspoint/{NAMES[LIVE]}"), green=arn("s3", f"accesspoint/{NAMES[OTHER]}"))
    client = aws.client("s3control")
    with pytest.raises(guardrails.CallDenied) as denied:
        client.delete_access_point(AccountId="123456789012", Name=NAMES[LIVE])
    assert [violation.rule for violation in denied.value.decision.violations] == ["live-cluster/traffic"]
    client.delete_access_point(AccountId="123456789012", Name=NAMES[OTHER])
    deleted = [request.operation for request in aws.requests if request.operation.startswith("DELETE")]
    assert deleted == [f"DELETE /v20180820/accesspoint/{NAMES[OTHER]}"]


WARNED = [
    ("lambda", "update_function_code", "function:{0}", {"FunctionName": "{0}", "ZipFile": b"x"}),
    ("lambda", "update_function_configuration", "function:{0}", {"FunctionName": "{0}", "Timeout": 1}),
    ("lambda", "update_alias", "function:{0}", {"FunctionName": "{0}", "Name": "a", "FunctionVersion": "2"}),
    ("states", "update_state_machine", "stateMachine:{0}", {"stateMachineArn": "arn", "definition": "{}"}),
]


@pytest.mark.parametrize(("of", "method", "resource", "params"), WARNED, ids=[row[1] for row in WARNED])
def test_what_runs_something_else_from_now_on(of, method, resource, params, site, aws, caplog):
    """Other code, settings or definitions for what the live cluster calls get a warning; green's get none."""
    arns = {cluster: arn(of, resource.format(NAMES[cluster])) for cluster in (LIVE, OTHER)}
    tag(aws, blue=arns[LIVE], green=arns[OTHER])
    service = {"states": "stepfunctions"}.get(of, of)
    for cluster in (LIVE, OTHER):
        caplog.clear()
        assert rest.attempt(aws, service, method, filled(params, NAMES[cluster], arns[cluster])) is None
        assert ("live-cluster/indirect" in caplog.text) == (cluster == LIVE)


PARENTS = [
    ("apigateway", "delete_stage", "apigateway", "/restapis/{0}", {"restApiId": "{0}", "stageName": "prod"}),
    ("appmesh", "delete_route", "appmesh", "mesh/{0}",
     {"meshName": "{0}", "virtualRouterName": "r", "routeName": "main"}),
    ("backup", "delete_recovery_point", "backup", "backup-vault:{0}",
     {"BackupVaultName": "{0}", "RecoveryPointArn": "arn:aws:ec2:eu-west-1::snapshot/{0}"}),
    ("keyspaces", "delete_table", "cassandra", "/keyspace/{0}/", {"keyspaceName": "{0}", "tableName": "users"}),
    ("timestream-write", "delete_table", "timestream", "database/{0}", {"DatabaseName": "{0}", "TableName": "users"}),
]  # fmt: skip


@pytest.mark.parametrize(("service", "method", "of", "resource", "params"), PARENTS, ids=[row[1] for row in PARENTS])
def test_a_part_without_a_tag_is_its_wholes(service, method, of, resource, params, site, aws):
    """A stage, route, table or recovery point belongs to the tagged API, mesh, keyspace, database or vault it is in."""
    tag(aws, **{name: arn(of, resource.format(name)) for name in (LIVE, OTHER)})
    live, other = (filled(params, name, "") for name in (LIVE, OTHER))
    assert rest.attempt(aws, service, method, live) > {"None"}
    assert rest.attempt(aws, service, method, other) is None


@pytest.mark.parametrize("begins", [True, False])
def test_activity_streams(begins, site, aws):
    """Beginning or ending one at once restarts a cluster of Aurora, so not the live one; in its window, that warns."""
    method = "start_activity_stream" if begins else "stop_activity_stream"
    arns = {name: arn("rds", f"cluster:{name}") for name in (LIVE, OTHER)}
    tag(aws, **arns)
    aws.answer("StartActivityStream" if begins else "StopActivityStream", 400, "Arrived", "it arrived")
    named = {"Mode": "sync", "KmsKeyId": "k"} if begins else {}
    for name, whole in arns.items():
        now = rest.attempt(aws, "rds", method, {"ResourceArn": whole, "ApplyImmediately": True, **named})
        assert now == ({"live-cluster/stop", "None"} if name == LIVE else None)
        assert rest.attempt(aws, "rds", method, {"ResourceArn": whole, **named}) is None


TAKEN = [
    ("lambda", "create_event_source_mapping", "EventSourceArn", "FunctionName", "function:{0}-f"),
    ("sqs", "start_message_move_task", "SourceArn", "DestinationArn", "{0}-q2"),
]


@pytest.mark.parametrize(("service", "method", "source", "taker", "resource"), TAKEN, ids=[row[1] for row in TAKEN])
def test_messages_of_a_queue(service, method, source, taker, resource, site, aws):
    """Messages of the live queue go to nothing that is not tagged as the live cluster's; green's queue is free."""
    rows = [(name, arn("sqs", f"{name}-q")) for name in (LIVE, OTHER)]
    rows += [(name, arn(service, resource.format(name))) for name in (LIVE, OTHER)]
    rows += [(name, arn("ec2", f"instance/{each}")) for name in (LIVE, OTHER) for each in aws.machines(name)]
    listed = [{"ResourceARN": each, "Tags": [{"Key": "Cluster", "Value": name}]} for name, each in rows]
    aws.reply("GetResources", json.dumps({"ResourceTagMappingList": listed}))
    if service == "sqs":
        aws.answer("StartMessageMoveTask", 400, "Arrived", "it arrived")

    def attempted(queue, by):
        return rest.attempt(
            aws, service, method, {source: arn("sqs", f"{queue}-q"), taker: arn(service, resource.format(by))}
        )

    assert attempted(LIVE, OTHER) == attempted(LIVE, "free") == {"live-cluster/traffic", "None"}
    assert attempted(LIVE, LIVE) is None
    assert attempted(OTHER, OTHER) is None
    assert attempted("free", OTHER) is None


MORE_WARNED = [
    ("ecr", "put_image", "ecr", "repository/{0}", {"repositoryName": "{0}", "imageManifest": "{}", "imageTag": "prod"}),
    ("secretsmanager", "replicate_secret_to_regions", "secretsmanager", "secret:{0}-AbCdEf",
     {"SecretId": "{0}", "AddReplicaRegions": [{"Region": "us-east-1"}], "ForceOverwriteReplicaSecret": True}),
    ("lambda", "put_function_event_invoke_config", "lambda", "function:{0}",
     {"FunctionName": "{0}", "MaximumRetryAttempts": 0}),
    ("lambda", "update_function_event_invoke_config", "lambda", "function:{0}",
     {"FunctionName": "{0}", "MaximumEventAgeInSeconds": 60}),
    ("sns", "set_platform_application_attributes", "sns", "app/GCM/{0}",
     {"PlatformApplicationArn": "arn", "Attributes": {"PlatformCredential": "x"}}),
    ("events", "put_permission", "events", "event-bus/{0}", {"EventBusName": "{0}", "Policy": "{}"}),
]  # fmt: skip


@pytest.mark.parametrize(
    ("service", "method", "of", "resource", "params"), MORE_WARNED, ids=[row[1] for row in MORE_WARNED]
)
def test_what_gets_a_warning(service, method, of, resource, params, site, aws, caplog):
    """What reaches the live cluster in another form, later or elsewhere gets a warning; green's gets none."""
    arns = {cluster: arn(of, resource.format(NAMES[cluster])) for cluster in (LIVE, OTHER)}
    tag(aws, blue=arns[LIVE], green=arns[OTHER])
    aws.reply("DescribeImages", json.dumps({"imageDetails": [{"imageTags": ["prod"]}]}))
    for cluster in (LIVE, OTHER):
        caplog.clear()
        assert rest.attempt(aws, service, method, filled(params, NAMES[cluster], arns[cluster])) is None
        assert ("live-cluster/indirect" in caplog.text) == (cluster == LIVE)


def test_a_new_tag_of_an_image(site, aws, caplog):
    """An image under a tag that the live repository does not have yet gets no warning."""
    tag(aws, blue=arn("ecr", "repository/blue-app"))
    aws.answer("DescribeImages", 400, "ImageNotFoundException", "not there")
    image = {"repositoryName": "blue-app", "imageManifest": "{}", "imageTag": "v2"}
    assert rest.attempt(aws, "ecr", "put_image", image) is None
    assert "live-cluster/indirect" not in caplog.text
