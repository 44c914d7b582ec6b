"""A request whose body is a file, an iterator or anything else that is no bytes is decided on by what it says."""

from __future__ import annotations

import array
import contextlib
import gzip
import io
import json

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from botocore.httpsession import URLLib3Session

import guardrails
from guardrails.intercept.request import stream
from guardrails.intercept.request.outgoing import Outgoing, action_of
from tests.support.pipes import Pipe

FORM_TYPE = {"Content-Type": "application/x-www-form-urlencoded"}


def form(machine, action="TerminateInstances"):
    return f"Action={action}&Version=2016-11-15&InstanceId.1={machine}".encode()


class Changing:
    """A file that says something harmless when it is read first, and then another thing."""

    def __init__(self, first, then):
        self._files = [io.BytesIO(first), *(io.BytesIO(then) for _ in range(9))]

    def read(self, size=-1):
        return self._files[0].read(size)

    def seek(self, _position, _whence=0):
        self._files.pop(0)

    def tell(self):
        return 0


class Broken:
    """A file of a disk that is gone."""

    def read(self, _size=-1):
        raise OSError("the disk is gone")


class Text(str):
    """A string of another class."""

    __slots__ = ()


def named_file(data, folder):
    (folder / "form").write_bytes(data)
    return (folder / "form").open("rb")


BODIES = {
    "bytes": lambda data, _: data,
    "bytearray": lambda data, _: bytearray(data),
    "memoryview": lambda data, _: memoryview(data),
    "array": lambda data, _: array.array("B", data),
    "str subclass": lambda data, _: Text(data.decode()),
    "BytesIO": lambda data, _: io.BytesIO(data),
    "StringIO": lambda data, _: io.StringIO(data.decode()),
    "file": named_file,
    "pipe": lambda data, _: Pipe(data),
    "iterator": lambda data, _: iter([data[:9], data[9:]]),
    "list": lambda data, _: [data[:9], data[9:]],
    "generator": lambda data, _: (data[start : start + 7] for start in range(0, len(data), 7)),
    "two actions in pairs": lambda data, _: {"Action": ["X", "TerminateInstances"], "InstanceId.1": data[-19:]},
    "bytes as names": lambda data, _: {b"Action": b"TerminateInstances", b"InstanceId.1": data[-19:]},
    "percent-encoded": lambda data, _: data.replace(b"Action", b"%41ction").replace(b"Terminate", b"%54erminate"),
    "two actions": lambda data, _: b"Action=DescribeInstances&" + data,
    "long": lambda data, _: b"Padding=" + b"x" * 3_000_000 + b"&" + data,
}  # fmt: skip


def by_hand(aws, body, service="ec2", headers=FORM_TYPE, method="POST", path="/"):
    """Sign and send a request that no client made; what the server said, or why it was denied."""
    request = AWSRequest(method, aws.endpoint_url + path, headers=dict(headers), data=body)
    try:
        SigV4Auth(Credentials("testing", "testing"), service, "eu-west-1").add_auth(request)
        return URLLib3Session().send(request.prepare()).status_code
    except guardrails.CallDenied as error:
        return str(error)


def test_a_form_by_hand(aws, site, install, tmp_path):
    """It is blocked whatever the body is."""
    install()
    for kind, make in BODIES.items():
        assert "locked" in str(by_hand(aws, make(form(site.blue.instance_ids[0]), tmp_path))), kind
        assert aws.count("TerminateInstances") == 0, kind
    assert aws.running("blue") == 3


@pytest.mark.parametrize("event", ["before-call", "request-created", "before-send"])
def test_a_form_from_a_handler(event, aws, site, install, tmp_path):
    """So is the one that an event handler puts into a harmless call, before or after it was signed."""
    bodies = []

    def put(params=None, request=None, **_):
        if params is not None:
            params["body"] = bodies[-1]
        elif event == "before-send":
            request.body = bodies[-1]
        else:
            request.data = bodies[-1]

    install()
    site.ec2.meta.events.register_last(f"{event}.ec2.DescribeRegions", put)
    for kind, make in BODIES.items():
        bodies.append(make(form(site.blue.instance_ids[0]), tmp_path))
        # What is no request at all fails in botocore.
        with contextlib.suppress(Exception):
            site.ec2.describe_regions()
        assert aws.count("TerminateInstances") == 0, kind
    assert aws.running("blue") == 3


