"""S3: objects, buckets, streams and checksums."""

from __future__ import annotations

import hashlib
import io

from tests.transparency.answers import reply
from tests.transparency.registry import MACHINES, TAGGED, case

PLACE = {"LocationConstraint": "eu-west-1"}


def bucket(t, **config):
    s3 = t.client("s3", **config)
    s3.create_bucket(Bucket="things", CreateBucketConfiguration=PLACE)
    return s3


@case("s3: objects put, got, listed, copied, tagged and deleted", protocol="rest-xml s3")
def s3_objects(t):
    s3 = bucket(t)
    put = s3.put_object(Bucket="things", Key="a b/ü+&?Action=StopInstances", Body=b"x", Metadata={"m": "v"})
    copied = s3.copy_object(
        Bucket="things", Key="c", CopySource={"Bucket": "things", "Key": "a b/ü+&?Action=StopInstances"}
    )
    tags = s3.put_object_tagging(Bucket="things", Key="c", Tagging={"TagSet": [{"Key": "k", "Value": "v"}]})
    got = s3.get_object(Bucket="things", Key="a b/ü+&?Action=StopInstances")
    return [
        put, copied["CopyObjectResult"]["ETag"], tags, got.pop("Body").read(), got,
        s3.head_object(Bucket="things", Key="c"), s3.get_object_tagging(Bucket="things", Key="c")["TagSet"],
        s3.list_objects_v2(Bucket="things"), s3.list_buckets(),
        s3.delete_objects(Bucket="things", Delete={"Objects": [{"Key": "c"}, {"Key": "nothing"}]}),
        s3.delete_object(Bucket="things", Key="c"),
    ]  # fmt: skip


@case(
    "s3: a bucket's configuration",
    protocol="rest-xml s3",
    decisions=4,
    # Nothing that is done to a bucket changes machines: they are looked up once.
    looks_up=(
        *MACHINES,
        *TAGGED * 4,
        *["/things?tagging"] * 4,
        "DescribeInstanceStatus",
        "/things?cors",
        "/things?lifecycle",
        "/things?policy",
    ),
)
def s3_configuration(t):
    s3 = bucket(t)
    rule = {"ID": "r", "Status": "Enabled", "Filter": {"Prefix": "p"}, "Expiration": {"Days": 1}}
    s3.put_bucket_versioning(Bucket="things", VersioningConfiguration={"Status": "Enabled"})
    s3.put_bucket_lifecycle_configuration(Bucket="things", LifecycleConfiguration={"Rules": [rule]})
    s3.put_bucket_tagging(Bucket="things", Tagging={"TagSet": [{"Key": "Team", "Value": "blue"}]})
    cors = {"CORSRules": [{"AllowedMethods": ["GET"], "AllowedOrigins": ["*"]}]}
    s3.put_bucket_cors(Bucket="things", CORSConfiguration=cors)
    s3.put_bucket_policy(Bucket="things", Policy='{"Version": "2012-10-17", "Statement": []}')
    return [
        s3.get_bucket_versioning(Bucket="things"), s3.get_bucket_lifecycle_configuration(Bucket="things"),
        s3.get_bucket_tagging(Bucket="things"), s3.get_bucket_cors(Bucket="things"),
        s3.get_bucket_policy(Bucket="things"), s3.get_bucket_location(Bucket="things"),
        s3.get_bucket_acl(Bucket="things")["Grants"],
    ]  # fmt: skip


@case("s3: bodies of every kind: bytes, bytearray, text files, streams, nothing", protocol="rest-xml s3")
def s3_bodies(t):
    s3 = bucket(t)
    path = t.file("body", b"from a file" * 1000)
    with path.open("rb") as file:
        file.seek(5)
        bodies = [b"", bytearray(b"abc"), "text", io.BytesIO(b"stream" * 5000), file]
        put = [s3.put_object(Bucket="things", Key=str(number), Body=body) for number, body in enumerate(bodies)]
    none = s3.put_object(Bucket="things", Key="none")
    read = [s3.get_object(Bucket="things", Key=str(number))["Body"].read() for number in range(5)]
    return [put, none, [hashlib.sha256(body).hexdigest() for body in read]]


@case("s3: bodies read in pieces, lines and ranges", protocol="rest-xml s3")
def s3_reading(t):
    s3 = bucket(t)
    s3.put_object(Bucket="things", Key="k", Body=b"one\ntwo\nthree" * 100)
    get = lambda **more: s3.get_object(Bucket="things", Key="k", **more)["Body"]
    with get() as body:
        text = io.TextIOWrapper(io.BytesIO(body.read())).readline()
    return [list(get().iter_lines())[:4], [len(part) for part in get().iter_chunks(500)], get(Range="bytes=2-9").read(),
            get().read(4), text]  # fmt: skip


