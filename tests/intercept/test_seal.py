"""What was judged is what is sent: legitimate changes leave a seal intact, any other has the request judged again.

Operations of several protocols are taken for governed here, through the real gates and a judge that only counts.
"""

from __future__ import annotations

import contextlib
import io
from urllib.parse import urlencode

import pytest
from botocore.config import Config
from hypothesis import given
from hypothesis import strategies as st

from guardrails.activation import inherited
from guardrails.intercept import Interceptor, Judge
from guardrails.intercept.request.outgoing import Outgoing
from guardrails.intercept.seal import Seal
from tests.intercept.test_wire import SESSION

GOVERNED = {
    "s3": {"DeleteBucket", "HeadBucket", "PutObject", "DeleteObject"},
    "monitoring": {"PutMetricData"},
    "dynamodb": {"DeleteTable", "DeleteItem"},
    "route53": {"DeleteHostedZone"},
}
NAMES = {"monitoring": "cloudwatch"}


class GovernedOperations:
    """The table above as a catalogue, and an admission controller that notes what it admits."""

    services = frozenset(GOVERNED)

    def __init__(self):
        self.admitted = []

    def governs(self, service, operation):
        return operation in GOVERNED.get(service, ()) if service else self.owner(operation) is not None

    def joins(self, service, operation):
        return False

    def service_of(self, signing_name, _):
        return signing_name

    def owner(self, operation):
        return next((service for service, operations in GOVERNED.items() if operation in operations), None)

    def botocore_service(self, key):
        return NAMES.get(key, key)

    def admit(self, call, origin, deliver):
        self.admitted.append(call.operation)
        return f"00000000-0000-4000-8000-{len(self.admitted):012d}"

    def leaves(self, decision_id):
        pass

    def came_back(self, decision_id, status, *, connected=True):
        pass

    def finished(self, decision_id):
        pass

    def joined(self, service, operation):
        pass


@pytest.fixture
def judged(aws):
    """The operations that were judged, in order."""
    governed = GovernedOperations()
    interceptor = Interceptor(Judge(governed, SESSION, governed), inherited.gates(None))
    interceptor.install()
    yield governed.admitted
    interceptor.uninstall()


