"""aiobotocore: the same calls with await. They run in an environment that has it; see aio.py."""

from __future__ import annotations

import asyncio
from typing import Any

from tests.transparency.kinds_governed import PROTECTED, TAKEN
from tests.transparency.registry import case

_PLACE = {"LocationConstraint": "eu-west-1"}


async def _ending(call: Any) -> Any:
    try:
        return await call
    except Exception as error:
        return [type(error).__name__, str(error)]


@case("ec2: pages, filters and a waiter", protocol="ec2")
async def aio_ec2(t):
    async with t.client("ec2") as ec2:
        pages = [
            page async for page in ec2.get_paginator("describe_subnets").paginate(PaginationConfig={"PageSize": 5})
        ]
        whole = (
            await ec2.get_paginator("describe_instance_types").paginate(InstanceTypes=["m5.large"]).build_full_result()
        )
        await (await _waiter(ec2, "vpc_available")).wait(VpcIds=[(await ec2.describe_vpcs())["Vpcs"][0]["VpcId"]])
        return [pages, whole["InstanceTypes"][0]["VCpuInfo"]]


async def _waiter(client: Any, name: str) -> Any:
    found = client.get_waiter(name)
    return await found if asyncio.iscoroutine(found) else found


@case("s3: bodies of bytes and a file, read in pieces", protocol="rest-xml s3")
async def aio_s3(t):
    async with t.client("s3") as s3:
        await s3.create_bucket(Bucket="things", CreateBucketConfiguration=_PLACE)
        put = await s3.put_object(Bucket="things", Key="a b/ü", Body=b"x" * 3000, Metadata={"m": "v"})
        with t.file("body", b"file" * 1000).open("rb") as body:
            await s3.put_object(Bucket="things", Key="file", Body=body, ContentMD5="0HUn/6Bqn+xvM+T3DO1oDA==")
        got = await s3.get_object(Bucket="things", Key="a b/ü")
        async with got["Body"] as stream:
            pieces = [len(piece) async for piece in stream.iter_chunks(1000)]
        return [put["ETag"], got["Metadata"], pieces, (await s3.list_objects_v2(Bucket="things"))["KeyCount"]]


@case("s3: in parts", protocol="rest-xml s3")
async def aio_s3_parts(t):
    async with t.client("s3") as s3:
        await s3.create_bucket(Bucket="things", CreateBucketConfiguration=_PLACE)
        where = {"Bucket": "things", "Key": "big"}
        upload = (await s3.create_multipart_upload(**where))["UploadId"]
        sizes = (5 << 20, 100)
        sent = [
            await s3.upload_part(**where, UploadId=upload, PartNumber=number, Body=b"p" * size)
            for number, size in enumerate(sizes, 1)
        ]
        parts = [{"ETag": part["ETag"], "PartNumber": number} for number, part in enumerate(sent, 1)]
        await s3.complete_multipart_upload(**where, UploadId=upload, MultipartUpload={"Parts": parts})
        return (await s3.head_object(**where))["ContentLength"]


@case("s3: a bucket that is not there", protocol="rest-xml s3", raises="NoSuchBucket")
async def aio_s3_missing(t):
    async with t.client("s3") as s3:
        await s3.list_objects_v2(Bucket="nobody")


@case("presigned: a URL and a form", protocol="presign")
async def aio_presigned(t):
    async with t.client("s3") as s3:
        form = await s3.generate_presigned_post("b", "k", ExpiresIn=60)
        url = await s3.generate_presigned_url("get_object", Params={"Bucket": "b", "Key": "k"}, ExpiresIn=60)
        # The form's policy has the time in it.
        return [url, form["url"], sorted(form["fields"])]


@case("dynamodb: items and a condition that fails", protocol="json 1.0")
async def aio_dynamodb(t):
    async with t.client("dynamodb") as dynamodb:
        await dynamodb.create_table(
            TableName="t",
            KeySchema=[{"AttributeName": "k", "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": "k", "AttributeType": "S"}],
            BillingMode="PAY_PER_REQUEST",
        )
        item = {"k": {"S": "Action=StopInstances"}, "b": {"B": b"\0\xff"}}
        put = await dynamodb.put_item(TableName="t", Item=item)
        again = {"TableName": "t", "Item": item, "ConditionExpression": "attribute_not_exists(k)"}
        refused = await _ending(dynamodb.put_item(**again))
        return [put, refused, await dynamodb.get_item(TableName="t", Key={"k": item["k"]})]


