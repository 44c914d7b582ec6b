"""JSON 1.0 and 1.1, and CBOR."""

from __future__ import annotations

import struct

from tests.transparency.answers import reply
from tests.transparency.registry import MARKED, case

_TABLE = {
    "TableName": "t",
    "KeySchema": [{"AttributeName": "k", "KeyType": "HASH"}],
    "AttributeDefinitions": [{"AttributeName": "k", "AttributeType": "S"}],
    "BillingMode": "PAY_PER_REQUEST",
}


@case("dynamodb: table, waiter, items, conditions", protocol="json 1.0")
def dynamodb_items(t):
    dynamodb = t.client("dynamodb")
    dynamodb.create_table(**_TABLE)
    dynamodb.get_waiter("table_exists").wait(TableName="t")
    item = {"k": {"S": "Action=StopInstances"}, "n": {"N": "1"}, "b": {"B": b"\0\xff"}, "l": {"L": [{"NULL": True}]}}
    put = dynamodb.put_item(TableName="t", Item=item)
    try:
        dynamodb.put_item(TableName="t", Item=item, ConditionExpression="attribute_not_exists(k)")
    except dynamodb.exceptions.ConditionalCheckFailedException as error:
        refused = [str(error), error.response]
    pages = dynamodb.get_paginator("scan").paginate(TableName="t").build_full_result()
    written = {"Put": {"TableName": "t", "Item": {"k": {"S": "x"}}}}
    done = dynamodb.transact_write_items(TransactItems=[written])
    return [put, refused, pages, dynamodb.get_item(TableName="t", Key={"k": item["k"]}), done]


@case("dynamodb: resource with a batch writer and conditions", protocol="json 1.0")
def dynamodb_resource(t):
    from boto3.dynamodb.conditions import Attr, Key

    table = t.resource("dynamodb").create_table(**_TABLE)
    table.wait_until_exists()
    with table.batch_writer() as batch:
        for number in range(30):
            batch.put_item(Item={"k": str(number), "v": {"deep": [number, "x"]}})
    found = table.query(KeyConditionExpression=Key("k").eq("3"))
    return [table.item_count, str(found["Items"]), table.scan(FilterExpression=Attr("k").begins_with("2"))["Count"]]


@case("dynamodb: the account's own endpoint", protocol="json 1.0")
def dynamodb_account_endpoint(t):
    session = t.make_session("testing", "testing", aws_account_id="123456789012")
    return t.real("dynamodb", session=session, account_id_endpoint_mode="required").list_tables()


@case("sqs: messages one by one and in batches", protocol="json 1.0")
def sqs_messages(t):
    sqs = t.client("sqs")
    queue = sqs.create_queue(QueueName="q")["QueueUrl"].rpartition("/")[2]
    url = sqs.get_queue_url(QueueName=queue)["QueueUrl"]
    sent = sqs.send_message(QueueUrl=url, MessageBody="i-1 & i-2")
    batch = sqs.send_message_batch(QueueUrl=url, Entries=[{"Id": str(n), "MessageBody": "x" * n} for n in (1, 2)])
    got = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10, WaitTimeSeconds=0)["Messages"]
    return [sent, batch, sorted(message["Body"] for message in got)]


@case("sqs: a queue that is not there", protocol="json 1.0", raises="QueueDoesNotExist")
def sqs_missing(t):
    t.client("sqs").get_queue_url(QueueName="nothing")


@case("stepfunctions: host prefix, and none", protocol="json 1.0")
def stepfunctions_prefix(t):
    document = {"stateMachineArn": "arn:aws:states:eu-west-1:123456789012:stateMachine:m"}
    found = []
    for config in ({}, {"inject_host_prefix": False}):
        try:
            t.real("stepfunctions", **config).start_sync_execution(**document)
        except Exception as error:
            found.append([type(error).__name__, str(error)])
    return found


@case(
    "ssm: parameters that are no pointers, and their history",
    protocol="json 1.1",
    decisions=1,
    looks_up=(*MARKED, "AmazonSSM.GetParameter"),
)
def ssm_parameters(t):
    ssm = t.client("ssm")
    put = ssm.put_parameter(Name="/app/x", Value="i-1", Type="SecureString", Overwrite=True)
    pages = ssm.get_paginator("get_parameters_by_path").paginate(Path="/app", Recursive=True)
    return [put, ssm.get_parameter(Name="/app/x", WithDecryption=True), list(pages), ssm.describe_parameters()]


