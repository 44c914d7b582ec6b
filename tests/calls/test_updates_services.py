"""Updates of databases, caches, services and buckets: what is there once more, and more of it, arrive."""

from __future__ import annotations

import json

import pytest

from tests.calls.test_same_names import tagged
from tests.calls.test_updates import judge

pytestmark = pytest.mark.every(3)

BLUE = [{"Key": "Cluster", "Value": "blue"}]
TASKS = "arn:aws:ecs:eu-west-1:123456789012:task-definition"


@pytest.fixture
def owned(site, aws):
    """owned(ARN without account): the resource carries the tag of blue, which is live."""
    return lambda arn: tagged(aws, blue=arn)


def test_an_ecs_service(owned, aws, install):
    """The same count, more tasks and the same task definition arrive; fewer, another one and a restart do not."""
    owned("ecs:service/prod/web")
    network = {"subnets": ["subnet-1", "subnet-2"], "securityGroups": ["sg-1"], "assignPublicIp": "DISABLED"}
    balancers = [{"targetGroupArn": "arn:tg", "containerName": "web", "containerPort": 80}]
    deployment = {"maximumPercent": 200, "minimumHealthyPercent": 100, "deploymentCircuitBreaker": {"enable": False}}
    # moto does not answer these members as AWS does.
    aws.reply("DescribeServices", json.dumps({"failures": [], "services": [{
        "serviceName": "web", "desiredCount": 4, "taskDefinition": f"{TASKS}/web:3", "loadBalancers": balancers,
        "networkConfiguration": {"awsvpcConfiguration": network}, "deploymentConfiguration": deployment,
    }]}))  # fmt: skip
    install()
    one_subnet = {"awsvpcConfiguration": {**network, "subnets": ["subnet-1"]}}
    more_subnets = {
        "awsvpcConfiguration": {"subnets": ["subnet-3", "subnet-2", "subnet-1"], "securityGroups": ["sg-1"]}
    }
    judge(aws, "ecs", "update_service", {"cluster": "prod", "service": "web"}, (
        [{"desiredCount": 4}, {"desiredCount": 9, "forceNewDeployment": False}, {"taskDefinition": "web:3"},
         {"taskDefinition": f"{TASKS}/web:3", "desiredCount": 4}, {"loadBalancers": balancers},
         {"networkConfiguration": more_subnets}, {"deploymentConfiguration": {"maximumPercent": 200}}],
        [{"desiredCount": 3}, {"desiredCount": 0}, {"forceNewDeployment": True}, {"taskDefinition": "web:4"},
         {"taskDefinition": "web"}, {"loadBalancers": []}, {"networkConfiguration": one_subnet},
         {"desiredCount": 9, "taskDefinition": "web:2"}, {"deploymentConfiguration": {"maximumPercent": 100}}],
    ))  # fmt: skip


def test_a_service_that_is_not_described(owned, aws, install):
    """Without an answer about the service, the same count is a change."""
    owned("ecs:service/prod/web")
    aws.reply("DescribeServices", json.dumps({"failures": [{"reason": "MISSING"}], "services": []}))
    install()
    judge(aws, "ecs", "update_service", {"cluster": "prod", "service": "web"}, ([], [{"desiredCount": 4}]))


def test_a_database(site, aws, install):
    """Class, version, groups and protection as they are, and more storage, arrive; another class now does not."""
    rds = aws.client("rds")
    present = {
        "DBInstanceClass": "db.t3.small",
        "BackupRetentionPeriod": 7,
        "MultiAZ": False,
        "DeletionProtection": True,
    }
    rds.create_db_instance(
        DBInstanceIdentifier="blue-db", Engine="mysql", MasterUsername="root", MasterUserPassword="secret-1",
        AllocatedStorage=20, VpcSecurityGroupIds=["sg-1", "sg-2"], Tags=BLUE, **present,
    )  # fmt: skip
    install()
    now = {"ApplyImmediately": True}
    judge(aws, "rds", "modify_db_instance", {"DBInstanceIdentifier": "Blue-DB"}, (
        [{**present, **now}, {"AllocatedStorage": 40, **now}, {"MultiAZ": True, **now}, {"BackupRetentionPeriod": 14},
         {"VpcSecurityGroupIds": ["sg-2", "sg-3", "sg-1"]}, {"DBInstanceClass": "db.t3.large"}],
        [{"DBInstanceClass": "db.t3.large", **now}, {"BackupRetentionPeriod": 0}, {"DeletionProtection": False},
         {"VpcSecurityGroupIds": ["sg-1"]}, {"NewDBInstanceIdentifier": "other"}, {"EngineVersion": "9.9", **now},
         # It may be the same one: that cannot be looked up.
         {"MasterUserPassword": "secret-1"}, {**present, **now, "DBInstanceClass": "db.t3.micro"}],
    ))  # fmt: skip