def test_an_innocent_form_arrives(aws, site, install, tmp_path):
    """A form that may pass is sent once, with all of its bytes."""
    install()
    for kind in ("BytesIO", "StringIO", "file", "pipe", "iterator", "generator", "memoryview"):
        aws.clear()
        assert by_hand(aws, BODIES[kind](form(site.green.instance_ids[0], "RebootInstances"), tmp_path)) == 200, kind
        assert by_hand(aws, BODIES[kind](form(site.green.instance_ids[0], "DescribeInstances"), tmp_path)) == 200, kind
        assert aws.count("RebootInstances") == 1, kind


def test_what_is_decided_on_is_what_is_sent(aws, site, install):
    """A file that changes when it is read again is sent as it was read for the decision."""
    install()
    body = Changing(form(site.green.instance_ids[1]), form(site.blue.instance_ids[0]))
    assert by_hand(aws, body) in (200, 403)
    assert aws.running("blue") == 3


def test_what_cannot_be_read(aws, install):
    """A body that never ends, or cannot be read, may be any form: it is denied, with a way forward."""
    install()
    for body in (iter([b"x" * 100_000] * 100), 7, Broken()):
        assert "bytes or a string" in by_hand(aws, body)
    assert aws.requests == ()


def test_a_form_that_is_zipped_or_written_in_another_charset(aws, site, install):
    """The operation is found in it, and the call is denied as unreadable."""
    install()
    harmful = form(site.blue.instance_ids[0])
    assert "locked" in by_hand(aws, gzip.compress(harmful), headers={**FORM_TYPE, "Content-Encoding": "gzip"})
    headers = {"Content-Type": "application/x-www-form-urlencoded; charset=UTF-16LE"}
    assert "locked" in by_hand(aws, harmful.decode().encode("utf-16-le"), headers=headers)
    assert aws.count("TerminateInstances") == 0


def test_documents_of_governed_calls(aws, site, install, tmp_path):
    """JSON and XML bodies of governed calls are read, too, so that an innocent one can pass."""
    install()
    headers = {"Content-Type": "application/x-amz-json-1.1", "X-Amz-Target": "AmazonSSM.PutParameter"}
    body = io.BytesIO(json.dumps({"Name": "mine", "Value": "x", "Type": "String"}).encode())
    assert by_hand(aws, Pipe(body.getvalue()), "ssm", headers) == 200
    assert aws.count("PutParameter") == 1


def test_uploads_are_left_alone(aws, install, monkeypatch):
    """A file that can be read once goes to S3 as it is: the guard neither reads nor keeps it."""
    client = aws.client("s3")
    client.create_bucket(Bucket="bucket", CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
    install()
    read = []
    monkeypatch.setattr(stream, "read", read.append)
    headers = {"Content-Length": "5", "X-Amz-Content-Sha256": "UNSIGNED-PAYLOAD"}
    assert by_hand(aws, Pipe(b"hello"), "s3", headers, "PUT", "/bucket/key") == 200
    assert client.get_object(Bucket="bucket", Key="key")["Body"].read() == b"hello"
    client.put_object(Bucket="bucket", Key="other", Body=io.BytesIO(b"hello"))
    with contextlib.suppress(Exception):
        aws.client("kinesis").put_record(StreamName="none", Data=b"x", PartitionKey="1")
    assert read == []


@pytest.mark.parametrize(
    "body", [b"%" * 300_000, b"a" + b"\x00%" * 150_000, b'{"a": "' + b"&Action=TerminateInstances" * 9]
)
def test_what_is_no_form_names_no_operation(body):
    """Reading a body that only looks like a form ends, whatever is in it: no search takes a step back."""
    assert action_of("Publish", Outgoing("POST", "https://x/", {}, body), lambda _: True) == "Publish"
