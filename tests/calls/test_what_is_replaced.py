"""Policies and numbers that a call puts in the place of others: what they allowed is lost. Counted at the server."""

from __future__ import annotations

import json
from functools import partial

import pytest
from attrs import frozen

from guardrails.testing import SimulatedAWS
from tests.calls.test_further_services import arn, filled, tag
from tests.support import rest

pytestmark = pytest.mark.every(3)

LIVE, OTHER = "blue", "green"
ACCOUNT = "123456789012"


def allow(action: str, role: str = "app", **more: object) -> dict[str, object]:
    """A statement that lets a role do something."""
    about = {"Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:role/{role}"}, "Resource": "*"}
    return {"Effect": "Allow", "Action": action, **about, **more}


def policy(*statements: dict[str, object]) -> str:
    """A policy document."""
    return json.dumps({"Version": "2012-10-17", "Statement": [*statements]})


NOTHING = policy()


@frozen
class Kept:
    """A service with a policy on each of its resources, and the ways to write it: `made(client, name)` is its name."""

    service: str
    action: str
    made: object
    put: object


def queue(client, name):
    return client.create_queue(QueueName=name, tags={"Cluster": name})["QueueUrl"]


def topic(client, name):
    return client.create_topic(Name=name, Tags=[{"Key": "Cluster", "Value": name}])["TopicArn"]


def secret(client, name):
    tags = [{"Key": "Cluster", "Value": name}]
    return client.create_secret(Name=name, SecretString="x", Tags=tags)["ARN"]


def repository(client, name):
    client.create_repository(repositoryName=name)
    return name


def key(client, name):
    return client.create_key(Tags=[{"TagKey": "Cluster", "TagValue": name}])["KeyMetadata"]["Arn"]


KEPT = {
    "sqs": Kept("sqs", "sqs:SendMessage", queue, lambda name, text: (
        "set_queue_attributes", {"QueueUrl": name, "Attributes": {"Policy": text}})),
    "sns": Kept("sns", "sns:Publish", topic, lambda name, text: (
        "set_topic_attributes", {"TopicArn": name, "AttributeName": "Policy", "AttributeValue": text})),
    "secretsmanager": Kept("secretsmanager", "secretsmanager:GetSecretValue", secret, lambda name, text: (
        "put_resource_policy", {"SecretId": name, "ResourcePolicy": text})),
    "ecr": Kept("ecr", "ecr:BatchGetImage", repository, lambda name, text: (
        "set_repository_policy", {"repositoryName": name, "policyText": text})),
    "kms": Kept("kms", "kms:Decrypt", key, lambda name, text: (
        "put_key_policy", {"KeyId": name, "PolicyName": "default", "Policy": text})),
}  # fmt: skip
HARM = {"kms": "storage"}


@pytest.fixture
def site(aws: SimulatedAWS, install, monkeypatch):
    """Blue is live, green is not."""
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    for name in (LIVE, OTHER):
        aws.start_cluster(name, 1, addresses=name == LIVE)
    return install


@pytest.mark.cases(10)
@pytest.mark.parametrize("kind", KEPT)
def test_a_policy_that_loses_a_permission(kind, site, aws):
    """Another policy without the application's statement stays away from the live one; more permissions arrive."""
    kept = KEPT[kind]
    client, own = aws.client(kept.service), allow(kept.action)
    names = {cluster: kept.made(client, cluster) for cluster in (LIVE, OTHER)}
    for name in names.values():
        method, params = kept.put(name, policy(own, allow("*", "admin")))
        getattr(client, method)(**params)
    if kind == "ecr":
        tag(aws, **{name: arn("ecr", f"repository/{name}") for name in names})
    site()
    attempt = partial(rest.attempt, aws, kept.service)
    for lost in (NOTHING, policy(allow("*", "admin")), policy(own, {**own, "Effect": "Deny"})):
        assert attempt(*kept.put(names[LIVE], lost)) == {f"live-cluster/{HARM.get(kind, 'traffic')}", "None"}
        assert attempt(*kept.put(names[OTHER], lost)) is None
    assert attempt(*kept.put(names[LIVE], policy(allow("*", "admin"), own, allow(kept.action, "new")))) is None


LOST = [
    ("sqs", queue, "set_queue_attributes", lambda name: {"QueueUrl": name, "Attributes": {"Policy": ""}}),
    ("sqs", queue, "remove_permission", lambda name: {"QueueUrl": name, "Label": "x"}),
    ("sns", topic, "remove_permission", lambda name: {"TopicArn": name, "Label": "x"}),
    ("secretsmanager", secret, "delete_resource_policy", lambda name: {"SecretId": name}),
    ("ecr", repository, "delete_repository_policy", lambda name: {"repositoryName": name}),
]