def test_a_database_cluster(site, aws, install):
    """Its protection, port and groups once more arrive; another port does not."""
    rds = aws.client("rds")
    rds.create_db_cluster(
        DBClusterIdentifier="blue-db", Engine="aurora-mysql", MasterUsername="root", MasterUserPassword="secret-1",
        Port=3306, DeletionProtection=False, BackupRetentionPeriod=7, Tags=BLUE,
    )  # fmt: skip
    install()
    judge(aws, "rds", "modify_db_cluster", {"DBClusterIdentifier": "blue-db"}, (
        [{"Port": 3306, "ApplyImmediately": True}, {"DeletionProtection": True}, {"DeletionProtection": False}],
        [{"Port": 3307}, {"BackupRetentionPeriod": 0}, {"VpcSecurityGroupIds": ["sg-9"]}],
    ))  # fmt: skip


def test_a_table(owned, aws, install):
    """The same capacity, more, and capacity on demand arrive; less, and another expiry, do not."""
    dynamodb = aws.client("dynamodb")
    key = {"AttributeName": "id", "AttributeType": "S"}
    dynamodb.create_table(
        TableName="blue", AttributeDefinitions=[key], KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        ProvisionedThroughput={"ReadCapacityUnits": 5, "WriteCapacityUnits": 5}, BillingMode="PROVISIONED",
    )  # fmt: skip
    owned("dynamodb:table/blue")
    install()
    capacity = lambda reads, writes: {
        "ProvisionedThroughput": {"ReadCapacityUnits": reads, "WriteCapacityUnits": writes}
    }
    judge(aws, "dynamodb", "update_table", {"TableName": "blue"}, (
        [capacity(5, 5), capacity(9, 5), {"BillingMode": "PAY_PER_REQUEST"}, {"DeletionProtectionEnabled": True},
         {"BillingMode": "PROVISIONED", **capacity(5, 6)}],
        [capacity(5, 4), capacity(1, 9), {"BillingMode": "PROVISIONED", **capacity(1, 1)}],
    ))  # fmt: skip
    expiry = lambda enabled, name: {"TimeToLiveSpecification": {"Enabled": enabled, "AttributeName": name}}
    judge(aws, "dynamodb", "update_time_to_live", {"TableName": "blue"}, ([expiry(False, "at")], [expiry(True, "at")]))
    backups = lambda on: {"PointInTimeRecoverySpecification": {"PointInTimeRecoveryEnabled": on}}
    judge(aws, "dynamodb", "update_continuous_backups", {"TableName": "blue"}, ([backups(True), backups(False)], []))


def test_a_cache(owned, aws, install):
    """What a replication group has, and more snapshots, arrive; another type, and no failover, do not."""
    elasticache = aws.client("elasticache")
    elasticache.create_replication_group(
        ReplicationGroupId="blue", ReplicationGroupDescription="x", CacheNodeType="cache.t3.small", NumNodeGroups=2,
        ReplicasPerNodeGroup=1, AutomaticFailoverEnabled=True, MultiAZEnabled=True, SnapshotRetentionLimit=5,
    )  # fmt: skip
    owned("elasticache:replicationgroup:blue")
    install()
    judge(aws, "elasticache", "modify_replication_group", {"ReplicationGroupId": "blue"}, (
        [{"CacheNodeType": "cache.t3.small"}, {"AutomaticFailoverEnabled": True, "ReplicationGroupDescription": "y"},
         {"SnapshotRetentionLimit": 5}, {"SnapshotRetentionLimit": 9}],
        [{"CacheNodeType": "cache.m5.large"}, {"AutomaticFailoverEnabled": False}, {"SnapshotRetentionLimit": 0},
         {"EngineVersion": "9.9"}],
    ))  # fmt: skip


