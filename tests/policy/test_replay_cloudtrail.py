"""Replay of CloudTrail: calls that no guard saw, decided with facts from a snapshot or a decision log.

moto does not write CloudTrail files, so the tests write the records, in the forms of AWS's examples
(docs.aws.amazon.com, CloudTrail log file examples; the EC2 ones with `instancesSet`).
"""

from __future__ import annotations

import gzip
import json
import uuid

import boto3
import pytest
from click.testing import CliRunner
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import guardrails
from guardrails.cli.app import app
from guardrails.policy.replay.cloudtrail_params import translate

MODELS = boto3.Session()._session
EC2 = MODELS.get_service_model("ec2")


def record(operation, params, service="ec2", **more):
    return {
        "eventVersion": "1.10",
        "eventSource": f"{service}.amazonaws.com",
        "eventName": operation,
        "requestParameters": params,
        "userAgent": "[aws-cli/2.31.0 md/awscrt#0.28]",
        "eventTime": "2026-11-01T15:22:00Z",
        "awsRegion": "eu-west-1",
        "sourceIPAddress": "198.51.100.7",
        "recipientAccountId": "123456789012",
        "userIdentity": {"type": "IAMUser", "arn": "arn:aws:iam::123456789012:user/kim"},
        "eventID": str(uuid.uuid4()),
        **more,
    }


def machines(*ids):
    return {"instancesSet": {"items": [{"instanceId": name} for name in ids]}}


@pytest.fixture
def trail(tmp_path):
    """trail(*records): a folder like CloudTrail's bucket, with a file per day."""

    def write(*records, name="bucket"):
        day = tmp_path / name / "AWSLogs" / "123456789012" / "CloudTrail" / "eu-west-1" / "2026" / "11"
        for number, batch in enumerate((records[::2], records[1::2]), 1):
            file = day / f"{number:02}" / "123456789012_CloudTrail_eu-west-1_x.json.gz"
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(gzip.compress(json.dumps({"Records": batch}).encode()))
        return tmp_path / name

    return write


@pytest.fixture
def command(tmp_path):
    """command(*arguments, code): runs `guardrails policy` with a configuration of its own."""
    config = tmp_path / "guardrails.toml"
    config.write_text('[log]\npath = "decisions.jsonl"\n')

    def call(*arguments, code=0):
        done = CliRunner().invoke(app, ["policy", "--config", str(config), *map(str, arguments)])
        assert done.exit_code == code, done.output + repr(done.exception)
        return done

    return call


def test_calls_without_a_guard_are_decided_with_a_snapshot(site, aws, trail, command, tmp_path):
    """Calls on the live cluster would have been denied, those on staging not; all are marked as approximated."""
    bucket = trail(
        record("TerminateInstances", machines(*site.blue.instance_ids)),
        record("TerminateInstances", machines(*site.green.instance_ids)),
        record("ModifySubnetAttribute", {"subnetId": site.subnet, "mapPublicIpOnLaunch": {"value": False}}),
        record("DescribeInstances", {"instancesSet": {}, "filterSet": {}}),
    )
    snapshot = tmp_path / "snapshot.json"
    command("snapshot", bucket, "--output", snapshot, "--endpoint-url", aws.endpoint_url)
    assert {request.operation.partition("_")[0][:8] for request in aws.requests} == {"Describe"}
    assert oct(snapshot.stat().st_mode)[-3:] == "600"
    aws.clear()
    options = ("replay", "--cloudtrail", bucket, "--snapshot", snapshot, "--format", "json")
    result = json.loads(command(*options, code=1).stdout)
    assert not aws.requests
    assert (result["decisions"], result["approximated"]) == (3, 3)
    denied = {(change["call"], *change["targets"]) for change in result["changes"] if change["kind"] == "newly denied"}
    assert denied == {
        ("ec2:TerminateInstances", *sorted(site.blue.instance_ids)),
        ("ec2:ModifySubnetAttribute", site.subnet),
    }
    assert {change["approximated"] for change in result["changes"]} == {"snapshot"}
    assert result["people"] == {"arn:aws:iam::123456789012:user/kim": {"newly denied": 2}}
    assert list(result["programs"]) == ["aws-cli/2.31.0"]
    assert command(*options, "--jobs", "1", code=1).stdout == json.dumps(result, indent=2) + "\n"
    page = tmp_path / "page.html"
    pretty = command("replay", "--cloudtrail", bucket, "--snapshot", snapshot, "--html", page, code=1).stdout
    assert "approximated: the facts of 3" in pretty
    assert "Approximated:" in page.read_text()