@pytest.mark.cases(10)
@pytest.mark.parametrize(("service", "made", "method", "params"), LOST, ids=[f"{row[0]}.{row[2]}" for row in LOST])
def test_a_policy_that_goes(service, made, method, params, site, aws):
    """Taking a policy away, or one permission in it, is the same; of the other cluster it arrives."""
    client = aws.client(service)
    names = {cluster: made(client, cluster) for cluster in (LIVE, OTHER)}
    kept = KEPT[service]
    for name in names.values():
        put, given = kept.put(name, policy(allow(kept.action, Sid="app")))
        getattr(client, put)(**given)
    if service == "ecr":
        tag(aws, **{name: arn("ecr", f"repository/{name}") for name in names})
    site()
    assert rest.attempt(aws, service, method, params(names[LIVE])) == {"live-cluster/traffic", "None"}
    assert rest.attempt(aws, service, method, params(names[OTHER])) is None


def test_a_policy_that_is_not_there(site, aws):
    """Where there is no policy, a first one arrives, and so does deleting none."""
    client = aws.client("ecr")
    repository(client, LIVE)
    tag(aws, blue=arn("ecr", f"repository/{LIVE}"))
    aws.answer("GetRepositoryPolicy", 400, "RepositoryPolicyNotFoundException", "none")
    site()
    first = {"repositoryName": LIVE, "policyText": policy(allow("ecr:BatchGetImage"))}
    assert rest.attempt(aws, "ecr", "set_repository_policy", first) is None
    assert rest.attempt(aws, "ecr", "delete_repository_policy", {"repositoryName": LIVE}) is None


def test_numbers_of_a_queue(site, aws):
    """A delay, smaller messages and another key stay away from the live queue; what is there once more arrives."""
    urls = {name: queue(aws.client("sqs"), name) for name in (LIVE, OTHER)}
    now = aws.client("sqs").get_queue_attributes(QueueUrl=urls[LIVE], AttributeNames=["All"])["Attributes"]
    site()
    put = lambda name, **numbers: rest.attempt(
        aws, "sqs", "set_queue_attributes", {"QueueUrl": urls[name], "Attributes": numbers}
    )
    for worse in ({"DelaySeconds": "900"}, {"MaximumMessageSize": "1024"}, {"KmsMasterKeyId": "alias/other"}):
        assert put(LIVE, **worse) == {"live-cluster/traffic", "None"}
        assert put(OTHER, **worse) is None
    same = ("DelaySeconds", "MaximumMessageSize", "MessageRetentionPeriod", "VisibilityTimeout")
    assert put(LIVE, **{name: now[name] for name in same}) is None


def test_a_subscription_of_a_live_topic(site, aws):
    """A subscription is its topic's: it stays as it is while the topic is live."""
    client = aws.client("sns")
    made = lambda name: client.subscribe(
        TopicArn=topic(client, name), Protocol="sqs", Endpoint=arn("sqs", name), ReturnSubscriptionArn=True
    )["SubscriptionArn"]
    names = {name: made(name) for name in (LIVE, OTHER)}
    site()
    nothing = {"AttributeName": "FilterPolicy", "AttributeValue": '{"none": ["x"]}'}
    for method, more in (("set_subscription_attributes", nothing), ("unsubscribe", {})):
        call = lambda name: rest.attempt(aws, "sns", method, {"SubscriptionArn": names[name], **more})  # noqa: B023
        assert call(LIVE) == {"live-cluster/traffic", "None"}
        assert call(OTHER) is None


LAMBDA = [
    ("put_function_concurrency", {"FunctionName": "{0}", "ReservedConcurrentExecutions": 1}),
    ("remove_permission", {"FunctionName": "{0}", "StatementId": "x"}),
    ("update_function_url_config", {"FunctionName": "{0}", "AuthType": "AWS_IAM"}),
]


@pytest.mark.parametrize(("method", "params"), LAMBDA, ids=[row[0] for row in LAMBDA])
def test_a_function_that_refuses_callers(method, params, site, aws):
    """Fewer calls at once, a permission less and signed calls only: the live function keeps its callers."""
    tag(aws, **{name: arn("lambda", f"function:{name}") for name in (LIVE, OTHER)})
    site()
    assert rest.attempt(aws, "lambda", method, filled(params, LIVE, "")) == {"live-cluster/traffic", "None"}
    assert rest.attempt(aws, "lambda", method, filled(params, OTHER, "")) is None


MAPPINGS = [{"FunctionName": "other"}, {"FilterCriteria": {"Filters": [{"Pattern": "{}"}]}}]


@pytest.mark.parametrize("params", MAPPINGS, ids=["another function", "a filter"])
def test_events_that_no_longer_reach_a_function(params, site, aws):
    """Another function and a filter take the live function's events away."""
    ids = {LIVE: "b1111111-2222-3333-4444-555555555555", OTHER: "c1111111-2222-3333-4444-555555555555"}
    tag(aws, **{name: arn("lambda", f"event-source-mapping:{ids[name]}") for name in ids})
    site()
    update = lambda name: rest.attempt(aws, "lambda", "update_event_source_mapping", {"UUID": ids[name], **params})
    assert update(LIVE) == {"live-cluster/traffic", "None"}
    assert update(OTHER) is None