def test_a_bucket(owned, aws, install):
    """The policy it has, written in another way, and its rules arrive; another policy and a new expiry do not."""
    s3 = aws.client("s3")
    s3.create_bucket(Bucket="blue", CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
    read = {"Effect": "Allow", "Principal": "*", "Action": ["s3:GetObject"], "Resource": "arn:aws:s3:::blue/*"}
    policy = {"Version": "2012-10-17", "Statement": [read]}
    s3.put_bucket_policy(Bucket="blue", Policy=json.dumps(policy))
    rule = {"ID": "old", "Status": "Enabled", "Filter": {"Prefix": "logs/"}, "Expiration": {"Days": 30}}
    s3.put_bucket_lifecycle_configuration(Bucket="blue", LifecycleConfiguration={"Rules": [rule]})
    s3.put_bucket_versioning(Bucket="blue", VersioningConfiguration={"Status": "Enabled"})
    owned("s3:blue")
    install()
    statement = {**read, "Action": "s3:GetObject"}
    denies = {**policy, "Statement": [{**statement, "Effect": "Deny"}]}
    rules = lambda *each: {"LifecycleConfiguration": {"Rules": [*each]}}
    everything = {**rule, "Filter": {"Prefix": ""}}
    judge(aws, "s3", "put_bucket_policy", {"Bucket": "blue"}, (
        [{"Policy": json.dumps({**policy, "Statement": statement}, indent=2)}], [{"Policy": json.dumps(denies)}],
    ))  # fmt: skip
    judge(aws, "s3", "put_bucket_lifecycle_configuration", {"Bucket": "blue"}, (
        [rules(rule)], [rules(everything), rules(rule, everything), rules({**rule, "Expiration": {"Days": 1}})],
    ))  # fmt: skip
    judge(aws, "s3", "put_bucket_versioning", {"Bucket": "blue"}, (
        [{"VersioningConfiguration": {"Status": "Enabled"}}], [{"VersioningConfiguration": {"Status": "Suspended"}}],
    ))  # fmt: skip


def test_a_file_system(owned, aws, install):
    """Elastic throughput, backups and the same rules arrive. moto does not answer all of these."""
    owned("elasticfilesystem:file-system/fs-1")
    present = {"FileSystemId": "fs-1", "ThroughputMode": "provisioned", "ProvisionedThroughputInMibps": 100.0}
    aws.reply("GET /2015-02-01/file-systems", json.dumps({"FileSystems": [present]}))
    folder, policies = "/2015-02-01/file-systems", [{"TransitionToIA": "AFTER_30_DAYS"}]
    aws.reply(f"GET {folder}/fs-1/lifecycle-configuration", json.dumps({"LifecyclePolicies": policies}))
    aws.reply(f"GET {folder}/fs-1/backup-policy", json.dumps({"BackupPolicy": {"Status": "ENABLED"}}))
    install()
    for end in ("", "/lifecycle-configuration", "/backup-policy"):
        aws.answer(f"PUT /2015-02-01/file-systems/fs-1{end}", 400, "Arrived", "it arrived")
    name = {"FileSystemId": "fs-1"}
    judge(aws, "efs", "update_file_system", name, (
        [{"ProvisionedThroughputInMibps": 100, "ThroughputMode": "provisioned"}, {"ThroughputMode": "elastic"}],
        [{"ProvisionedThroughputInMibps": 50}, {"ThroughputMode": "bursting"}]))  # fmt: skip
    judge(aws, "efs", "put_lifecycle_configuration", name, (
        [{"LifecyclePolicies": [{"TransitionToIA": "AFTER_30_DAYS"}]}],
        [{"LifecyclePolicies": [{"TransitionToIA": "AFTER_1_DAY"}]}]))  # fmt: skip
    judge(aws, "efs", "put_backup_policy", name, (
        [{"BackupPolicy": {"Status": "ENABLED"}}], [{"BackupPolicy": {"Status": "DISABLED"}}]))  # fmt: skip


NODES = {"minSize": 1, "maxSize": 6, "desiredSize": 3}
NETWORK = {"subnetIds": ["subnet-1", "subnet-2"], "securityGroupIds": ["sg-1"], "endpointPublicAccess": True,
           "endpointPrivateAccess": False, "publicAccessCidrs": ["0.0.0.0/0"], "vpcId": "vpc-1"}  # fmt: skip


def test_a_kubernetes_cluster(aws, install):
    """The same size and more, and the same network, arrive. moto does not answer all of these members."""
    tags = {"eks:cluster-name": "prod", "eks:nodegroup-name": "web"}
    aws.start_cluster("blue", 3, addresses=1, tags=tags)
    aws.reply(
        "GET /clusters/prod/node-groups/web", json.dumps({"nodegroup": {"scalingConfig": NODES, "version": "1.29"}})
    )
    aws.reply("GET /clusters/prod/fargate-profiles", json.dumps({"fargateProfileNames": []}))
    aws.reply("GET /clusters/prod", json.dumps({"cluster": {"name": "prod", "resourcesVpcConfig": NETWORK}}))
    install()
    size = lambda **sizes: {"scalingConfig": sizes}
    network = lambda **members: {"resourcesVpcConfig": members}
    judge(aws, "eks", "update_nodegroup_config", {"clusterName": "prod", "nodegroupName": "web"}, (
        [size(**NODES), size(desiredSize=5), size(maxSize=3), size(minSize=2)],
        [size(desiredSize=2), size(maxSize=2), size(desiredSize=0, minSize=0)],
    ))  # fmt: skip
    judge(aws, "eks", "update_cluster_config", {"name": "prod"}, (
        [network(endpointPublicAccess=True, publicAccessCidrs=["0.0.0.0/0"]),
         network(subnetIds=["subnet-3", "subnet-2", "subnet-1"], securityGroupIds=["sg-1"])],
        [network(endpointPublicAccess=False), network(subnetIds=["subnet-1"]),
         network(publicAccessCidrs=["10.0.0.0/8"])],
    ))  # fmt: skip


SETTING = {"Namespace": "aws:autoscaling:asg", "OptionName": "MinSize", "Value": "2"}
ENVIRONMENTS = """<DescribeEnvironmentsResponse><DescribeEnvironmentsResult><Environments><member>
<EnvironmentName>shop</EnvironmentName><ApplicationName>shop</ApplicationName><VersionLabel>v7</VersionLabel></member>
</Environments></DescribeEnvironmentsResult></DescribeEnvironmentsResponse>"""
SETTINGS = """<DescribeConfigurationSettingsResponse><DescribeConfigurationSettingsResult>
<ConfigurationSettings><member>
<OptionSettings><member><Namespace>aws:autoscaling:asg</Namespace><OptionName>MinSize</OptionName><Value>2</Value></member>
</OptionSettings></member></ConfigurationSettings></DescribeConfigurationSettingsResult>
</DescribeConfigurationSettingsResponse>"""


def test_a_beanstalk_environment(aws, install):
    """The version and settings it has arrive, others do not. moto does not answer these."""
    aws.start_cluster("blue", 2, addresses=1, tags={"elasticbeanstalk:environment-name": "shop"})
    aws.reply("DescribeEnvironments", ENVIRONMENTS)
    aws.reply("DescribeConfigurationSettings", SETTINGS)
    install()
    name = {"ApplicationName": "shop", "EnvironmentName": "shop"}
    judge(aws, "elasticbeanstalk", "update_environment", name, (
        [{"VersionLabel": "v7"}, {"OptionSettings": [SETTING], "VersionLabel": "v7"}, {"Description": "new words"}],
        [{"VersionLabel": "v8"}, {"OptionSettings": [{**SETTING, "Value": "1"}]},
         {"OptionsToRemove": [{"Namespace": "a:b:c", "OptionName": "MinSize"}]},
         {"OptionSettings": [SETTING, {**SETTING, "OptionName": "MaxSize"}]}],
    ))  # fmt: skip


FLEET = """<DescribeFleetsResponse><fleetSet><item><fleetId>fleet-1</fleetId><fulfilledCapacity>4.0</fulfilledCapacity>
<excessCapacityTerminationPolicy>termination</excessCapacityTerminationPolicy><targetCapacitySpecification>
<totalTargetCapacity>4</totalTargetCapacity><onDemandTargetCapacity>1</onDemandTargetCapacity>
<spotTargetCapacity>3</spotTargetCapacity></targetCapacitySpecification></item></fleetSet></DescribeFleetsResponse>"""


def test_a_fleet(aws, install):
    """The same capacity and more arrive, less does not, of either kind. moto does not say how much is fulfilled."""
    aws.start_cluster("blue", 4, addresses=1, tags={"aws:ec2:fleet-id": "fleet-1"})
    aws.reply("DescribeFleets", FLEET)
    install()
    size = lambda total, **parts: {"TargetCapacitySpecification": {"TotalTargetCapacity": total, **parts}}
    judge(aws, "ec2", "modify_fleet", {"FleetId": "fleet-1"}, (
        [size(4), size(9), size(9, OnDemandTargetCapacity=2),
         {**size(4), "ExcessCapacityTerminationPolicy": "termination"},
         {**size(3), "ExcessCapacityTerminationPolicy": "no-termination"}],
        [size(3), size(9, OnDemandTargetCapacity=0), size(9, SpotTargetCapacity=2), size(0)],
    ))  # fmt: skip


def test_a_spot_fleet(aws, install):
    """The same for a spot fleet request."""
    request = "sfr-00000000-0000-0000-0000-000000000000"
    aws.start_cluster("blue", 4, addresses=1, tags={"aws:ec2spot:fleet-request-id": request})
    aws.reply(
        "DescribeSpotFleetRequests",
        f"""<DescribeSpotFleetRequestsResponse><spotFleetRequestConfigSet><item>
<spotFleetRequestId>{request}</spotFleetRequestId><spotFleetRequestConfig><targetCapacity>4</targetCapacity>
<fulfilledCapacity>4.0</fulfilledCapacity><onDemandTargetCapacity>0</onDemandTargetCapacity></spotFleetRequestConfig>
</item></spotFleetRequestConfigSet></DescribeSpotFleetRequestsResponse>""",
    )
    install()
    judge(aws, "ec2", "modify_spot_fleet_request", {"SpotFleetRequestId": request}, (
        [{"TargetCapacity": 4}, {"TargetCapacity": 5}], [{"TargetCapacity": 3}, {"TargetCapacity": 0}]))  # fmt: skip


def test_a_role(aws, install):
    """Who may take the role, written once more, arrives; someone else does not."""
    iam = aws.client("iam")
    trust = {"Version": "2012-10-17", "Statement": [{
        "Effect": "Allow", "Principal": {"Service": ["ec2.amazonaws.com"]}, "Action": "sts:AssumeRole"}]}  # fmt: skip
    iam.create_role(RoleName="web", AssumeRolePolicyDocument=json.dumps(trust))
    iam.create_instance_profile(InstanceProfileName="web")
    iam.add_role_to_instance_profile(InstanceProfileName="web", RoleName="web")
    blue = aws.start_cluster("blue", 1, addresses=1)
    aws.client("ec2").associate_iam_instance_profile(
        IamInstanceProfile={"Name": "web"}, InstanceId=blue.instance_ids[0]
    )
    install()
    same = {**trust, "Statement": {**trust["Statement"][0], "Principal": {"Service": "ec2.amazonaws.com"}}}
    other = {**trust, "Statement": {**trust["Statement"][0], "Principal": {"Service": "lambda.amazonaws.com"}}}
    judge(aws, "iam", "update_assume_role_policy", {"RoleName": "web"}, (
        [{"PolicyDocument": json.dumps(same)}], [{"PolicyDocument": json.dumps(other)}]))  # fmt: skip


def test_the_live_pointer(aws, install):
    """Writing the parameter that names the live cluster with the name that is there arrives; another name does not."""
    aws.start_cluster("blue", 2, addresses=1)
    aws.start_cluster("green", 2)
    aws.client("ssm").put_parameter(Name="/live", Value="blue", Type="String")
    install(live={"sources": ["eip", "ssm"], "ssm_parameter": "/live"})
    judge(aws, "ssm", "put_parameter", {"Name": "/live", "Overwrite": True}, (
        [{"Value": "blue"}, {"Value": "blue", "Type": "String"}],
        [{"Value": "green"}, {"Value": "blue", "Type": "SecureString"}],
    ))  # fmt: skip


def test_what_is_set_up_already(aws, install):
    """An alarm that stops a live machine, as it is; the same alarm earlier, and another one, do not arrive."""
    blue = aws.start_cluster("blue", 2, addresses=1)
    alarm = {
        "AlarmName": "idle", "Namespace": "AWS/EC2", "MetricName": "CPUUtilization", "Statistic": "Average",
        "Dimensions": [{"Name": "InstanceId", "Value": blue.instance_ids[0]}], "Period": 300, "EvaluationPeriods": 2,
        "Threshold": 1.0, "ComparisonOperator": "LessThanThreshold",
        "AlarmActions": ["arn:aws:automate:eu-west-1:ec2:stop"],
    }  # fmt: skip
    aws.client("cloudwatch").put_metric_alarm(**alarm)
    install()
    judge(aws, "cloudwatch", "put_metric_alarm", alarm, ([{}], [{"Threshold": 99.0}, {"AlarmName": "another"}]))


def test_the_same_by_cloud_control(aws, install):
    """A patch that sets what is there arrives, another does not. moto has no Cloud Control."""
    blue = aws.start_cluster("blue", 2, addresses=1)
    properties = json.dumps({"InstanceType": "t3.small", "Tags": [{"Key": "Owner", "Value": "me"}]})
    aws.reply("GetResource", json.dumps({"ResourceDescription": {"Properties": properties}}))
    install()
    patch = lambda **step: {"PatchDocument": json.dumps([{"op": "replace", **step}])}
    name = {"TypeName": "AWS::EC2::Instance", "Identifier": blue.instance_ids[0]}
    judge(aws, "cloudcontrol", "update_resource", name, (
        [patch(path="/InstanceType", value="t3.small"), patch(path="/Tags/0/Value", value="me")],
        [patch(path="/InstanceType", value="m5.large"), patch(path="/SubnetId", value="subnet-1")],
    ))  # fmt: skip


def test_moto_s_own_kubernetes_cluster(aws, install):
    """The same with moto's answers, which lack some members: what is given is there, and only that counts."""
    subnet, role = aws.create_subnet("10.0.9.0/24"), "arn:aws:iam::123456789012:role/nodes"
    aws.start_cluster("blue", 2, addresses=1, tags={"eks:cluster-name": "prod", "eks:nodegroup-name": "web"})
    eks = aws.client("eks")
    network = {"subnetIds": [subnet], "endpointPublicAccess": True}
    eks.create_cluster(name="prod", roleArn=role, resourcesVpcConfig=network)
    eks.create_nodegroup(
        clusterName="prod", nodegroupName="web", subnets=[subnet], nodeRole=role, scalingConfig={**NODES, "minSize": 2}
    )
    install()
    judge(aws, "eks", "update_cluster_config", {"name": "prod"}, (
        [{"resourcesVpcConfig": {"endpointPublicAccess": True}}],
        [{"resourcesVpcConfig": {"endpointPublicAccess": False}}, {"resourcesVpcConfig": {"subnetIds": ["subnet-1"]}}],
    ))  # fmt: skip
    judge(aws, "eks", "update_nodegroup_config", {"clusterName": "prod", "nodegroupName": "web"}, (
        [{"scalingConfig": {"desiredSize": 4}}], [{"scalingConfig": {"desiredSize": 1}}]))  # fmt: skip
