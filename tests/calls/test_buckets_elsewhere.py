"""Buckets in another region than their client's: the tagging API does not list them, so they are asked themselves.

Its answer is canned: moto lists the buckets of every region.
"""

from __future__ import annotations

import json

import pytest
from botocore.exceptions import ClientError

import guardrails

ACCOUNT = "123456789012"
GREEN, BLUE = ([{"Key": "Cluster", "Value": name}] for name in ("green", "blue"))


def lists(aws, site, *more):
    """What the tagging API shows: a machine of the live cluster, and these ARNs with their tags."""
    machine = f"arn:aws:ec2:eu-west-1:{ACCOUNT}:instance/{site.blue.instance_ids[0]}"
    rows = [{"ResourceARN": arn, "Tags": tags} for arn, tags in [(machine, BLUE), *more]]
    aws.reply("GetResources", json.dumps({"ResourceTagMappingList": rows}))


@pytest.fixture
def buckets(aws, site, install):
    """Buckets of both clusters, and one without tags; blue is live. What was asked for them is counted from here on."""
    s3 = aws.client("s3")
    for name, tags in (("blue-data", BLUE), ("green-data", GREEN), ("nobodys", None)):
        s3.create_bucket(Bucket=name, CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
        if tags:
            s3.put_bucket_tagging(Bucket=name, Tagging={"TagSet": tags})
    lists(aws, site)
    install()
    aws.clear()
    return s3


def changes(aws):
    """The requests that arrived and are no look-ups."""
    return [each.operation for each in aws.requests if each.operation.startswith(("PUT ", "DELETE "))]


HARMFUL = {
    "delete_bucket": {},
    "delete_bucket_tagging": {},
    "put_bucket_tagging": {"Tagging": {"TagSet": GREEN}},
    "put_public_access_block": {"PublicAccessBlockConfiguration": {"BlockPublicAcls": True}},
}


@pytest.mark.parametrize("method", HARMFUL)
def test_the_live_clusters(method, buckets, aws):
    """It stays as it is, with its tags; the same call on the other cluster's arrives."""
    with pytest.raises(guardrails.CallDenied) as denied:
        getattr(buckets, method)(Bucket="blue-data", **HARMFUL[method])
    assert "blue" in str(denied.value)
    assert changes(aws) == []
    getattr(buckets, method)(Bucket="green-data", **HARMFUL[method])
    assert len(changes(aws)) == 1


def test_one_without_tags(buckets, aws):
    """It may get its first tags; who uses it is not known, so it is not deleted."""
    buckets.put_bucket_tagging(Bucket="nobodys", Tagging={"TagSet": GREEN})
    assert len(changes(aws)) == 1
    buckets.delete_bucket_tagging(Bucket="nobodys")
    aws.clear()
    with pytest.raises(guardrails.CallDenied):
        buckets.delete_bucket(Bucket="nobodys")
    assert changes(aws) == []


def test_one_that_does_not_exist(buckets):
    """AWS answers that itself: a bucket that is not there has no tags to lose."""
    with pytest.raises(ClientError, match="NoSuchBucket"):
        buckets.put_bucket_tagging(Bucket="missing", Tagging={"TagSet": GREEN})


def test_without_the_permission(buckets, aws):
    """Whose it is stays unknown, so its tags stay; the message names the permission."""
    aws.answer("GET /blue-data", 403, "AccessDenied", "no")
    with pytest.raises(guardrails.CallDenied, match="s3:GetBucketTagging"):
        buckets.put_bucket_tagging(Bucket="blue-data", Tagging={"TagSet": GREEN})
    assert changes(aws) == []


def test_what_is_listed_is_not_asked(buckets, aws, site):
    """A bucket that the tagging API shows takes no look-up of its own."""
    lists(aws, site, ("arn:aws:s3:::green-data", GREEN))
    buckets.delete_bucket(Bucket="green-data")
    assert not [each for each in aws.requests if each.operation.startswith("GET /green-data")]
