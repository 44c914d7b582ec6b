"""Where looking at a request fails, only what plainly asks for what was decided passes; with -bb nothing fails."""

from __future__ import annotations

import os
import subprocess
import sys
from urllib.parse import urlencode

import pytest

import guardrails
from guardrails.intercept.reviewing import Reviewer
from tests.support.environments import ROOT

CHILD = """
import boto3, os, guardrails
guardrails.install({"pacing": {"enabled": False}, "log": {"enabled": False}, "state": {"path": ":memory:"}})
ec2 = boto3.client("ec2")
form = "Action=StopInstances&Version=2016-11-15&InstanceId.1=" + os.environ["BLUE"]
def attempt(call):
    try:
        call()
    except guardrails.CallDenied as error:
        print(error.operation_name, error.response["Error"]["Code"])
    else:
        print("sent")
def change(request, **_):
    request.body = bodies.pop(0)
    request.headers["Content-Length"] = str(len(request.body))
attempt(lambda: ec2.stop_instances(InstanceIds=[os.environ["BLUE"]]))
attempt(lambda: ec2.stop_instances(InstanceIds=[os.environ["GREEN"]]))
attempt(ec2.describe_key_pairs)
bodies = [form, form.encode()]
ec2.meta.events.register("before-send", change)
attempt(ec2.describe_key_pairs)
attempt(ec2.describe_key_pairs)
"""


def test_comparing_bytes_with_strings_may_be_an_error(site, aws, tmp_path):
    """With -bb, install() works, a harmful call is denied, whatever its body is, and two harmless ones arrive."""
    more = {"PYTHONPATH": str(ROOT), "BLUE": site.blue.instance_ids[0], "GREEN": site.green.instance_ids[0]}
    done = subprocess.run(
        [sys.executable, "-bb", "-c", CHILD],
        env={**os.environ, **aws.environment(), **more},
        cwd=tmp_path, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    denied = "StopInstances GuardrailsDenied"
    assert done.stdout.splitlines() == [denied, "sent", "sent", denied, denied], done.stderr
    assert [aws.count(name) for name in ("StopInstances", "DescribeKeyPairs")] == [1, 1]


@pytest.fixture
def broken(install, monkeypatch):
    """The guard cannot look at any request any more."""
    install()
    monkeypatch.setattr(Reviewer, "_review", lambda *_, **__: 1 / 0)


def _into(change, event, client):
    client.meta.events.register_first(event, change)
    return client


def _harmful(machine):
    return {"Action": "TerminateInstances", "Version": "2016-11-15", "InstanceId.1": machine}


@pytest.mark.parametrize("event", ["before-call", "request-created", "before-send"])
def test_a_changed_request_is_denied(event, site, aws, broken):
    """An ungoverned operation that a handler turned into a harmful one is denied, and the message says why."""
    harmful = _harmful(site.blue.instance_ids[0])

    def change(request=None, params=None, **_):
        if params is not None:
            params["body"] = harmful
        elif event == "request-created":
            request.data = harmful
        else:
            request.body = urlencode(harmful).encode()
            request.headers["Content-Length"] = str(len(request.body))

    client = _into(change, event, aws.client("ec2"))
    with pytest.raises(guardrails.GuardUnavailable, match=r"could not be read.*division by zero"):
        client.describe_key_pairs()
    assert aws.count("TerminateInstances", "DescribeKeyPairs") == 0


def test_a_changed_url_is_denied(aws, broken):
    """So is the upload of an object that became a bucket's policy, and the deletion of one that became a bucket's."""
    client = aws.client("s3")
    before = len(aws.requests)
    for method, url in (("PUT", f"{aws.endpoint_url}/bucket?policy"), ("DELETE", f"{aws.endpoint_url}/bucket")):

        def change(request, url=url, method=method, **_):
            request.url, request.method = url, method

        _into(change, "before-send", client)
        with pytest.raises(guardrails.GuardUnavailable, match="could not be read"):
            (client.put_object if method == "PUT" else client.delete_object)(Bucket="bucket", Key="key")
        client.meta.events.unregister("before-send", change)
    assert len(aws.requests) == before


def test_a_url_that_cannot_be_read_is_denied(site, aws, install):
    """A handler that gives a request its URL as bytes makes every look fail: it is denied, too."""
    install()
    body = urlencode(_harmful(site.blue.instance_ids[0]))

    def change(request, **_):
        request.url, request.body = request.url.encode(), body
        request.headers["Content-Length"] = str(len(body))

    with pytest.raises(guardrails.GuardUnavailable, match="could not be read"):
        _into(change, "before-send", aws.client("ec2")).describe_key_pairs()
    assert aws.count("TerminateInstances") == 0


@pytest.mark.parametrize(
    ("service", "method", "params"),
    [
        ("ec2", "describe_key_pairs", {}),
        ("dynamodb", "list_tables", {}),
        ("s3", "put_object", {"Bucket": "ours", "Key": "a%b policy/c", "Body": b"{&Action=TerminateInstances"}),
        ("s3", "delete_object", {"Bucket": "ours", "Key": "policy"}),
        ("s3", "list_objects_v2", {"Bucket": "ours", "Prefix": "100%"}),
        ("sqs", "list_queues", {}),
        ("lambda", "list_functions", {"MaxItems": 5}),
        ("cloudwatch", "put_metric_data", {"Namespace": "n", "MetricData": [{"MetricName": "m" * 200}] * 60}),
    ],
)
def test_an_unchanged_request_passes(service, method, params, aws, broken):
    """What is ungoverned and as botocore made it arrives, in each protocol, with odd names and a compressed body."""
    client = aws.client(service)
    if service == "s3":
        client.create_bucket(Bucket="ours", CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
    before = len(aws.requests)
    getattr(client, method)(**params)
    assert len(aws.requests) == before + 1
    url = client.generate_presigned_url(method, Params=params) if method != "put_metric_data" else ""
    assert url.startswith("http") or not url
