"""A parameter of an update that no form names changes what the update is about, unless it repeats what is there."""

from __future__ import annotations

import json

import pytest

from tests.calls.test_same_names import tagged
from tests.calls.test_updates import judge
from tests.support.places import build

pytestmark = pytest.mark.every(3)

BLUE = [{"Key": "Cluster", "Value": "blue"}]
NOW = {"ApplyImmediately": True}
# (what is tried, whether it arrives)
INSTANCE = [
    ({"EnableIAMDatabaseAuthentication": False}, False),
    ({"ManageMasterUserPassword": True}, False),
    ({"Iops": 100, **NOW}, False),
    ({"StorageThroughput": 10, **NOW}, False),
    ({"OptionGroupName": "other", **NOW}, False),
    ({"ProcessorFeatures": [{"Name": "coreCount", "Value": "1"}], **NOW}, False),
    ({"CACertificateIdentifier": "rds-ca-other", **NOW}, False),
    ({"DisableDomain": True, "Domain": "d-1", **NOW}, False),
    ({"NetworkType": "DUAL", **NOW}, False),
    ({"LicenseModel": "other", **NOW}, False),
    ({"BackupRetentionPeriod": 1}, False),
    ({"MultiAZ": False}, False),
    ({"DBInstanceClass": "db.t3.micro"}, False),
    ({"DBInstanceClass": "db.r5.micro"}, False),
    ({"EngineVersion": "9.9", "AllowMajorVersionUpgrade": True}, False),
    ({"EnableIAMDatabaseAuthentication": True, "BackupRetentionPeriod": 7, "MultiAZ": True, **NOW}, True),
    ({"ManageMasterUserPassword": False, "UseDefaultProcessorFeatures": False, "DisableDomain": False}, True),
    ({"AllocatedStorage": 40, "Iops": 4000, "StorageThroughput": 500, **NOW}, True),
    ({"BackupRetentionPeriod": 14}, True),
    ({"DBInstanceClass": "db.t4g.2xlarge"}, True),
    ({"EngineVersion": "8.0.1"}, True),
    ({"MonitoringInterval": 0, "CopyTagsToSnapshot": True, "PreferredMaintenanceWindow": "sat:23:00-sat:23:30"}, True),
    ({"CloudwatchLogsExportConfiguration": {"EnableLogTypes": ["error"]}, "AutoMinorVersionUpgrade": True}, True),
]
CLUSTER = [
    ({"ServerlessV2ScalingConfiguration": {"MinCapacity": 2.0, "MaxCapacity": 1.0}, **NOW}, False),
    ({"EnableHttpEndpoint": False}, False),
    ({"BacktrackWindow": 0}, False),
    ({"EnableIAMDatabaseAuthentication": False}, False),
    ({"ManageMasterUserPassword": True}, False),
    ({"DBClusterParameterGroupName": "other"}, False),
    ({"EnableLocalWriteForwarding": False}, False),
    ({"EnableGlobalWriteForwarding": False}, False),
    ({"BackupRetentionPeriod": 1}, False),
    ({"ServerlessV2ScalingConfiguration": {"MinCapacity": 2.0, "MaxCapacity": 64.0}, **NOW}, True),
    ({"EnableHttpEndpoint": True, "BacktrackWindow": 3600, "EnableIAMDatabaseAuthentication": True, **NOW}, True),
    ({"DBClusterParameterGroupName": "mine", "EnableLocalWriteForwarding": True, "BackupRetentionPeriod": 9}, True),
    ({"CopyTagsToSnapshot": False, "PreferredBackupWindow": "04:00-04:30"}, True),
]
AT_RDS = "arn:aws:rds:eu-west-1:123456789012"


def described(kind, name, **members):
    """What RDS answers for one database or cluster; moto has few of these members."""
    text = lambda value: "".join(f"<{key}>{each}</{key}>" for key, each in value.items())
    flat = {key: text(value) if isinstance(value, dict) else value for key, value in members.items()}
    tags = "<TagList><Tag><Key>Cluster</Key><Value>blue</Value></Tag></TagList>"
    head = text({f"{kind}Identifier": name, f"{kind}Arn": f"{AT_RDS}:{'db' if 'Inst' in kind else 'cluster'}:{name}"})
    answer, items = f"Describe{kind}s", f"{kind}s"
    return (
        f'<{answer}Response xmlns="http://rds.amazonaws.com/doc/2014-10-31/"><{answer}Result><{items}>'
        f"<{kind}>{head}{text(flat)}{tags}</{kind}></{items}></{answer}Result></{answer}Response>"
    )