class Once:
    """A stream of known length that cannot be read again."""

    def __init__(self, content):
        self._left = io.BytesIO(content)

    def read(self, size=-1):
        return self._left.read(size)


@case("s3: a stream that cannot be rewound", protocol="rest-xml s3", inside=False)
def s3_once(t):
    s3 = bucket(t, request_checksum_calculation="when_required", s3={"payload_signing_enabled": False})
    with_length = s3.put_object(Bucket="things", Key="k", Body=Once(b"x" * 2000), ContentLength=2000)
    try:
        signed = t.client("s3").put_object(Bucket="things", Key="j", Body=Once(b"y" * 20))
    except Exception as error:
        signed = [type(error).__name__, str(error)]
    return [with_length, s3.get_object(Bucket="things", Key="k")["Body"].read(), signed]


@case("s3: Expect: 100-continue, and a refusal instead of it", protocol="rest-xml s3", inside=False)
def s3_expect(t):
    s3 = bucket(t)
    put = s3.put_object(Bucket="things", Key="k", Body=io.BytesIO(b"x" * 100_000))
    refusal = b"<Error><Code>AccessDenied</Code><Message>no</Message></Error>"
    t.control.can("/things/refused", reply(403, refusal, {"Content-Type": "application/xml"}))
    try:
        s3.put_object(Bucket="things", Key="refused", Body=io.BytesIO(b"x" * 100_000))
    except Exception as error:
        return [put, type(error).__name__, str(error), error.response]


@case("s3: checksums of every algorithm, in headers and as trailers", protocol="rest-xml s3")
def s3_checksums(t):
    s3 = bucket(t)
    found = []
    for algorithm in ("CRC32", "SHA1", "SHA256"):
        how = {"Bucket": "things", "Key": algorithm, "ChecksumAlgorithm": algorithm}
        found += [s3.put_object(Body=body, **how) for body in (b"bytes", io.BytesIO(b"stream" * 100))]
        found.append(s3.get_object(Bucket="things", Key=algorithm, ChecksumMode="ENABLED")["Body"].read())
    md5 = s3.put_object(Bucket="things", Key="m", Body=b"x", ContentMD5="nd2c8Hf9tr0rFbqUPZ3vJQ==")
    return [found, md5["ETag"]]


@case("s3: aws-chunked with a trailer", protocol="rest-xml s3", inside=False)
def s3_trailer(t):
    # The trailer is used with https only; a body whose signing is switched off is sent in the same way.
    s3 = t.client("s3", endpoint_url=t.control.url, s3={"payload_signing_enabled": False})

    def as_if_secure(request, **_):
        if request.body is not None:
            request.context.setdefault("seen", True)

    s3.meta.events.register("before-send.s3", as_if_secure)
    s3.meta.events.register_first("before-call.s3.PutObject", _trailer)
    s3.create_bucket(Bucket="things", CreateBucketConfiguration=PLACE)
    put = s3.put_object(Bucket="things", Key="k", Body=io.BytesIO(b"chunk" * 400), ChecksumAlgorithm="CRC32")
    return [put, s3.list_objects_v2(Bucket="things")["KeyCount"]]


def _trailer(params, **_):
    """Have botocore write a trailer, although the loopback is not HTTPS."""
    checksum = params["context"]["checksum"]
    checksum["request_algorithm"] = {"algorithm": "crc32", "in": "trailer", "name": "x-amz-checksum-crc32"}
    for name in [name for name in params["headers"] if name.lower().startswith("x-amz-checksum")]:
        del params["headers"][name]


@case("s3: a multipart upload by hand, and one given up", protocol="rest-xml s3")
def s3_multipart(t):
    s3 = bucket(t)
    upload = s3.create_multipart_upload(Bucket="things", Key="big")["UploadId"]
    parts = []
    for number, body in enumerate((b"a" * 5_242_880, b"b" * 10), 1):
        sent = s3.upload_part(Bucket="things", Key="big", UploadId=upload, PartNumber=number, Body=body)
        parts.append({"ETag": sent["ETag"], "PartNumber": number})
    listed = s3.list_parts(Bucket="things", Key="big", UploadId=upload)["Parts"]
    done = s3.complete_multipart_upload(Bucket="things", Key="big", UploadId=upload, MultipartUpload={"Parts": parts})
    other = s3.create_multipart_upload(Bucket="things", Key="no")["UploadId"]
    given_up = s3.abort_multipart_upload(Bucket="things", Key="no", UploadId=other)
    return [listed, done["ETag"], given_up, s3.head_object(Bucket="things", Key="big")["ContentLength"]]


