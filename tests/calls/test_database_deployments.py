"""Blue/green deployments of RDS: they are switched once they are ready, and a deployment alone may be deleted."""

from __future__ import annotations

import re

import pytest

import guardrails
from tests.calls.test_unknown_holders import attempt

STORAGE = {"live-cluster/storage", "None"}


@pytest.fixture
def deployment(site, aws):
    """A deployment of blue's database, whose copy has its tag: the parameters that name it."""
    rds = aws.client("rds")
    made = rds.create_db_instance(
        DBInstanceIdentifier="blue-db", Engine="mysql", MasterUsername="root", MasterUserPassword="secret-1",
        AllocatedStorage=20, DBInstanceClass="db.t3.small", Tags=[{"Key": "Cluster", "Value": "blue"}],
        BackupRetentionPeriod=1,
    )["DBInstance"]["DBInstanceArn"]  # fmt: skip
    rds.create_blue_green_deployment(BlueGreenDeploymentName="next", Source=made)
    (described,) = rds.describe_blue_green_deployments()["BlueGreenDeployments"]
    assert described["Status"] == "AVAILABLE"
    return {"BlueGreenDeploymentIdentifier": described["BlueGreenDeploymentIdentifier"]}


def changed(aws, operation, pattern, by):
    """Answer as moto does, with a change in every place."""
    server = aws.client("rds")
    texts = []
    server.meta.events.register("after-call.rds", lambda http_response, **_: texts.append(http_response.text))
    getattr(server, re.sub("(?<=[a-z])(?=[A-Z])", "_", operation.replace("DB", "Db")).lower())()
    assert re.search(pattern, texts[0])
    aws.reply(operation, re.sub(pattern, by, texts[0]))


def test_a_switch_to_databases_that_are_available(deployment, aws, install):
    """It arrives: users stay with the same cluster, and its green database is available."""
    install()
    assert attempt(aws, "rds", "switchover_blue_green_deployment", deployment) is None


@pytest.mark.parametrize(
    ("operation", "pattern", "by", "words"),
    [
        ("DescribeBlueGreenDeployments", "AVAILABLE", "PROVISIONING", "the deployment is PROVISIONING, not AVAILABLE"),
        ("DescribeDBInstances", ">available<", ">creating<", "not all targets of blue pass"),
        (
            "DescribeDBInstances",
            "<Value>blue</Value>",
            "<Value></Value>",
            "no look-up can tell whether the live cluster",
        ),
    ],
)
def test_a_switch_to_something_else(operation, pattern, by, words, deployment, aws, install):
    """A deployment or a database that is not available, or whose cluster is not known, is no safe switch."""
    changed(aws, operation, pattern, by)
    install()
    with pytest.raises(guardrails.CallDenied, match=re.escape(words)) as caught:
        aws.client("rds").switchover_blue_green_deployment(**deployment)
    (violation,) = caught.value.decision.violations
    assert violation.rule in ("live-cluster/switch", "indirect/untraced")
    assert aws.count("SwitchoverBlueGreenDeployment") == 0


@pytest.mark.parametrize("status", ["AVAILABLE", "SWITCHOVER_COMPLETED", "INVALID_CONFIGURATION"])
def test_a_deployment_alone_is_deleted(status, deployment, aws, install):
    """Both of its databases stay, so it arrives; with its target it does not."""
    changed(aws, "DescribeBlueGreenDeployments", "AVAILABLE", status)
    install()
    assert attempt(aws, "rds", "delete_blue_green_deployment", deployment) is None
    assert attempt(aws, "rds", "delete_blue_green_deployment", {**deployment, "DeleteTarget": False}) is None
    assert attempt(aws, "rds", "delete_blue_green_deployment", {**deployment, "DeleteTarget": True}) == STORAGE


@pytest.mark.parametrize("status", ["SWITCHOVER_IN_PROGRESS", "DELETING", "SOMETHING_NEW"])
def test_a_deployment_that_is_under_way(status, deployment, aws, install):
    """It stays, and the message says what would be deleted."""
    changed(aws, "DescribeBlueGreenDeployments", "AVAILABLE", status)
    install()
    with pytest.raises(guardrails.CallDenied, match="its databases stay"):
        aws.client("rds").delete_blue_green_deployment(**deployment)
    assert aws.count("DeleteBlueGreenDeployment") == 0


def test_a_deployment_that_is_the_only_evidence(deployment, aws, install):
    """While nothing else says what is live, it stays; beside the addresses it may go."""
    install(live={"sources": ["rds"]})
    assert attempt(aws, "rds", "delete_blue_green_deployment", deployment) == STORAGE
    guardrails.uninstall()
    install(live={"sources": ["rds", "eip"]})
    assert attempt(aws, "rds", "delete_blue_green_deployment", deployment) is None
