"""S3 transfers, resources of S3, and presigned URLs."""

from __future__ import annotations

import hashlib
import io
import urllib.error
import urllib.request

from tests.support.pipes import Pipe
from tests.transparency.kinds_s3 import bucket
from tests.transparency.registry import MARKED, case

PART = 5 * 1024 * 1024


def _config(**more):
    from boto3.s3.transfer import TransferConfig

    return TransferConfig(multipart_threshold=PART, multipart_chunksize=PART, max_concurrency=3, **more)


@case("s3 transfer: files up and down in parts, in threads", protocol="s3 transfer", unordered=True)
def transfer_files(t):
    s3 = bucket(t)
    content = bytes(range(256)) * 24_000
    seen: list[int] = []
    s3.upload_file(
        str(t.file("up", content)), "things", "big", Config=_config(), Callback=seen.append,
        ExtraArgs={"Metadata": {"a": "b"}, "ContentType": "text/plain"},
    )  # fmt: skip
    down = t.folder / "down"
    s3.download_file("things", "big", str(down), Config=_config())
    return [down.read_bytes() == content, sum(seen), s3.head_object(Bucket="things", Key="big")["Metadata"]]


@case("s3 transfer: file objects, a stream, small and without threads", protocol="s3 transfer", unordered=True)
def transfer_streams(t):
    s3 = bucket(t)
    s3.upload_fileobj(io.BytesIO(b"small"), "things", "small", Config=_config(use_threads=False))
    s3.upload_fileobj(Pipe(b"p" * (PART + 9)), "things", "pipe", Config=_config())
    got = io.BytesIO()
    s3.download_fileobj("things", "pipe", got, Config=_config())
    return [hashlib.sha256(got.getvalue()).hexdigest(), s3.get_object(Bucket="things", Key="small")["Body"].read()]


@case("s3 transfer: copies in parts", protocol="s3 transfer", unordered=True)
def transfer_copy(t):
    s3 = bucket(t)
    s3.put_object(Bucket="things", Key="a", Body=b"c" * (PART + 5))
    s3.copy({"Bucket": "things", "Key": "a"}, "things", "b", Config=_config())
    return s3.head_object(Bucket="things", Key="b")["ContentLength"]


@case("s3 transfer: what fails", protocol="s3 transfer", unordered=True)
def transfer_failures(t):
    s3 = bucket(t)
    found = []
    for run in (
        lambda: s3.upload_file(str(t.file("x", b"x")), "no-such-bucket", "k"),
        lambda: s3.download_file("things", "nothing", str(t.folder / "y")),
        lambda: s3.upload_file(str(t.folder / "missing"), "things", "k"),
    ):
        try:
            run()
        except Exception as error:
            found.append([type(error).__name__, str(error), getattr(error, "response", None)])
    return [found, (t.folder / "y").exists()]


@case(
    "s3 resources: buckets, objects and their collections",
    protocol="s3 transfer",
    unordered=True,
    decisions=1,
    looks_up=(*MARKED, "/things?tagging"),
)
def s3_resource(t):
    from tests.transparency.kinds_s3 import PLACE

    things = t.resource("s3").create_bucket(Bucket="things", CreateBucketConfiguration=PLACE)
    things.wait_until_exists()
    for number in range(3):
        things.put_object(Key=f"k{number}", Body=b"x" * number)
    things.Object("k9").upload_fileobj(io.BytesIO(b"nine"))
    names = [[found.key, found.size] for found in things.objects.filter(Prefix="k")]
    body = things.Object("k2").get()["Body"].read()
    gone = things.objects.all().delete()
    return [names, body, gone[0]["Deleted"], things.delete(), repr(things)]


@case("presigned: GET and PUT URLs, used with urllib", protocol="presigned", inside=False)
def presigned_s3(t):
    found = []
    for version in ("s3v4", "s3"):
        s3 = t.client("s3", signature_version=version)
        if version == "s3v4":
            bucket(t)
        put = s3.generate_presigned_url("put_object", Params={"Bucket": "things", "Key": "k"}, ExpiresIn=600)
        found.append(_fetch(put, b"put by anybody", "PUT"))
        got = s3.generate_presigned_url(
            "get_object", Params={"Bucket": "things", "Key": "k", "ResponseContentType": "text/plain"}
        )
        found += [_fetch(got), put, got]
    return found


@case("presigned: a form for POST, used with urllib", protocol="presigned", inside=False)
def presigned_post(t):
    form = bucket(t).generate_presigned_post("things", "up/${filename}", Conditions=[["content-length-range", 1, 99]])
    boundary = "boundary"
    parts = [f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'
             for name, value in form["fields"].items()]  # fmt: skip
    parts.append(
        f'--{boundary}\r\nContent-Disposition: form-data; name="file"; filename="f"\r\n\r\nbody\r\n--{boundary}--\r\n'
    )
    kind = {"Content-Type": f"multipart/form-data; boundary={boundary}"}
    return [form["url"], sorted(form["fields"]), _fetch(form["url"], "".join(parts).encode(), "POST", kind)]


@case("presigned: sts, which others use to prove who they are", protocol="presigned", inside=False)
def presigned_sts(t):
    sts = t.client("sts")
    url = sts.generate_presigned_url("get_caller_identity", HttpMethod="GET")
    other = sts.generate_presigned_url("get_caller_identity", ExpiresIn=60)
    return [url, other, _fetch(url)]


@case("presigned: ungoverned operations of governed services, and a token for eks", protocol="presigned")
def presigned_others(t):
    from botocore.model import ServiceId
    from botocore.signers import RequestSigner

    ec2 = t.client("ec2", endpoint_url="https://ec2.eu-west-1.amazonaws.com")
    events = t.session._session.get_component("event_emitter")
    credentials = t.session.get_credentials()
    signer = RequestSigner(ServiceId("STS"), "eu-west-1", "sts", "v4", credentials, events)
    asked = {
        "method": "GET", "url": "https://sts.eu-west-1.amazonaws.com/?Action=GetCallerIdentity&Version=2011-06-15",
        "body": {}, "headers": {"x-k8s-aws-id": "cluster"}, "context": {},
    }  # fmt: skip
    return [
        ec2.generate_presigned_url("describe_instances", Params={"InstanceIds": ["i-1"]}),
        signer.generate_presigned_url(asked, region_name="eu-west-1", expires_in=60, operation_name=""),
        t.client("s3", endpoint_url="https://s3.amazonaws.com").generate_presigned_url(
            "list_buckets", HttpMethod="POST"
        ),
    ]


@case("presigned: parameters that are refused, and an unknown method", protocol="presigned")
def presigned_refused(t):
    s3 = t.client("s3")
    found = []
    for run in (
        lambda: s3.generate_presigned_url("get_object", Params={"Bucket": "things"}),
        lambda: s3.generate_presigned_url("no_such_method"),
        lambda: t.client("ec2").generate_presigned_url("terminate_instances", Params={}),
    ):
        try:
            run()
        except Exception as error:
            found.append([type(error).__name__, str(error)])
    return found


def _fetch(url, body=None, method="GET", headers=None):
    request = urllib.request.Request(url, data=body, headers=headers or {}, method=method)
    try:
        with urllib.request.urlopen(request) as answer:
            return [answer.status, answer.read()]
    except urllib.error.HTTPError as error:
        return [error.code, error.read()]
