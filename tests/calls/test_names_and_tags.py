"""Each spelling of a resource's name, and the tag that says whose it is: harmful beside innocent, at the server.

The tagging API's answer is canned: moto lists the tags of few services there. One world serves the cases of a test.
"""

from __future__ import annotations

import json

import pytest

from tests.support import rest

pytestmark = pytest.mark.every(3)

ARN = "arn:aws:{}:eu-west-1:123456789012:{}"
NAMES = ("blue", "green")
DENY = '{"Statement": [{"Effect": "Deny", "Principal": "*", "Action": "*", "Resource": "*"}]}'
IDS = {"blue": "0f1e2d3c-4b5a-6978-8796-a5b4c3d2e1f0", "green": "1f1e2d3c-4b5a-6978-8796-a5b4c3d2e1f0"}
# What the tagging API lists of each cluster, by its name and an id.
RESOURCES = (
    ("secretsmanager", "secret:{name}-AbCdEf"), ("secretsmanager", "secret:{name}/db-GhIjKl"),
    ("lambda", "function:{name}"), ("ecr", "repository/{name}/app"), ("logs", "log-group:/app/{name}:*"),
    ("redshift-serverless", "workgroup/{id}"), ("sqs", "{name}"), ("sns", "{name}"), ("kinesis", "stream/{name}"),
    ("acm", "certificate/{id}"), ("events", "rule/{name}"), ("cloudwatch", "alarm:{name}"),
    ("iam", "oidc-provider/{name}"), ("redshift", "cluster:{name}"), ("es", "domain/{name}"),
    ("states", "stateMachine:{name}"), ("dax", "cache/{name}"), ("mq", "broker:{name}:b-{id}"),
    ("transfer", "server/{name}"), ("glue", "job/{name}"), ("athena", "workgroup/{name}"),
)  # fmt: skip


@pytest.fixture
def world(aws, places, install, monkeypatch):
    """Blue is live; the tagging API lists the resources of both clusters."""
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    rows = [
        (name, ARN.format(service, resource.format(name=name, id=IDS[name])))
        for name in NAMES
        for service, resource in (*RESOURCES, ("ec2", f"instance/{places[name].machine}"))
    ]
    mapping = [{"ResourceARN": arn, "Tags": [{"Key": "Cluster", "Value": name}]} for name, arn in rows]
    aws.reply("GetResources", json.dumps({"ResourceTagMappingList": mapping}))
    install(live={"eip_addresses": [places["blue"].public_ip]}, long_tail=True)
    return places


SECRET = ("secretsmanager", "put_resource_policy", "SecretId", {"ResourcePolicy": DENY})
FUNCTION = ("lambda", "put_function_concurrency", "FunctionName", {"ReservedConcurrentExecutions": 0})
REPOSITORY = ("ecr", "delete_repository", "repositoryName", {})
LOGS = ("logs", "delete_log_group", "logGroupName", {})
SPELLINGS = [
    (SECRET, "{}"), (SECRET, "{}/db"), (SECRET, ARN.format("secretsmanager", "secret:{}")),
    (SECRET, ARN.format("secretsmanager", "secret:{}-AbCdEf")),
    (SECRET, ARN.format("secretsmanager", "secret:{}/db-GhIjKl")),
    (FUNCTION, "{}"), (FUNCTION, "{}:live"), (FUNCTION, "{}:$LATEST"), (FUNCTION, "123456789012:function:{}"),
    (FUNCTION, "123456789012:function:{}:live"), (FUNCTION, ARN.format("lambda", "function:{}")),
    (FUNCTION, ARN.format("lambda", "function:{}:live")), (REPOSITORY, "{}/app"), (LOGS, "/app/{}"),
]  # fmt: skip


def test_each_spelling_means_the_same(world, aws):
    """A secret, function, repository or log group is found by each form of its name and its ARN; green's is free."""
    for (service, method, parameter, more), spelling in SPELLINGS:
        for name in NAMES:
            denied = rest.attempt(aws, service, method, {parameter: spelling.format(name), **more})
            assert (denied is None) == (name == "green"), (spelling, name, denied)


def test_another_with_the_same_end(world, aws):
    """A name counts as a whole: "db" and "app" are not those below "blue/"."""
    for (service, method, parameter, more), other in ((SECRET, "db"), (REPOSITORY, "app"), (LOGS, "blue")):
        assert rest.attempt(aws, service, method, {parameter: other, **more}) is None, service