def test_facts_from_the_log(site, install, trail, command):
    """Facts that a guard recorded about a machine are used for calls that bypassed it; other machines are unknown."""
    install()
    with pytest.raises(guardrails.CallDenied):
        site.ec2.stop_instances(InstanceIds=[site.blue.instance_ids[0]])
    guardrails.uninstall()
    bucket = trail(
        record("TerminateInstances", machines(site.blue.instance_ids[0])),
        record("TerminateInstances", machines(site.blue.instance_ids[1])),
    )
    done = command("replay", "--cloudtrail", bucket, "--format", "json", code=1)
    result = json.loads(done.stdout)
    (change,) = result["changes"]
    assert (change["targets"], change["approximated"]) == ([site.blue.instance_ids[0]], "log")
    assert result["left_out"] == {"without known facts": 1}
    assert site.blue.instance_ids[1] in result["faults"][0]


def test_what_is_left_out_is_counted(site, aws, install, log, trail, command, tmp_path):
    """Calls that the log has or that AWS made or refused, and invalid files, are counted by reason, not decided."""
    install()
    site.ec2.stop_instances(InstanceIds=[site.green.instance_ids[0]])
    guardrails.uninstall()
    seen = json.loads(log.read_text().splitlines()[-1])["decision_id"]
    one = machines(site.green.instance_ids[0])
    snapshot = tmp_path / "snapshot.json"
    small = trail(record("StopInstances", one), name="small")
    command("snapshot", small, "--output", snapshot, "--endpoint-url", aws.endpoint_url)
    bucket = trail(
        record("StopInstances", one, userAgent=f"Boto3/1 md/guardrails#{seen}"),
        record("StopInstances", one, userIdentity={"invokedBy": "autoscaling.amazonaws.com"}),
        record("StopInstances", one, errorCode="Client.UnauthorizedOperation"),
        record("StopInstances", {**one, "hurryUp": True}),
        record("StopInstances", one, recipientAccountId="999999999999"),
        record("StopInstances", one, awsRegion="eu-north-1"),
        record("StopInstances", one, eventTime="yesterday"),
    )
    (bucket / "half.json").write_text('{"Records": [{')
    (bucket / "none.json").write_text("{}")
    done = command("replay", log, "--cloudtrail", bucket, "--snapshot", snapshot, "--format", "json")
    result = json.loads(done.stdout)
    assert result["decisions"] == 1
    assert result["left_out"] == {
        "decided without some parameters": 1,
        "already in the decision log; replay that instead": 1,
        "made by AWS itself": 1,
        "without known facts": 3,
        "refused by AWS": 1,
        "unreadable": 2,
    }
    for sentence in (
        "unknown hurryUp",
        "account 123456789012, the call in 999999999999",
        "eu-north-1",
        "is not a time",
    ):
        assert sentence in " ".join(result["faults"])


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("no", "not a snapshot"),
        ('{"schema": 9}', "schema 9, not 1"),
        ('{"schema": 1, "taken_at": "x", "regions": {}}', "not a snapshot"),
        ("[]", "not a snapshot"),
    ],
)
def test_not_a_snapshot(text, sentence, tmp_path, command, trail):
    """A file that is not a snapshot is one sentence, which says how to take one."""
    (tmp_path / "s.json").write_text(text)
    done = command("replay", "--cloudtrail", trail(), "--snapshot", tmp_path / "s.json", code=2)
    assert sentence in done.stderr
    assert "guardrails policy snapshot" in done.stderr