@pytest.fixture
def s3(aws):
    """An S3 client, and a bucket."""
    client = aws.session().client("s3", config=Config(s3={"addressing_style": "path"}))
    client.create_bucket(Bucket="bucket", CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
    aws.clear()
    return client


@pytest.mark.parametrize(
    "body",
    [b"text", b"", "text", io.BytesIO(b"stream"), bytearray(b"array")],
    ids=["bytes", "empty", "text", "stream", "array"],
)
def test_a_body_of_any_kind_is_judged_once(aws, judged, s3, body):
    """An upload followed by a checksum (aws-chunked) is the upload that was judged."""
    s3.put_object(Bucket="bucket", Key="k", Body=body, ChecksumAlgorithm="SHA256")
    assert (judged, len(aws.requests)) == (["PutObject"], 1)


def test_a_header_that_is_not_ascii_is_judged_once(aws, judged, s3):
    """botocore writes such a header as UTF-8 before it leaves, which is no other request."""
    with contextlib.suppress(Exception):
        s3.delete_object(Bucket="bucket", Key="k", ExpectedBucketOwner="é日")
    assert judged == ["DeleteObject"]


def test_a_file_is_judged_once(aws, judged, s3, tmp_path):
    """So is a file that is read while it is sent."""
    (tmp_path / "file").write_bytes(b"x" * 100_000)
    with (tmp_path / "file").open("rb") as file:
        s3.put_object(Bucket="bucket", Key="k", Body=file)
    assert (judged, len(aws.requests)) == (["PutObject"], 1)
    assert s3.get_object(Bucket="bucket", Key="k")["ContentLength"] == 100_000


def test_a_compressed_request_is_judged_once(aws, judged):
    """botocore compresses long bodies after they were judged."""
    data = [{"MetricName": f"metric-{number}" * 9, "Value": 1.0} for number in range(200)]
    client, encodings = aws.session().client("cloudwatch"), []
    client.meta.events.register(
        "before-send", lambda request, **_: encodings.append(request.headers["Content-Encoding"])
    )
    client.put_metric_data(Namespace="n", MetricData=data)
    assert (judged, aws.count("PutMetricData"), encodings) == (["PutMetricData"], 1, [b"gzip"])


def test_retries_are_judged_once(aws, judged):
    """Every attempt carries the first one's seal."""
    client = aws.session().client("dynamodb")
    aws.answer("DeleteTable", 500, "InternalServerError", "try again", times=2)
    with pytest.raises(client.exceptions.ResourceNotFoundException):
        client.delete_table(TableName="t")
    assert (judged, aws.count("DeleteTable")) == (["DeleteTable"], 3)


def _path(request):
    request.url = request.url.replace("/bucket", "/other")


def _query(request):
    request.url += "?versionId=1"


def _method(request):
    request.method = "HEAD"


def _body(request):
    request.body = b"other"


@pytest.mark.parametrize("change", [_path, _query, _method, _body])
def test_a_changed_rest_request_is_judged_again(aws, judged, s3, change):
    """Method, path, query or body of a REST call changed after the decision: it is decided again before it is sent."""
    s3.meta.events.register("before-send.s3.DeleteBucket", lambda request, **_: change(request))
    # Another bucket, or another operation, fails at the server: what counts is that it was judged.
    with contextlib.suppress(s3.exceptions.ClientError):
        s3.delete_bucket(Bucket="bucket")
    assert len(judged) > 1


def test_a_changed_target_is_judged_again(aws, judged):
    """The JSON protocols name the operation in a header; the one named when it is sent is judged."""
    client = aws.session().client("dynamodb")

    def retarget(request, **_):
        request.headers["X-Amz-Target"] = "DynamoDB_20120810.DeleteTable"

    client.meta.events.register("before-send", retarget)
    with pytest.raises(client.exceptions.ResourceNotFoundException):
        client.describe_table(TableName="t")
    assert judged == ["DeleteTable"]


HOSTS = {
    "path": "https://s3.eu-west-1.amazonaws.com/bucket{rest}",
    "virtual": "https://bucket.s3.eu-west-1.amazonaws.com{rest}",
    "global": "https://bucket.s3.amazonaws.com{rest}",
    "other region": "https://bucket.s3.us-east-1.amazonaws.com{rest}",
    "dualstack": "https://bucket.s3.dualstack.eu-west-1.amazonaws.com{rest}",
    "accelerated": "https://bucket.s3-accelerate.amazonaws.com{rest}",
}


@pytest.mark.parametrize("first", HOSTS)
@pytest.mark.parametrize("then", HOSTS)
@pytest.mark.parametrize("rest", ["", "/key", "/key?versionId=1"])
def test_a_redirected_bucket_keeps_its_seal(first, then, rest):
    """S3 sends a client to another host for the same bucket and key."""
    seal = Seal.of("s3", Outgoing("DELETE", HOSTS[first].format(rest=rest), {}, b""))
    assert seal.holds(Outgoing("DELETE", HOSTS[then].format(rest=rest), {}, b""))
    assert not seal.holds(Outgoing("DELETE", HOSTS[then].format(rest=rest).replace("bucket", "other"), {}, b""))
    assert not seal.holds(Outgoing("DELETE", HOSTS[then].format(rest=f"/more{rest}"), {}, b""))


def test_another_host_breaks_every_other_seal():
    """Only S3's buckets move."""
    seal = Seal.of("ec2", Outgoing("POST", "https://ec2.eu-west-1.amazonaws.com/", {}, {"Action": "X"}))
    assert not seal.holds(Outgoing("POST", "https://ec2.us-east-1.amazonaws.com/", {}, {"Action": "X"}))


FORMS = st.dictionaries(st.text(min_size=1, max_size=5), st.text(max_size=5), min_size=1, max_size=5).filter(
    lambda form: not any(key.startswith("X-Amz-") for key in form)
)


@given(FORMS, st.data())
def test_an_encoded_form_is_the_form(form, data):
    """A form keeps its seal when it is encoded, and loses it when a pair is changed, added or removed."""
    url = "https://ec2.eu-west-1.amazonaws.com/"
    seal = Seal.of("ec2", Outgoing("POST", url, {}, form))
    assert seal.holds(Outgoing("POST", url, {}, dict(form)))
    assert seal.holds(Outgoing("POST", url, {}, urlencode(form)))
    assert seal.holds(Outgoing("POST", url, {}, urlencode(form).encode()))
    other = dict(form)
    key = data.draw(st.sampled_from(sorted(form)))
    change = data.draw(st.sampled_from(["other", "fewer", "more", "twice"]))
    pairs = list(other.items())
    if change == "other":
        other[key] += "x"
        pairs = list(other.items())
    elif change == "fewer":
        del other[key]
        pairs = list(other.items())
    elif change == "more":
        pairs.append((max(form) + "x", "1"))
    else:
        pairs.append((key, form[key] + "x"))
    assert not seal.holds(Outgoing("POST", url, {}, urlencode(pairs)))


@given(st.binary(max_size=50), st.binary(max_size=50))
def test_a_body_is_its_bytes(sealed, sent):
    """A body of bytes holds its seal exactly when the bytes are the same."""
    seal = Seal.of("s3", Outgoing("PUT", "https://s3.amazonaws.com/b/k", {}, bytearray(sealed)))
    assert seal.holds(Outgoing("PUT", "https://s3.amazonaws.com/b/k", {}, sent)) == (sealed == sent)