@case("s3: what is missing, as exception classes and codes", protocol="rest-xml s3")
def s3_missing(t):
    s3 = bucket(t)
    found = []
    for run in (
        lambda: s3.list_objects_v2(Bucket="no-such-bucket"),
        lambda: s3.get_object(Bucket="things", Key="nothing"),
        lambda: s3.head_object(Bucket="things", Key="nothing"),
        lambda: s3.head_bucket(Bucket="no-such-bucket"),
        lambda: s3.create_bucket(Bucket="A"),
        lambda: s3.put_object(Bucket="bad name", Key="k"),
        lambda: s3.get_object(Bucket="things", Key=""),
    ):
        try:
            run()
        except Exception as error:
            found.append([type(error).__name__, str(error), getattr(error, "response", None)])
    return found


@case("s3: paginators with delimiter and search", protocol="rest-xml s3")
def s3_pages(t):
    s3 = bucket(t)
    for number in range(5):
        s3.put_object(Bucket="things", Key=f"{number % 2}/{number}", Body=b"")
    pages = s3.get_paginator("list_objects_v2")
    config = {"PageSize": 2}
    return [
        list(pages.paginate(Bucket="things", PaginationConfig=config).search("Contents[].Key")),
        pages.paginate(Bucket="things", Delimiter="/").build_full_result()["CommonPrefixes"],
        pages.paginate(Bucket="things", PaginationConfig={"MaxItems": 3, "PageSize": 2}).build_full_result()[
            "Contents"
        ],
    ]


@case("s3: waiters", protocol="rest-xml s3", raises="WaiterError")
def s3_waiters(t):
    s3 = bucket(t)
    s3.get_waiter("bucket_exists").wait(Bucket="things")
    s3.get_waiter("object_not_exists").wait(Bucket="things", Key="k")
    s3.get_waiter("object_exists").wait(Bucket="things", Key="k", WaiterConfig={"Delay": 1, "MaxAttempts": 2})


@case("s3: select, whose answer is an event stream", protocol="event stream")
def s3_select(t):
    s3 = bucket(t)
    s3.put_object(Bucket="things", Key="k", Body=b"a,b\n1,2\n")
    answer = s3.select_object_content(
        Bucket="things", Key="k", ExpressionType="SQL", Expression="SELECT * FROM s3object",
        InputSerialization={"CSV": {"FileHeaderInfo": "USE"}}, OutputSerialization={"JSON": {}},
    )  # fmt: skip
    return [event for event in answer["Payload"] if "Stats" not in event]


@case("s3: signature versions s3v4 and s3 (2)", protocol="rest-xml s3")
def s3_signatures(t):
    bucket(t)
    return [t.client("s3", signature_version=version).list_objects_v2(Bucket="things") for version in ("s3v4", "s3")]


@case("s3: unsigned requests", protocol="rest-xml s3")
def s3_unsigned(t):
    from botocore import UNSIGNED

    bucket(t).put_object(Bucket="things", Key="k", Body=b"public", ACL="public-read")
    anonymous = t.client("s3", signature_version=UNSIGNED)
    return [anonymous.get_object(Bucket="things", Key="k")["Body"].read(), anonymous.list_objects_v2(Bucket="things")]


@case("s3: buckets as host names, dual stack and FIPS", protocol="rest-xml s3")
def s3_hosts(t):
    bucket(t)
    configs = ({}, {"use_dualstack_endpoint": True}, {"s3": {"addressing_style": "path"}})
    found = [t.real("s3", **config).list_objects_v2(Bucket="things")["KeyCount"] for config in configs]
    t.real("s3").put_object(Bucket="things", Key="k", Body=io.BytesIO(b"x" * 3000))
    return found


@case("s3: sent to the bucket's own region", protocol="rest-xml s3", inside=False)
def s3_redirected(t):
    error = b"<Error><Code>PermanentRedirect</Code><Message>elsewhere</Message><Bucket>far-away</Bucket></Error>"
    there = {"x-amz-bucket-region": "us-west-2", "Content-Type": "application/xml"}
    done = reply(200, b"<ListBucketResult><KeyCount>0</KeyCount></ListBucketResult>")
    t.control.can("far-away", reply(301, error, there), done)
    s3 = t.real("s3")
    return [s3.list_objects_v2(Bucket="far-away"), s3.list_objects_v2(Bucket="far-away")["KeyCount"]]


@case(
    "s3control: another host for each account",
    protocol="rest-xml",
    decisions=1,
    looks_up=(*MACHINES, "/v20180820/configuration/publicAccessBlock"),
)
def s3control_block(t):
    control = t.real("s3control")
    config = {"BlockPublicAcls": True, "IgnorePublicAcls": True}
    put = control.put_public_access_block(AccountId="123456789012", PublicAccessBlockConfiguration=config)
    return [put, control.get_public_access_block(AccountId="123456789012")]


@case("s3: a client that was made before the guard was installed", protocol="rest-xml s3", early="s3")
def s3_early(t):
    t.early.create_bucket(Bucket="things", CreateBucketConfiguration=PLACE)
    return [
        t.early.put_object(Bucket="things", Key="k", Body=io.BytesIO(b"x")),
        t.early.list_objects_v2(Bucket="things"),
    ]