FORMS = [
    ("ec2", "TerminateInstances", machines("i-1", "i-2"), {"InstanceIds": ["i-1", "i-2"]}),
    ("ec2", "StopInstances", machines("i-1") | {"force": True}, {"InstanceIds": ["i-1"], "Force": True}),
    (
        "ec2",
        "RunInstances",
        {"instancesSet": {"items": [{"imageId": "ami-1", "minCount": 1, "maxCount": 2}]}, "instanceType": "t3.micro"},
        {"ImageId": "ami-1", "MinCount": 1, "MaxCount": 2, "InstanceType": "t3.micro"},
    ),
    (
        "ec2",
        "ModifySubnetAttribute",
        {"subnetId": "subnet-1", "mapPublicIpOnLaunch": {"value": "false"}},
        {"SubnetId": "subnet-1", "MapPublicIpOnLaunch": {"Value": False}},
    ),
    (
        "ec2",
        "CreateTags",
        {"resourcesSet": {"items": [{"resourceId": "i-1"}]}, "tagSet": {"items": [{"key": "Cluster", "value": "x"}]}},
        {"Resources": ["i-1"], "Tags": [{"Key": "Cluster", "Value": "x"}]},
    ),
    (
        "ec2",
        "UnassignPrivateIpAddresses",
        {"networkInterfaceId": "eni-1", "privateIpAddressesSet": {"privateIpAddress": ["10.0.0.9"]}},
        {"NetworkInterfaceId": "eni-1", "PrivateIpAddresses": ["10.0.0.9"]},
    ),
    (
        "ec2",
        "AssociateAddress",
        {"allocationId": "eipalloc-1", "instanceId": "i-1", "allowReassociation": True},
        {"AllocationId": "eipalloc-1", "InstanceId": "i-1", "AllowReassociation": True},
    ),
    (
        "ec2",
        "DeleteVpcEndpoints",
        {"DeleteVpcEndpointsRequest": {"VpcEndpointId": {"tag": 1, "content": "vpce-1"}}},
        {"VpcEndpointIds": ["vpce-1"]},
    ),
    (
        "autoscaling",
        "UpdateAutoScalingGroup",
        {"autoScalingGroupName": "blue", "minSize": 0, "desiredCapacity": 0},
        {"AutoScalingGroupName": "blue", "MinSize": 0, "DesiredCapacity": 0},
    ),
    (
        "elbv2",
        "DeregisterTargets",
        {"targetGroupArn": "arn:x", "targets": [{"id": "i-1", "port": 80}]},
        {"TargetGroupArn": "arn:x", "Targets": [{"Id": "i-1", "Port": 80}]},
    ),
    ("rds", "DeleteDBInstance", {"dBInstanceIdentifier": "db"}, {"DBInstanceIdentifier": "db"}),
    (
        "route53",
        "ChangeResourceRecordSets",
        {"hostedZoneId": "Z1", "changeBatch": {"changes": [{"action": "DELETE", "resourceRecordSet": {"name": "a"}}]}},
        {"HostedZoneId": "Z1", "ChangeBatch": {"Changes": [{"Action": "DELETE", "ResourceRecordSet": {"Name": "a"}}]}},
    ),
    ("s3", "DeleteBucket", {"bucketName": "b"}, {"Bucket": "b"}),
]


@pytest.mark.parametrize(("service", "operation", "recorded", "expected"), FORMS, ids=[form[1] for form in FORMS])
def test_forms(service, operation, recorded, expected):
    """CloudTrail's form of a call becomes the one that botocore takes, with nothing left over."""
    shape = MODELS.get_service_model(service).operation_model(operation).input_shape
    assert translate(recorded, shape) == (expected, ())


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["items", "item", "x", "value"]), inner)
    ),
    max_leaves=8,
)


@settings(suppress_health_check=[HealthCheck.too_slow])
@given(
    st.dictionaries(st.sampled_from(["instancesSet", "instanceId", "force", "DryRun", "filterSet", "odd"]), JSON),
    st.sampled_from(["TerminateInstances", "RunInstances", "ModifyInstanceAttribute"]),
)
def test_any_form_is_read(recorded, operation):
    """Any content of a CloudTrail file is read without an error."""
    translate(recorded, EC2.operation_model(operation).input_shape)