DATABASE = {
    "DBInstanceClass": "db.t3.small", "MultiAZ": "true", "BackupRetentionPeriod": 7, "AllocatedStorage": 20,
    "IAMDatabaseAuthenticationEnabled": "true", "Iops": 3000, "StorageThroughput": 125, "EngineVersion": "8.0.0",
    "LicenseModel": "mine", "NetworkType": "IPV4", "CACertificateIdentifier": "rds-ca-rsa2048-g1",
    "DomainMemberships": {"DomainMembership": "<Domain>d-1</Domain>"},
}  # fmt: skip


@pytest.mark.cases(12)
@pytest.mark.parametrize(("change", "arrives"), INSTANCE)
def test_a_database(change, arrives, site, aws, install):
    """What takes clients, capacity, a standby or backups away is denied, at once and later; repeats and growth pass."""
    aws.reply("DescribeDBInstances", described("DBInstance", "blue-db", **DATABASE))
    install()
    cases = ([change], []) if arrives else ([], [change])
    judge(aws, "rds", "modify_db_instance", {"DBInstanceIdentifier": "blue-db"}, cases)


def test_what_is_pending(site, aws, install):
    """A call that only applies what is pending is denied, whatever it repeats; without ApplyImmediately it arrives."""
    pending = {"PendingModifiedValues": "<DBInstanceClass>db.t3.micro</DBInstanceClass>"}
    window = {"PreferredMaintenanceWindow": "sun:23:00-sun:23:30"}
    aws.reply("DescribeDBInstances", described("DBInstance", "blue-db", **DATABASE, **pending, **window))
    install()
    judge(aws, "rds", "modify_db_instance", {"DBInstanceIdentifier": "blue-db"}, (
        [{"BackupRetentionPeriod": 9}, {"ApplyImmediately": False}, window],
        [NOW, {**NOW, "BackupRetentionPeriod": 9}, {**NOW, "CopyTagsToSnapshot": True},
         {"PreferredMaintenanceWindow": "mon:10:00-mon:10:45"}],
    ))  # fmt: skip


def test_a_window_of_a_cluster_while_something_is_pending(site, aws, install):
    """A window that may be now is denied while something is pending; without that any window arrives."""
    pending = {"PendingModifiedValues": "<EngineVersion>9</EngineVersion>"}
    window = {"PreferredMaintenanceWindow": "mon:10:00-mon:10:45"}
    aws.reply("DescribeDBClusters", described("DBCluster", "blue-db", **pending))
    install()
    judge(aws, "rds", "modify_db_cluster", {"DBClusterIdentifier": "blue-db"}, ([], [window]))


@pytest.mark.parametrize(("change", "arrives"), CLUSTER)
def test_a_database_cluster(change, arrives, site, aws, install):
    """The same for a cluster of databases: its capacity, its endpoint, its parameters, its writes."""
    present = {
        "ServerlessV2ScalingConfiguration": {"MinCapacity": 2, "MaxCapacity": 32}, "HttpEndpointEnabled": "true",
        "BacktrackWindow": 3600, "IAMDatabaseAuthenticationEnabled": "true", "DBClusterParameterGroup": "mine",
        "LocalWriteForwardingStatus": "enabled", "GlobalWriteForwardingRequested": "true", "BackupRetentionPeriod": 7,
    }  # fmt: skip
    aws.reply("DescribeDBClusters", described("DBCluster", "blue-db", **present))
    install()
    cases = ([change], []) if arrives else ([], [change])
    judge(aws, "rds", "modify_db_cluster", {"DBClusterIdentifier": "blue-db"}, cases)


def capacity(units):
    """Capacity for reading and writing."""
    return {"ReadCapacityUnits": units, "WriteCapacityUnits": units}


def index(**change):
    """An update of the table's index."""
    return {"GlobalSecondaryIndexUpdates": [{"Update": {"IndexName": "gsi", **change}}]}


