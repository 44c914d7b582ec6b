"""Buckets in another region than their client's: the tagging API does not list them, so they are asked themselves.

Its answer is canned: moto lists the buckets of every region.
"""

from __future__ import annotations

import json

import boto3
import pytest
from botocore.awsrequest import AWSResponse
from botocore.exceptions import ClientError
from moto import mock_aws

import guardrails

ACCOUNT = "123456789012"
GREEN, BLUE = ([{"Key": "Cluster", "Value": name}] for name in ("green", "blue"))


def listed(blue, *more):
    """What the tagging API shows: a machine of the live cluster, and these ARNs with their tags."""
    machine = f"arn:aws:ec2:eu-west-1:{ACCOUNT}:instance/{blue.instance_ids[0]}"
    rows = [{"ResourceARN": arn, "Tags": tags} for arn, tags in [(machine, BLUE), *more]]
    return json.dumps({"ResourceTagMappingList": rows})


@pytest.fixture
def buckets(aws, site, install):
    """Buckets of both clusters, and one without tags; blue is live. What was asked for them is counted from here on."""
    s3 = aws.client("s3")
    for name, tags in (("blue-data", BLUE), ("green-data", GREEN), ("nobodys", None)):
        s3.create_bucket(Bucket=name, CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
        if tags:
            s3.put_bucket_tagging(Bucket=name, Tagging={"TagSet": tags})
    aws.reply("GetResources", listed(site.blue))
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
    "put_public_access_block": {"PublicAccessBlockConfiguration": {"IgnorePublicAcls": True}},
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
    aws.reply("GetResources", listed(site.blue, ("arn:aws:s3:::green-data", GREEN)))
    buckets.delete_bucket(Bucket="green-data")
    assert not [each for each in aws.requests if each.operation.startswith("GET /green-data")]


REDIRECT = b"<Error><Code>PermanentRedirect</Code><Message>another endpoint</Message></Error>"


@pytest.fixture
def redirected(aws, install, monkeypatch):
    """S3 at the names of AWS's hosts: that of the client's region sends calls for these buckets on to us-west-2.

    In moto's own process, which answers for all regions alike: what differs is said here.
    """
    from moto.core.botocore_stubber import BotocoreStubber, MockRawResponse

    monkeypatch.delenv("AWS_ENDPOINT_URL")
    arrived, answer = [], BotocoreStubber.__call__

    def at_aws(stubber, event_name, request, **more):
        if request.url.startswith("https://tagging."):
            return AWSResponse(request.url, 200, {}, MockRawResponse(listed(blue).encode()))
        if "-data.s3.eu-west-1." in request.url:
            return AWSResponse(request.url, 301, {"x-amz-bucket-region": "us-west-2"}, MockRawResponse(REDIRECT))
        arrived.append(f"{request.method} {request.url}")
        return answer(stubber, event_name, request, **more)

    with mock_aws():
        blue = aws.start_cluster("blue", 1, addresses=1)
        aws.start_cluster("green", 1)
        west = boto3.client("s3", region_name="us-west-2")
        for name in ("blue", "green"):
            where = {"LocationConstraint": "us-west-2"}
            west.create_bucket(Bucket=f"{name}-data", CreateBucketConfiguration=where)
            west.put_bucket_tagging(Bucket=f"{name}-data", Tagging={"TagSet": [{"Key": "Cluster", "Value": name}]})
        monkeypatch.setattr(BotocoreStubber, "__call__", at_aws)
        install(live={"eip_addresses": [*blue.public_ips]})
        yield arrived


def test_the_look_up_goes_where_the_bucket_is(redirected):
    """As the call itself, it follows S3 to the other region: the other cluster's is tagged, the live one's is not."""
    s3 = boto3.client("s3")
    s3.put_bucket_tagging(Bucket="green-data", Tagging={"TagSet": GREEN})
    with pytest.raises(guardrails.CallDenied, match="blue"):
        s3.put_bucket_tagging(Bucket="blue-data", Tagging={"TagSet": GREEN})
    assert [each for each in redirected if each.startswith("PUT ")] == [
        "PUT https://green-data.s3.us-west-2.amazonaws.com/?tagging"
    ]


def test_a_client_of_a_region_without_the_machines(redirected):
    """Who is live there says nothing about the bucket: it stays as it is, and the message names the way forward."""
    s3 = boto3.client("s3", region_name="us-west-2")
    for method, more in HARMFUL.items():
        with pytest.raises(guardrails.CallDenied) as denied:
            getattr(s3, method)(Bucket="blue-data", **more)
        assert "not in us-west-2: make the call with a client for their region" in str(denied.value), method
    assert not [each for each in redirected if each.startswith(("PUT ", "DELETE "))]


def test_names_that_are_no_buckets(aws, site, install):
    """A restore may name a bucket with a prefix behind it: the call arrives, though no bucket can be asked about."""
    install()
    backup = aws.client("backup")
    with pytest.raises(ClientError, match="404"):
        backup.start_restore_job(
            RecoveryPointArn=f"arn:aws:backup:eu-west-1:{ACCOUNT}:recovery-point:1", ResourceType="S3",
            Metadata={"DestinationBucketName": "somewhere/below", "NewBucket": "false"},
        )  # fmt: skip