@case("sns: query, with a topic that is not there", protocol="query")
async def aio_sns(t):
    async with t.client("sns") as sns:
        topic = (await sns.create_topic(Name="t"))["TopicArn"]
        found = await sns.publish(TopicArn=topic, Message="i-1 & i-2", MessageAttributes={})
        missing = await _ending(sns.publish(TopicArn=topic + "x", Message="m"))
        return [sorted(found), missing]


@case("apigateway and lambda: rest-json", protocol="rest-json")
async def aio_rest(t):
    async with t.client("apigateway") as gateway, t.client("lambda") as functions:
        made = await gateway.create_rest_api(name="n", description="Action=StopInstances")
        missing = await _ending(functions.get_function(FunctionName="none"))
        return [made["name"], (await functions.list_functions())["Functions"], missing]


@case("httpx instead of aiohttp", protocol="clients")
async def aio_httpx(t):
    from aiobotocore.httpxsession import HttpxSession

    async with t.client("s3", http_session_cls=HttpxSession) as s3:
        await s3.create_bucket(Bucket="things", CreateBucketConfiguration=_PLACE)
        await s3.put_object(Bucket="things", Key="k", Body=b"x" * 100)
        return await (await s3.get_object(Bucket="things", Key="k"))["Body"].read()


@case("calls side by side", protocol="clients", unordered=True)
async def aio_side_by_side(t):
    async with t.client("ec2") as ec2, t.client("s3") as s3:
        calls = [_ending(s3.head_bucket(Bucket=f"bucket{number}")) for number in range(5)]
        return await asyncio.gather(*calls, *[ec2.describe_key_pairs() for _ in range(3)])


@case("parameters that botocore refuses", protocol="ec2")
async def aio_bad_params(t):
    async with t.client("ec2") as ec2:
        return [await _ending(ec2.describe_instances(InstanceIds="i-1")), await _ending(ec2.terminate_instances())]


@case("a server that hangs up, and one that is not there", protocol="clients", raises="EndpointConnectionError")
async def aio_errors(t):
    async with t.client("ec2") as ec2:
        t.control.fault("DescribeVpcs", 503, "RequestLimitExceeded", "slower", 1)
        retried = await ec2.describe_vpcs()
    async with t.client("ec2", endpoint_url=t.control.closed_url) as closed:
        await closed.describe_vpcs()
    return retried


@case("governed: terminate, and wait", protocol="governed", decisions=1, looks_up=TAKEN + PROTECTED)
async def aio_terminate(t):
    ids = t.world["green"]
    async with t.client("ec2") as ec2:
        found = await ec2.terminate_instances(InstanceIds=ids)
        await (await _waiter(ec2, "instance_terminated")).wait(InstanceIds=ids)
        return found


@case("governed: two, one after the other", protocol="governed", decisions=2, looks_up=TAKEN * 2)
async def aio_governed_two(t):
    first, second = t.world["green"]
    async with t.client("ec2") as ec2:
        return [await ec2.reboot_instances(InstanceIds=[first]), await ec2.reboot_instances(InstanceIds=[second])]


@case("governed: a rehearsal on a live machine", protocol="governed", decisions=1, raises="ClientError")
async def aio_dry_run(t):
    ids = t.world["blue"]
    async with t.client("ec2") as ec2:
        await ec2.terminate_instances(InstanceIds=ids, DryRun=True)


@case("governed: throttled", protocol="governed", decisions=1, looks_up=TAKEN)
async def aio_throttled(t):
    ids = t.world["green"]
    t.control.fault("StopInstances", 503, "RequestLimitExceeded", "slower", 1)
    async with t.client("ec2", retries={"mode": "standard", "total_max_attempts": 3}) as ec2:
        return await ec2.stop_instances(InstanceIds=ids)
