"""Access points of S3 that Cloud Control, a stack or an ARN names, and those of directory buckets and of Outposts.

The tests say what the simulated AWS answers: moto has no tags of access points, and none of the other kinds.
"""

from __future__ import annotations

import json

import pytest

import guardrails

ACCOUNT = "123456789012"
ZONE = "--euw1-az1--x"
NAMESPACE = 'xmlns="http://cloudformation.amazonaws.com/doc/2010-05-15/"'
OUTPOST = f"arn:aws:s3-outposts:eu-west-1:{ACCOUNT}:outpost/op-01ac5d28a6a232904"


def point(aws, name, bucket, service="s3"):
    arn = f"arn:aws:{service}:eu-west-1:{ACCOUNT}:accesspoint/{name}"
    aws.reply(
        f"GET /v20180820/accesspoint/{name}",
        f"<GetAccessPointResult><Name>{name}</Name><Bucket>{bucket}</Bucket><AccessPointArn>{arn}</AccessPointArn>"
        "</GetAccessPointResult>",
    )


@pytest.fixture
def shop(aws, site, install, hosts_without_accounts):
    """`orders` and `cache` lead to buckets of the live cluster, `spare` and `store` to green's; no point has a tag."""
    owned = {f"arn:aws:ec2:eu-west-1:{ACCOUNT}:instance/{each}": "blue" for each in site.blue.instance_ids}
    owned |= {f"arn:aws:s3:::{name}-data": name for name in ("blue", "green")}
    owned |= {f"arn:aws:s3express:eu-west-1:{ACCOUNT}:bucket/{name}{ZONE}-s3": name for name in ("blue", "green")}
    owned |= {f"{OUTPOST}/bucket/{name}": name for name in ("blue", "green")}
    tags = [{"ResourceARN": arn, "Tags": [{"Key": "Cluster", "Value": name}]} for arn, name in owned.items()]
    aws.reply("GetResources", json.dumps({"ResourceTagMappingList": tags}))
    point(aws, "orders", "blue-data")
    point(aws, "spare", "green-data")
    point(aws, f"cache{ZONE}a-s3", f"blue{ZONE}-s3", "s3express")
    point(aws, f"store{ZONE}a-s3", f"green{ZONE}-s3", "s3express")
    install()
    return aws


def by_cloud_control(aws, name):
    done = {"TypeName": "AWS::S3::AccessPoint", "Identifier": name, "OperationStatus": "IN_PROGRESS"}
    aws.reply("DeleteResource", json.dumps({"ProgressEvent": done}))
    aws.client("cloudcontrol").delete_resource(TypeName="AWS::S3::AccessPoint", Identifier=name)


def by_a_stack(aws, name):
    row = (
        f"<member><LogicalResourceId>P</LogicalResourceId><PhysicalResourceId>{name}</PhysicalResourceId><ResourceType>"
        "AWS::S3::AccessPoint</ResourceType><ResourceStatus>CREATE_COMPLETE</ResourceStatus></member>"
    )
    listed = f"<ListStackResourcesResult><StackResourceSummaries>{row}</StackResourceSummaries>"
    answer = f"<ListStackResourcesResponse {NAMESPACE}>{listed}</ListStackResourcesResult></ListStackResourcesResponse>"
    aws.reply("ListStackResources", answer)
    aws.reply("DeleteStack", f"<DeleteStackResponse {NAMESPACE}/>")
    aws.client("cloudformation").delete_stack(StackName=f"points-{name}")


def by_a_tag(aws, name):
    arn = f"arn:aws:s3:eu-west-1:{ACCOUNT}:accesspoint/{name}"
    aws.reply(f"POST /v20180820/tags/{arn}", "<TagResourceResult/>")
    aws.client("s3control").tag_resource(
        AccountId=ACCOUNT, ResourceArn=arn, Tags=[{"Key": "Cluster", "Value": "blue-green"}]
    )


def changes(aws):
    """What arrived and is no look-up."""
    asked = ("Describe", "Get", "List", "GET ")
    return [each.operation for each in aws.requests if not each.operation.startswith(asked)]


@pytest.mark.parametrize("way", [by_cloud_control, by_a_stack, by_a_tag])
def test_a_point_that_is_named_otherwise(way, shop):
    """That of the live cluster's bucket stays, with its tags; green's may go."""
    shop.clear()
    with pytest.raises(guardrails.CallDenied):
        way(shop, "orders")
    assert changes(shop) == []
    way(shop, "spare")
    assert len(changes(shop)) == 1


@pytest.mark.parametrize("change", ["delete_access_point", "put_access_point_scope"])
def test_a_point_of_a_directory_bucket(change, shop):
    """It is its bucket's, too."""
    more = {"Scope": {"Prefixes": ["x"]}} if change == "put_access_point_scope" else {}
    shop.clear()
    with pytest.raises(guardrails.CallDenied):
        getattr(shop.client("s3control"), change)(AccountId=ACCOUNT, Name=f"cache{ZONE}a-s3", **more)
    assert changes(shop) == []
    with pytest.raises(shop.client("s3control").exceptions.ClientError, match="NoSuchBucket"):
        getattr(shop.client("s3control"), change)(AccountId=ACCOUNT, Name=f"store{ZONE}a-s3", **more)
    assert len(changes(shop)) == 1


def test_a_bucket_of_an_outpost(shop):
    """Its tag decides, as anywhere: that of the live cluster stays, and the request for another one can be read."""
    control = shop.client("s3control")
    shop.clear()
    with pytest.raises(guardrails.CallDenied) as denied:
        control.delete_bucket(AccountId=ACCOUNT, Bucket=f"{OUTPOST}/bucket/blue")
    assert denied.value.decision.unavailable is None
    assert changes(shop) == []
    with pytest.raises(control.exceptions.ClientError, match="NoSuchBucket"):
        control.delete_bucket(AccountId=ACCOUNT, Bucket=f"{OUTPOST}/bucket/green")
    assert len(changes(shop)) == 1


def test_a_point_of_another_kind(shop):
    """One of Object Lambda with the same name as the live cluster's point is another one."""
    shop.clear()
    with pytest.raises(shop.client("s3control").exceptions.ClientError):
        shop.client("s3control").delete_access_point_for_object_lambda(AccountId=ACCOUNT, Name="orders")
    assert len(changes(shop)) == 1


@pytest.mark.parametrize("where", ["s3:", "s3-object-lambda:eu-west-1"])
def test_the_arn_of_a_point_of_another_kind(where, shop):
    """The live cluster's point with the same name is not asked for, and does not decide about it."""
    arn = f"arn:aws:{where}:{ACCOUNT}:accesspoint/orders"
    shop.reply(f"POST /v20180820/tags/{arn}", "<TagResourceResult/>")
    shop.clear()
    shop.client("s3control").tag_resource(
        AccountId=ACCOUNT, ResourceArn=arn, Tags=[{"Key": "Cluster", "Value": "blue-green"}]
    )
    assert not any(each.operation.startswith("GET /v20180820/accesspoint") for each in shop.requests)
    assert len(changes(shop)) == 1
