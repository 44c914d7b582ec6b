"""A schedule that makes a call of AWS later is judged like that call, with the parameters in its input."""

from __future__ import annotations

import json
import re

import botocore.session
import pytest

from guardrails.aws.service_names import key_of
from guardrails.classify.catalogue import Catalogue
from tests.calls.test_same_act_other_api import databases
from tests.support import rest

pytestmark = pytest.mark.every(3)


@pytest.fixture
def places(places, install):
    """Blue is live, green is not."""
    built = tuple(places.values())
    install(live={"eip_addresses": [built[0].public_ip]})
    return built


def schedule(aws, call, params, method="create_schedule"):
    content = params if isinstance(params, str) else json.dumps(params)
    target = {"Arn": f"arn:aws:scheduler:::aws-sdk:{call}", "RoleArn": "arn:aws:iam::1:role/r", "Input": content}
    named = {"Name": "night", "ScheduleExpression": "at(2030-01-01T03:00:00)", "FlexibleTimeWindow": {"Mode": "OFF"}}
    return rest.attempt(aws, "scheduler", method, {**named, "Target": target})


CALLS = [
    ("ec2:terminateInstances", lambda p: {"InstanceIds": [p.machine]}, "live-cluster/terminate"),
    ("ec2:stopInstances", lambda p: {"instanceIds": [p.machine]}, "live-cluster/stop"),
    ("ec2:disassociateAddress", lambda p: {"AssociationId": p.association}, "addresses/release"),
    ("ec2:releaseAddress", lambda p: {"AllocationId": p.allocation}, "addresses/release"),
    (
        "ec2:deleteRoute",
        lambda p: {"RouteTableId": p.route_table, "DestinationCidrBlock": "::/0"},
        "network/route-table",
    ),
    (
        "ec2:createRoute",
        lambda p: {"RouteTableId": p.route_table, "DestinationCidrBlock": "10.50.0.0/16"},
        "network/route-table",
    ),
    ("ec2:createNetworkAclEntry", lambda p: {"NetworkAclId": p.acl, "RuleAction": "deny"}, "network/acl"),
    ("ec2:deleteVolume", lambda p: {"VolumeId": p.volume}, "live-cluster/storage"),
    (
        "ec2:modifyInstanceMetadataOptions",
        lambda p: {"InstanceId": p.machine, "HttpEndpoint": "disabled"},
        "network/machine",
    ),
    ("ec2:deleteTags", lambda p: {"Resources": [p.machine], "Tags": [{"Key": "Cluster"}]}, "protection/retag"),
    ("autoscaling:deleteAutoScalingGroup", lambda p: {"AutoScalingGroupName": p.asg}, "live-cluster/terminate"),
    (
        "autoscaling:setDesiredCapacity",
        lambda p: {"AutoScalingGroupName": p.asg, "DesiredCapacity": 0},
        "live-cluster/scale-in",
    ),
    (
        "autoscaling:updateAutoScalingGroup",
        lambda p: {"AutoScalingGroupName": p.asg, "MaxSize": 1},
        "live-cluster/scale-in",
    ),
    ("autoscaling:startInstanceRefresh", lambda p: {"AutoScalingGroupName": p.asg}, "live-cluster/replace"),
]


@pytest.mark.parametrize(("call", "params", "rule"), CALLS)
def test_scheduled_harm(call, params, rule, places, aws):
    """What would hurt the live cluster now is denied when it is scheduled, by either operation; green's is not."""
    blue, green = places
    for method in ("create_schedule", "update_schedule"):
        assert rule in (schedule(aws, call, params(blue), method) or ()), method
        assert schedule(aws, call, params(green), method) is None


@pytest.mark.parametrize(
    ("call", "params"),
    [
        ("ec2:startInstances", lambda p: {"InstanceIds": [p.machine]}),
        ("ec2:createSnapshot", lambda p: {"VolumeId": p.volume}),
        ("autoscaling:setDesiredCapacity", lambda p: {"AutoScalingGroupName": p.asg, "DesiredCapacity": 5}),
        ("autoscaling:updateAutoScalingGroup", lambda p: {"AutoScalingGroupName": p.asg, "DesiredCapacity": 3}),
        ("sqs:sendMessage", lambda p: {"MessageBody": p.machine}),
        ("ec2:createTags", lambda p: {"Resources": [p.machine], "Tags": [{"Key": "Owner", "Value": "x"}]}),
    ],
)
def test_scheduled_calls_that_hurt_no_one(call, params, places, aws):
    """A snapshot, a start or a larger group may be scheduled for the live cluster, and what is ungoverned."""
    assert schedule(aws, call, params(places[0])) is None


def test_a_schedule_that_cannot_be_read(places, aws):
    """An input that is not JSON may name any machine, if the call it is for could hurt one."""
    assert schedule(aws, "ec2:terminateInstances", "<machines>") >= {"live-cluster/empty-selector"}
    assert schedule(aws, "sqs:sendMessage", "<message>") is None


def test_other_targets_of_a_schedule(places, aws):
    """A schedule that starts a function is no call of AWS that the guard knows."""
    target = {"Arn": "arn:aws:lambda:eu-west-1:1:function:f", "RoleArn": "arn:aws:iam::1:role/r"}
    named = {"Name": "f", "ScheduleExpression": "rate(1 day)", "FlexibleTimeWindow": {"Mode": "OFF"}, "Target": target}
    assert rest.attempt(aws, "scheduler", "create_schedule", named) is None


