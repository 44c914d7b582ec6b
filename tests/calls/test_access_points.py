"""Access points of S3 that have no tag: they are their bucket's.

In moto's own process: botocore puts the account in front of S3 Control's host, which no server on the loopback has.
"""

from __future__ import annotations

import boto3
import pytest
from moto import mock_aws

import guardrails

ACCOUNT = "123456789012"
POLICY = '{"Version": "2012-10-17", "Statement": []}'


@pytest.fixture
def control(aws, install, monkeypatch):
    """S3 Control of an account where blue is live; `orders` leads to its bucket and `spare` to green's."""
    monkeypatch.delenv("AWS_ENDPOINT_URL")
    with mock_aws():
        s3, control = boto3.client("s3"), boto3.client("s3control")
        blue = aws.start_cluster("blue", 1, addresses=1)
        aws.start_cluster("green", 1)
        for cluster, point in (("blue", "orders"), ("green", "spare")):
            where = {"LocationConstraint": "eu-west-1"}
            s3.create_bucket(Bucket=f"{cluster}-data", CreateBucketConfiguration=where)
            tags = [{"Key": "Cluster", "Value": cluster}]
            s3.put_bucket_tagging(Bucket=f"{cluster}-data", Tagging={"TagSet": tags})
            control.create_access_point(AccountId=ACCOUNT, Name=point, Bucket=f"{cluster}-data")
        install(live={"eip_addresses": [*blue.public_ips]})
        yield control


def points(control):
    return {each["Name"] for each in control.list_access_points(AccountId=ACCOUNT)["AccessPointList"]}


def test_an_access_point_without_a_tag(control):
    """That of the live cluster's bucket stays, and that of the other cluster's may go."""
    with pytest.raises(guardrails.CallDenied) as denied:
        control.delete_access_point(AccountId=ACCOUNT, Name="orders")
    assert [violation.rule for violation in denied.value.decision.violations] == ["live-cluster/traffic"]
    assert "blue" in str(denied.value)
    control.delete_access_point(AccountId=ACCOUNT, Name="spare")
    assert points(control) == {"orders"}


def test_its_policy(control):
    """Who may use the live cluster's access point stays as it is; the other's may change."""
    with pytest.raises(guardrails.CallDenied):
        control.put_access_point_policy(AccountId=ACCOUNT, Name="orders", Policy=POLICY)
    control.put_access_point_policy(AccountId=ACCOUNT, Name="spare", Policy=POLICY)
    assert control.get_access_point_policy(AccountId=ACCOUNT, Name="spare")["Policy"]


def test_an_access_point_that_does_not_exist(control):
    """A call on it is sent, for AWS to answer."""
    control.delete_access_point(AccountId=ACCOUNT, Name="missing")
    assert points(control) == {"orders", "spare"}
