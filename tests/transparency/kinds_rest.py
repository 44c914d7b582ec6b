"""REST with XML (but for S3) and with JSON, and the event streams."""

from __future__ import annotations

import io
import os

from botocore.awsrequest import AWSResponse

from tests.transparency.answers import events, reply
from tests.transparency.registry import MACHINES, MARKED, case


@case(
    "route53: a zone and its records",
    protocol="rest-xml",
    decisions=1,
    looks_up=(*MACHINES, "DescribeInstanceStatus", "/hostedzone/<zone>/rrset"),
)
def route53_records(t):
    route53 = t.client("route53")
    zone = route53.create_hosted_zone(Name="example.com.", CallerReference="r")["HostedZone"]["Id"]
    record = {"Name": "www.example.com.", "Type": "A", "TTL": 60, "ResourceRecords": [{"Value": "192.0.2.1"}]}
    batch = {"Changes": [{"Action": "UPSERT", "ResourceRecordSet": record}]}
    changed = route53.change_resource_record_sets(HostedZoneId=zone, ChangeBatch=batch)
    pages = route53.get_paginator("list_resource_record_sets").paginate(HostedZoneId=zone)
    return [changed["ChangeInfo"]["Status"], list(pages.search("ResourceRecordSets[].Name")), zone[:12]]


@case("cloudfront: a missing distribution, and the list", protocol="rest-xml")
def cloudfront_list(t):
    cloudfront = t.client("cloudfront")
    try:
        cloudfront.get_distribution(Id="nothing")
    except cloudfront.exceptions.NoSuchDistribution as error:
        return [str(error), cloudfront.list_distributions()]


@case("lambda: the list, and a missing function", protocol="rest-json")
def lambda_missing(t):
    functions = t.client("lambda")
    found = functions.list_functions()
    try:
        functions.invoke(FunctionName="nothing", Payload=b'{"Action": "TerminateInstances"}')
    except functions.exceptions.ResourceNotFoundException as error:
        return [found, str(error), error.response]


@case("lambda: a payload streamed back", protocol="rest-json", inside=False)
def lambda_invoke(t):
    t.control.can("/invocations", reply(200, b"x" * 70_000, {"X-Amz-Executed-Version": "1"}))
    answer = t.client("lambda").invoke(FunctionName="f", Payload=io.BytesIO(b"{}"), LogType="Tail")
    return [answer.pop("Payload").read(), answer]


@case("apigateway: an API with resources and methods", protocol="rest-json", decisions=1, looks_up=MARKED)
def apigateway_apis(t):
    gateway = t.client("apigateway")
    api = gateway.create_rest_api(name="a", tags={"a": "b"})["id"]
    root = gateway.get_resources(restApiId=api)["items"][0]["id"]
    method = gateway.put_method(restApiId=api, resourceId=root, httpMethod="GET", authorizationType="NONE")
    gateway.update_rest_api(restApiId=api, patchOperations=[{"op": "replace", "path": "/name", "value": "b"}])
    names = [found["name"] for found in gateway.get_rest_apis()["items"]]
    return [method, names, gateway.delete_rest_api(restApiId=api)]


@case(
    "eks: a cluster, and the paths with its name",
    protocol="rest-json",
    decisions=1,
    looks_up=("/clusters/live", "/clusters/live/fargate-profiles", *MACHINES),
)
def eks_clusters(t):
    eks = t.client("eks")
    made = eks.create_cluster(name="live", roleArn="arn:aws:iam::123456789012:role/r", resourcesVpcConfig={})
    arn = made["cluster"]["arn"]
    eks.tag_resource(resourceArn=arn, tags={"a": "b"})
    return [made["cluster"]["status"], eks.list_clusters(), eks.delete_cluster(name="live")["cluster"]["name"]]


@case("glacier: an archive, with the hashes that botocore adds", protocol="rest-json")
def glacier_archive(t):
    glacier = t.client("glacier")
    glacier.create_vault(vaultName="v")
    put = glacier.upload_archive(vaultName="v", body=io.BytesIO(b"a" * 3_000_000))
    return [put["checksum"], put["archiveId"], glacier.list_vaults()]


@case("batch, kafka, iot-data: REST-JSON with and without bodies", protocol="rest-json")
def rest_json_services(t):
    iot = t.client("iot-data")
    t.client("iot").create_thing(thingName="x")
    shadow = iot.update_thing_shadow(thingName="x", payload=b'{"state": {"desired": {"on": true}}}')["payload"].read()
    return [len(shadow) > 20, t.client("batch").describe_job_queues(), t.client("kafka").list_clusters()]


@case("resource groups tagging: harmless reads of a governed service", protocol="json 1.1")
def tagging_reads(t):
    t.client("ec2").create_volume(AvailabilityZone="eu-west-1a", Size=1)
    return t.client("resourcegroupstaggingapi").get_paginator("get_resources").paginate().build_full_result()


@case("lambda: a response that comes as events", protocol="event stream", inside=False)
def lambda_stream(t):
    chunks = [("PayloadChunk", b"one"), ("PayloadChunk", b"two"), ("InvokeComplete", {})]
    t.control.can("/response-streaming-invocations", events(*chunks))
    answer = t.client("lambda").invoke_with_response_stream(FunctionName="f", Payload=b"{}")
    return list(answer["EventStream"])


@case("bedrock-runtime: events, and an exception among them", protocol="event stream", inside=False)
def bedrock_stream(t):
    chunks = [("chunk", {"bytes": "aGVsbG8="}), ("throttlingException", {"message": "slower"})]
    t.control.can("/invoke-with-response-stream", events(*chunks))
    answer = t.client("bedrock-runtime").invoke_model_with_response_stream(modelId="m", body=b"{}")
    found = []
    try:
        # What came before the exception counts, so no comprehension.
        for event in answer["body"]:
            found += [event]
    except Exception as error:
        return [found, type(error).__name__, str(error), error.response]


@case("bedrock-runtime: a bearer token instead of a signature", protocol="rest-json", inside=False)
def bedrock_bearer(t):
    # It wants https, so a handler answers.
    seen = []

    def answer(request, **_):
        seen.append([request.method, request.url, request.headers["Authorization"]])
        return AWSResponse(request.url, 200, {"Content-Type": "application/json"}, Raw(b"{}"))

    os.environ["AWS_BEARER_TOKEN_BEDROCK"] = "token"
    try:
        bedrock = t.client("bedrock-runtime", endpoint_url="https://bedrock.example.com")
        bedrock.meta.events.register_first("before-send", answer)
        return [bedrock.invoke_model(modelId="m", body=b"{}")["body"].read(), seen]
    finally:
        del os.environ["AWS_BEARER_TOKEN_BEDROCK"]


class Raw(io.BytesIO):
    """What botocore reads of a response of urllib3's."""

    def stream(self, **_):
        return iter([self.read()])


@case("kinesis: subscribed to a shard", protocol="event stream", inside=False)
def kinesis_subscription(t):
    record = {"SequenceNumber": "1", "Data": "aGVsbG8=", "PartitionKey": "p"}
    event = {"Records": [record], "ContinuationSequenceNumber": "2", "MillisBehindLatest": 0}
    t.control.can("/", events(("initial-response", {}), ("SubscribeToShardEvent", event)))
    answer = t.client("kinesis").subscribe_to_shard(
        ConsumerARN="arn:aws:kinesis:eu-west-1:123456789012:stream/s/consumer/c:1",
        ShardId="shardId-000000000000",
        StartingPosition={"Type": "LATEST"},
    )
    return list(answer["EventStream"])