@case("ssm: a parameter that is not there", protocol="json 1.1", raises="ParameterNotFound")
def ssm_missing(t):
    t.client("ssm").get_parameter(Name="/nothing")


@case("kinesis: records in and out", protocol="json 1.1")
def kinesis_records(t):
    kinesis = t.client("kinesis")
    kinesis.create_stream(StreamName="s", ShardCount=1)
    kinesis.get_waiter("stream_exists").wait(StreamName="s")
    records = [{"Data": bytes([number]) * 9, "PartitionKey": str(number)} for number in range(3)]
    put = kinesis.put_records(StreamName="s", Records=records)
    shard = kinesis.list_shards(StreamName="s")["Shards"][0]["ShardId"]
    place = kinesis.get_shard_iterator(StreamName="s", ShardId=shard, ShardIteratorType="TRIM_HORIZON")
    got = kinesis.get_records(ShardIterator=place["ShardIterator"])["Records"]
    return [put, [[record["Data"], record["PartitionKey"]] for record in got]]


@case("logs: groups, events, and a filter over pages", protocol="json 1.1")
def logs_events(t):
    logs = t.client("logs")
    logs.create_log_group(logGroupName="g", tags={"a": "b"})
    logs.create_log_stream(logGroupName="g", logStreamName="s")
    now = 1_700_000_000_000
    events = [{"timestamp": now + number, "message": f"Action={number}"} for number in range(3)]
    put = logs.put_log_events(logGroupName="g", logStreamName="s", logEvents=events)
    pages = logs.get_paginator("filter_log_events").paginate(logGroupName="g")
    return [put["rejectedLogEventsInfo"], list(pages.search("events[].message")), logs.describe_log_groups()]


@case("ecs, secretsmanager, kms, stepfunctions: JSON that is not governed", protocol="json 1.1")
def json_services(t):
    secrets, kms = t.client("secretsmanager"), t.client("kms")
    secrets.create_secret(Name="s", SecretBinary=b"\0x")
    key = kms.create_key(Description="k")["KeyMetadata"]["KeyId"]
    return [
        t.client("ecs").create_cluster(clusterName="c"),
        secrets.get_secret_value(SecretId="s")["SecretBinary"],
        kms.describe_key(KeyId=key)["KeyMetadata"]["KeySpec"],
        t.client("stepfunctions").list_state_machines(),
    ]


@case("cloudwatch: a body above 10 kB is compressed", protocol="json 1.0")
def cloudwatch_compressed(t):
    cloudwatch = t.client("cloudwatch")
    data = [{"MetricName": f"metric-{number}", "Value": number, "Unit": "Count"} for number in range(300)]
    return [
        cloudwatch.put_metric_data(Namespace="n", MetricData=data),
        cloudwatch.put_metric_data(Namespace="n", MetricData=data[:1]),
        len(cloudwatch.list_metrics(Namespace="n")["Metrics"]),
    ]


@case("timestream-write: the endpoint is asked for first", protocol="json 1.0")
def timestream_discovery(t):
    timestream = t.client("timestream-write", endpoint_discovery_enabled=True)
    return [timestream.create_database(DatabaseName="d"), timestream.list_databases()]


@case("eventbridgev2: CBOR there and back", protocol="cbor", inside=False)
def cbor_call(t):
    bus = "arn:aws:events:eu-west-1:123456789012:event-bus/b"
    t.control.can("/operation/CreateEventBus", _cbor(200, {"EventBusArn": bus}))
    return t.client("eventbridgev2").create_event_bus(Name="b", Tags={"Action": "TerminateInstances"})


@case("eventbridgev2: an error in CBOR", protocol="cbor", inside=False, raises="ResourceNotFoundException")
def cbor_error(t):
    error = {"__type": "com.amazonaws#ResourceNotFoundException", "message": "no such bus"}
    t.control.can("/operation/DescribeEventBus", _cbor(400, error))
    t.client("eventbridgev2").describe_event_bus(EventBusArn="arn:aws:events:eu-west-1:123456789012:event-bus/b")


def _cbor(status, members):
    body = bytes([0xA0 + len(members)])
    for text in (text for pair in members.items() for text in pair):
        body += b"\x79" + struct.pack(">H", len(text)) + text.encode()
    return reply(status, body, {"Content-Type": "application/cbor", "smithy-protocol": "rpc-v2-cbor"})