@pytest.mark.parametrize(
    ("change", "arrives"),
    [
        (index(ProvisionedThroughput=capacity(1)), False),
        (index(OnDemandThroughput={"MaxReadRequestUnits": 1}), False),
        ({"ReplicaUpdates": [{"Update": {"RegionName": "us-east-1", "KMSMasterKeyId": "alias/x"}}]}, False),
        ({"GlobalTableWitnessUpdates": [{"Delete": {"RegionName": "us-east-1"}}]}, False),
        ({"StreamSpecification": {"StreamEnabled": False}}, False),
        ({"SSESpecification": {"Enabled": True, "SSEType": "KMS", "KMSMasterKeyId": "alias/x"}}, False),
        ({"OnDemandThroughput": {"MaxReadRequestUnits": 1}}, False),
        (index(ProvisionedThroughput=capacity(50)), True),
        (index(ProvisionedThroughput=capacity(90)), True),
        ({"StreamSpecification": {"StreamEnabled": True, "StreamViewType": "NEW_IMAGE"}}, True),
        ({"ReplicaUpdates": [{"Create": {"RegionName": "us-east-1"}}]}, True),
        ({"SSESpecification": {"Enabled": False}, "TableClass": "STANDARD_INFREQUENT_ACCESS"}, True),
    ],
)
def test_a_table(change, arrives, site, aws, install):
    """Less of an index, a deleted witness, no stream and another key are denied; repeats, growth and replicas pass."""
    attributes = [{"AttributeName": name, "AttributeType": "S"} for name in ("id", "x")]
    schema = lambda name: [{"AttributeName": name, "KeyType": "HASH"}]
    aws.client("dynamodb").create_table(
        TableName="blue", AttributeDefinitions=attributes, KeySchema=schema("id"), ProvisionedThroughput=capacity(50),
        GlobalSecondaryIndexes=[{"IndexName": "gsi", "KeySchema": schema("x"), "Projection": {"ProjectionType": "ALL"},
                                 "ProvisionedThroughput": capacity(50)}],
        StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_IMAGE"},
    )  # fmt: skip
    tagged(aws, blue="dynamodb:table/blue")
    install()
    judge(aws, "dynamodb", "update_table", {"TableName": "blue"}, ([change], []) if arrives else ([], [change]))


SPOT = [{"capacityProvider": "FARGATE_SPOT", "weight": 1, "base": 0}]
LATTICE = [{"roleArn": "arn:aws:iam::123456789012:role/r", "targetGroupArn": "arn:tg", "portName": "http"}]


@pytest.mark.parametrize(
    ("change", "arrives"),
    [
        ({"healthCheckGracePeriodSeconds": 0}, False),
        ({"capacityProviderStrategy": SPOT}, False),
        ({"serviceConnectConfiguration": {"enabled": False}}, False),
        ({"vpcLatticeConfigurations": []}, False),
        ({"placementConstraints": [{"type": "memberOf", "expression": "attribute:x == y"}]}, False),
        ({"deploymentController": {"type": "EXTERNAL"}}, False),
        ({"healthCheckGracePeriodSeconds": 60}, True),
        ({"healthCheckGracePeriodSeconds": 90}, True),
        ({"capacityProviderStrategy": [{"capacityProvider": "FARGATE", "weight": 1, "base": 0}]}, True),
        ({"serviceConnectConfiguration": {"enabled": True, "namespace": "prod"}}, True),
        ({"vpcLatticeConfigurations": LATTICE, "placementConstraints": []}, True),
        ({"enableExecuteCommand": True, "propagateTags": "SERVICE"}, True),
    ],
)
def test_a_service(change, arrives, site, aws, install):
    """Its grace period, where its tasks run and how they are found: less, elsewhere and off do not pass; repeats do."""
    tagged(aws, blue="ecs:service/prod/web")
    # moto does not answer these members as AWS does.
    primary = {"status": "PRIMARY", "vpcLatticeConfigurations": LATTICE,
               "serviceConnectConfiguration": {"enabled": True, "namespace": "prod"}}  # fmt: skip
    aws.reply("DescribeServices", json.dumps({"failures": [], "services": [{
        "serviceName": "web", "desiredCount": 4, "healthCheckGracePeriodSeconds": 60, "deployments": [primary],
        "capacityProviderStrategy": [{"capacityProvider": "FARGATE", "weight": 1, "base": 0}],
        "placementConstraints": [], "deploymentController": {"type": "ECS"},
    }]}))  # fmt: skip
    install()
    name = {"cluster": "prod", "service": "web"}
    judge(aws, "ecs", "update_service", name, ([change], []) if arrives else ([], [change]))