def test_arns_that_end_with_an_id(world, aws):
    """What the ARN does not name is described first; where the live cluster has such ARNs, other names are unknown."""
    delete = ("redshift-serverless", "delete_workgroup")
    for name in NAMES:
        arn = ARN.format("redshift-serverless", f"workgroup/{IDS[name]}")
        aws.reply("GetWorkgroup", json.dumps({"workgroup": {"workgroupName": name, "workgroupArn": arn}}))
        denied = rest.attempt(aws, *delete, {"workgroupName": f"{name}-shop"})
        assert (denied is None) == (name == "green"), denied
    assert rest.attempt(aws, "redshift-serverless", "delete_snapshot", {"snapshotName": "x"}) > {"None"}


def untag(service, method, resource, parameter="ResourceArn", keys="TagKeys", of=""):
    return (
        service,
        method,
        lambda name, key: {
            parameter: resource.format(name=name, id=IDS[name])
            if resource.startswith("http")
            else ARN.format(of or service, resource.format(name=name, id=IDS[name])),
            keys: [key],
        },
    )


UNTAGS = [
    untag("sqs", "untag_queue", "https://sqs.eu-west-1.amazonaws.com/123456789012/{name}", "QueueUrl"),
    untag("sns", "untag_resource", "{name}"),
    untag("secretsmanager", "untag_resource", "secret:{name}-AbCdEf", "SecretId"),
    untag("secretsmanager", "untag_resource", "secret:{name}/db", "SecretId"),
    untag("lambda", "untag_resource", "function:{name}", "Resource"),
    untag("redshift", "delete_tags", "cluster:{name}", "ResourceName"),
    untag("iam", "untag_open_id_connect_provider", "oidc-provider/{name}", "OpenIDConnectProviderArn"),
    untag("events", "untag_resource", "rule/{name}", "ResourceARN"),
    untag("cloudwatch", "untag_resource", "alarm:{name}", "ResourceARN"),
    untag("kinesis", "untag_resource", "stream/{name}", "ResourceARN"),
    untag("ecr", "untag_resource", "repository/{name}/app", "resourceArn", "tagKeys"),
    untag("logs", "untag_resource", "log-group:/app/{name}", "resourceArn", "tagKeys"),
    untag("es", "remove_tags", "domain/{name}", "ARN"),
    untag("opensearch", "remove_tags", "domain/{name}", "ARN", of="es"),
    untag("stepfunctions", "untag_resource", "stateMachine:{name}", "resourceArn", "tagKeys", of="states"),
    untag("dax", "untag_resource", "cache/{name}", "ResourceName"),
    untag("mq", "delete_tags", "broker:{name}:b-{id}", "ResourceArn"),
    untag("transfer", "untag_resource", "server/{name}", "Arn"),
    untag("glue", "untag_resource", "job/{name}", "ResourceArn", "TagsToRemove"),
    untag("athena", "untag_resource", "workgroup/{name}", "ResourceARN"),
    untag("resourcegroupstaggingapi", "untag_resources", "{name}", of="sns", parameter="ResourceARNList"),
]  # fmt: skip


def test_the_tag_that_says_whose_it_is(world, aws):
    """The cluster tag stays on what belongs to the live cluster, by each service's own operation; green's may go."""
    for service, method, params in UNTAGS:
        for name, key, may in (("blue", "Cluster", False), ("green", "Cluster", True), ("blue", "Owner", True)):
            call = params(name, key)
            if "ResourceARNList" in call:
                call["ResourceARNList"] = [call["ResourceARNList"]]
            denied = rest.attempt(aws, service, method, call)
            assert (denied is None) == may, (service, name, key, denied)
            assert may or denied >= {"protection/retag"}, (service, denied)


RETAGS = [
    ("sqs", "tag_queue", lambda value: {"QueueUrl": "https://x/1/blue", "Tags": {"Cluster": value}}),
    ("sns", "tag_resource", lambda value: {"ResourceArn": ARN.format("sns", "blue"), "Tags": [
        {"Key": "Cluster", "Value": value}]}),
    ("secretsmanager", "tag_resource", lambda value: {"SecretId": "blue", "Tags": [
        {"Key": "Cluster", "Value": value}]}),
    ("lambda", "tag_resource", lambda value: {"Resource": ARN.format("lambda", "function:blue"), "Tags": {
        "Cluster": value}}),
    ("redshift", "create_tags", lambda value: {"ResourceName": ARN.format("redshift", "cluster:blue"), "Tags": [
        {"Key": "Cluster", "Value": value}]}),
]  # fmt: skip


def test_another_value_for_the_same_tag(world, aws):
    """Another value takes it from the live cluster like an untagging; the same value once more takes nothing."""
    for service, method, params in RETAGS:
        assert rest.attempt(aws, service, method, params("red")) >= {"protection/retag"}, service
        assert rest.attempt(aws, service, method, params("blue")) is None, service