ARN = "arn:aws:{}:eu-west-1:123456789012:{}"
NAMES = ("blue", "green")
# By the cluster tag: what is called later, by which name of its service; the service in ARNs, and the name there.
TAGGED = [
    ("lambda:deleteFunction", lambda n: {"FunctionName": n}, "lambda", "function:{}"),
    ("sqs:purgeQueue", lambda n: {"QueueUrl": f"https://sqs.eu-west-1.amazonaws.com/1/{n}"}, "sqs", "{}"),
    ("secretsmanager:deleteSecret", lambda n: {"SecretId": n}, "secretsmanager", "secret:{}-abcDEF"),
    ("kinesis:deleteStream", lambda n: {"StreamName": n}, "kinesis", "stream/{}"),
    ("ecr:deleteRepository", lambda n: {"RepositoryName": n}, "ecr", "repository/{}"),
    ("dax:deleteCluster", lambda n: {"ClusterName": n}, "dax", "cache/{}"),
    ("opensearch:deleteDomain", lambda n: {"DomainName": n}, "es", "domain/{}"),
    ("elasticsearch:deleteElasticsearchDomain", lambda n: {"DomainName": n}, "es", "domain/{}"),
    ("elasticsearchservice:deleteElasticsearchDomain", lambda n: {"DomainName": n}, "es", "domain/{}"),
    ("rds:deleteDBCluster", lambda n: {"DbClusterIdentifier": n}, "rds", "cluster:{}"),
    ("docdb:deleteDBCluster", lambda n: {"DbClusterIdentifier": n}, "rds", "cluster:{}"),
    ("neptune:stopDBCluster", lambda n: {"DbClusterIdentifier": n}, "rds", "cluster:{}"),
    ("emr:terminateJobFlows", lambda n: {"JobFlowIds": [n]}, "elasticmapreduce", "cluster/{}"),
    ("keyspaces:deleteKeyspace", lambda n: {"KeyspaceName": n}, "cassandra", "/keyspace/{}/"),
    ("keyspaces:deleteTable", lambda n: {"KeyspaceName": n, "TableName": "t"}, "cassandra", "/keyspace/{}/"),
    ("timestreamwrite:deleteDatabase", lambda n: {"DatabaseName": n}, "timestream", "database/{}"),
    ("vpclattice:deleteService", lambda n: {"ServiceIdentifier": n}, "vpc-lattice", "service/{}"),
    ("sfn:deleteStateMachine", lambda n: {"StateMachineArn": ARN.format("states", f"stateMachine:{n}")}, "states",
     "stateMachine:{}"),
    ("apigatewayv2:deleteStage", lambda n: {"ApiId": n, "StageName": "prod"}, "apigateway", "/apis/{}"),
    ("ecs:deleteService", lambda n: {"Cluster": n, "Service": "web"}, "ecs", "service/{}/web"),
    ("cloudcontrol:deleteResource", lambda n: {"TypeName": "AWS::RDS::DBCluster", "Identifier": n}, "rds",
     "cluster:{}"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("call", "params", "service", "resource"), TAGGED, ids=[f"{row[0]}.{number}" for number, row in enumerate(TAGGED)]
)
def test_scheduled_harm_to_what_is_tagged(call, params, service, resource, places, aws):
    """A schedule is judged with the names and ARNs of the later call's service: blue's stays, green's and others go."""
    rows = {ARN.format(service, resource.format(name)): name for name in NAMES}
    rows |= {ARN.format("ec2", f"instance/{each.machine}"): name for name, each in zip(NAMES, places, strict=True)}
    mapping = [{"ResourceARN": arn, "Tags": [{"Key": "Cluster", "Value": name}]} for arn, name in rows.items()]
    aws.reply("GetResources", json.dumps({"ResourceTagMappingList": mapping}))
    aws.reply("DescribeDBClusters", databases("DBCluster", {name: name for name in NAMES}))
    for method in ("create_schedule", "update_schedule"):
        rules = schedule(aws, call, params("blue"), method)
        assert rules > {"None"}, method
        assert "live-cluster/unresolved" not in rules, method
        assert schedule(aws, call, params("green"), method) is None, method


def test_names_of_services_in_the_sdks():
    """The name that AWS's SDKs have for each service of the catalogue, in any case, means the catalogue's key."""
    catalogue, session = Catalogue(long_tail=True), botocore.session.get_session()
    for name in session.get_available_services():
        model = session.get_service_model(name)
        key = catalogue.service_of(model.signing_name, model.api_version)
        same_api = name in ("docdb", "neptune")
        if key not in catalogue.services or (catalogue.service(key).service != name and not same_api):
            continue
        plain = re.sub("[^A-Za-z0-9]", "", str(model.service_id))
        for spelling in (plain, plain.lower(), plain.lower().removesuffix("service")):
            assert key_of(spelling, catalogue.services) == key, name
    assert key_of("sqs", Catalogue().services) == "sqs"
    assert key_of("new-service", catalogue.services) == "newservice"