@pytest.mark.parametrize(
    ("change", "arrives"),
    [
        ({"Iops": 100}, False),
        ({"VolumeType": "standard"}, False),
        ({"VolumeType": "gp3"}, True),
        ({"VolumeType": "gp2", "Size": 900}, True),
        ({"Size": 900}, True),
    ],
)
def test_a_disk(change, arrives, aws, install):
    """A slower disk of a live machine is denied; the same type, the newer one and more room arrive."""
    parts = build(aws, "blue", "10.1")
    install(live={"eip_addresses": [parts.public_ip]})
    where = [{"Name": "attachment.instance-id", "Values": [parts.machine]}]
    disk = aws.client("ec2").describe_volumes(Filters=where)["Volumes"][0]
    judge(aws, "ec2", "modify_volume", {"VolumeId": disk["VolumeId"]}, ([change], []) if arrives else ([], [change]))


@pytest.mark.parametrize(
    ("pool", "change", "arrives"),
    [
        (None, {"MinSize": 1}, True),
        ({"MinSize": 3, "MaxGroupPreparedCapacity": 6}, {"MinSize": 3, "MaxGroupPreparedCapacity": 8}, True),
        ({"MinSize": 3, "MaxGroupPreparedCapacity": 6}, {"MinSize": 0, "MaxGroupPreparedCapacity": 0}, False),
        ({"MinSize": 3, "MaxGroupPreparedCapacity": 6}, {"MinSize": 3, "PoolState": "Hibernated"}, False),
    ],
)
def test_a_warm_pool(pool, change, arrives, aws, install):
    """A first warm pool arrives, and a larger one; a smaller one, and another state, do not."""
    parts = build(aws, "blue", "10.1")
    name = {"AutoScalingGroupName": "blue-asg"}
    if pool:
        aws.client("autoscaling").put_warm_pool(**name, **pool)
    install(live={"eip_addresses": [parts.public_ip]})
    judge(aws, "autoscaling", "put_warm_pool", name, ([change], []) if arrives else ([], [change]))


@pytest.mark.parametrize(
    ("change", "arrives"),
    [
        ({"ResourcePath": "/nope"}, False),
        ({"Port": 81}, False),
        ({"IPAddress": "203.0.113.9"}, False),
        ({"FullyQualifiedDomainName": "nope.example.org"}, False),
        ({"InsufficientDataHealthStatus": "Unhealthy"}, False),
        ({"ResetElements": ["ResourcePath"]}, False),
        ({"FailureThreshold": 1}, False),
        ({"ResourcePath": "/ok", "Port": 80, "FailureThreshold": 3, "HealthCheckVersion": 1}, True),
        ({"FailureThreshold": 5}, True),
    ],
)
def test_a_health_check(change, arrives, aws, install):
    """A live record's check on another path, port or host is denied; what it checks already, and patience, pass."""
    parts = build(aws, "blue", "10.1")
    route53 = aws.client("route53")
    check = {"Type": "HTTP", "IPAddress": parts.public_ip, "Port": 80, "ResourcePath": "/ok", "FailureThreshold": 3}
    name = route53.create_health_check(CallerReference="1", HealthCheckConfig=check)["HealthCheck"]["Id"]
    zone = route53.create_hosted_zone(Name="example.org", CallerReference="2")["HostedZone"]["Id"].split("/")[-1]
    record = {"Name": "www.example.org", "Type": "A", "TTL": 60, "SetIdentifier": "b", "Weight": 10,
              "HealthCheckId": name, "ResourceRecords": [{"Value": parts.public_ip}]}  # fmt: skip
    changes = {"Changes": [{"Action": "CREATE", "ResourceRecordSet": record}]}
    route53.change_resource_record_sets(HostedZoneId=zone, ChangeBatch=changes)
    install(live={"eip_addresses": [parts.public_ip]})
    aws.answer(f"POST /2013-04-01/healthcheck/{name}", 400, "Arrived", "it arrived")
    judge(aws, "route53", "update_health_check", {"HealthCheckId": name}, ([change], []) if arrives else ([], [change]))


@pytest.mark.parametrize(("value", "arrives"), [(0.0, False), (50.0, False), (100.0, True)])
def test_a_task_set(value, arrives, site, aws, install):
    """Less of a live service's task set is denied; the same scale arrives. moto does not have the cluster's tag."""
    tagged(aws, blue="ecs:service/prod/web")
    answer = {"taskSets": [{"id": "ts-1", "scale": {"unit": "PERCENT", "value": 100.0}}], "failures": []}
    aws.reply("DescribeTaskSets", json.dumps(answer))
    install()
    change = {"scale": {"unit": "PERCENT", "value": value}}
    name = {"cluster": "prod", "service": "web", "taskSet": "ts-1"}
    judge(aws, "ecs", "update_task_set", name, ([change], []) if arrives else ([], [change]))
