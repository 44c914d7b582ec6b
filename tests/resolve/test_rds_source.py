"""The source `rds`: live is the side of a blue/green deployment that has the applications."""

from __future__ import annotations

import pytest

from tests.support.sources import assert_denied_without, assert_protects, seen_by

DEPLOYMENT = """<DescribeBlueGreenDeploymentsResponse xmlns="http://rds.amazonaws.com/doc/2014-10-31/">
<DescribeBlueGreenDeploymentsResult><BlueGreenDeployments><member>
<BlueGreenDeploymentName>upgrade</BlueGreenDeploymentName><Source>{source}</Source><Target>{target}</Target>
<Status>{status}</Status></member></BlueGreenDeployments></DescribeBlueGreenDeploymentsResult>
</DescribeBlueGreenDeploymentsResponse>"""


@pytest.fixture
def shop(aws):
    """A database and machines for each side; deployment(status) cans the description of a blue/green deployment."""
    sides = [aws.start_cluster(name, 1) for name in ("blue", "green")]
    arns = {}
    for side in sides:
        made = aws.client("rds").create_db_instance(
            DBInstanceIdentifier=f"{side.name}-db", DBInstanceClass="db.t3.small", Engine="postgres",
            AllocatedStorage=20, MasterUsername="admin1", MasterUserPassword="not-a-secret",
            Tags=[{"Key": "Cluster", "Value": side.name}],
        )  # fmt: skip
        arns[side.name] = made["DBInstance"]["DBInstanceArn"]

    def deployment(status, source="blue"):
        text = DEPLOYMENT.format(source=arns.get(source, f"{arns['blue']}x"), target=arns["green"], status=status)
        aws.reply("DescribeBlueGreenDeployments", text)

    return aws, *sides, deployment


def test_before_and_after_the_switchover(shop, install):
    """The source is live, during the switchover both are, and then the target. The descriptions are canned."""
    aws, blue, green, deployment = shop
    deployment("AVAILABLE")
    live, report = seen_by("rds", aws, install)
    assert (live.clusters, live.known, live.disputed) == (("blue",), True, False)
    assert report.evidence == "blue has database blue-db, blue/green deployment upgrade (AVAILABLE)"
    assert_protects("rds", aws, install, blue, green)
    aws.start_cluster("green", 1)
    for status, expected in (("SWITCHOVER_IN_PROGRESS", ("blue", "green")), ("SWITCHOVER_COMPLETED", ("green",))):
        deployment(status)
        assert seen_by("rds", aws, install)[0].clusters == expected


def test_what_is_not_there(shop, site, install):
    """Without a deployment it is silent; with one whose database AWS does not show it is not known what is live."""
    aws, *_, deployment = shop
    live, report = seen_by("rds", aws, install)
    assert (report.silent, live.known, live.disputed) == (True, True, False)
    assert aws.count("DescribeDBInstances") == 0
    deployment("AVAILABLE", source="another")
    live, report = seen_by("rds", aws, install)
    assert not live.known
    assert "does not show the database blue-dbx" in report.evidence
    assert_denied_without("rds:DescribeBlueGreenDeployments", "rds", aws, install, site.green)
