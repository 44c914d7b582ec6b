"""Errors in transit, and retries."""

from __future__ import annotations

from tests.transparency.registry import case
from tests.transparency.tap import SILENCE

_QUICK = {"retries": {"total_max_attempts": 1}}


def _ending(run):
    try:
        return run()
    except Exception as error:
        return [type(error).__name__, str(error), getattr(error, "response", None)]


@case("nobody listens", protocol="errors", inside=False, raises="EndpointConnectionError")
def closed_port(t):
    t.client("ec2", endpoint_url=t.control.closed_url, **_QUICK).describe_instances()


@case("an answer that does not come", protocol="errors", inside=False, raises="ReadTimeoutError")
def read_timeout(t):
    t.control.can("/", SILENCE)
    t.client("sts", read_timeout=0.3, **_QUICK).get_caller_identity()


@case("a connection that is closed instead of an answer", protocol="errors", inside=False)
def connection_closed(t):
    t.control.can("/", "")
    return [_ending(t.client(name, retries={"total_max_attempts": 2}).list_buckets) for name in ("s3",)]


@case("an answer that is no XML", protocol="errors", inside=False, raises="ResponseParserError")
def garbage(t):
    t.control.can("/", "HTTP/1.1 200 OK\r\nContent-Length: 4\r\nConnection: close\r\n\r\n<no>")
    t.client("ec2", **_QUICK).describe_instances()


@case("no credentials", protocol="errors")
def no_credentials(t):
    session = t.make_session()
    session._session.register_component("credential_provider", _Nobody())
    return [_ending(t.client("sts", session=session).get_caller_identity),
            _ending(t.client("ec2", session=session).describe_instances)]  # fmt: skip


class _Nobody:
    """Finds no credentials, whatever the machine has."""

    def load_credentials(self):
        return None


@case("names that botocore does not know", protocol="errors")
def unknown_names(t):
    return [
        _ending(lambda: t.client("no-such-service")),
        _ending(lambda: t.client("ec2", region_name="bad region")),
        _ending(lambda: t.client("s3").get_paginator("put_object")),
        _ending(lambda: t.client("s3").get_waiter("nothing")),
        _ending(lambda: t.client("ec2").meta.service_model.operation_model("Nothing").name),
    ]


def _refused(t, mode, attempts=3):
    """Too many requests, then a server error, and then the answer."""
    ec2 = t.client("ec2", retries={"mode": mode, "total_max_attempts": attempts})
    t.control.fault("DescribeVpcs", 503, "RequestLimitExceeded", "slower", 1)
    found = ec2.describe_vpcs()["ResponseMetadata"]
    t.control.fault("DescribeVpcs", 500, "InternalError", "broken", None)
    return [found, _ending(ec2.describe_vpcs)]


@case("retry mode legacy: throttled, then broken for good", protocol="errors", inside=False)
def retry_legacy(t):
    return _refused(t, "legacy")


@case("retry mode standard: throttled, then broken for good", protocol="errors", inside=False)
def retry_standard(t):
    return _refused(t, "standard")


@case("retry mode adaptive: throttled", protocol="errors", inside=False)
def retry_adaptive(t):
    # It slows down for seconds after an error: one is enough.
    ec2 = t.client("ec2", retries={"mode": "adaptive", "total_max_attempts": 2})
    t.control.fault("DescribeVpcs", 503, "RequestLimitExceeded", "slower", 1)
    return ec2.describe_vpcs()["ResponseMetadata"]


@case("retries of JSON, query and S3, streams rewound between them", protocol="errors", inside=False)
def retry_protocols(t):
    import io

    config = {"retries": {"mode": "standard", "total_max_attempts": 3}}
    t.control.fault("ListTables", 400, "ThrottlingException", "slower", 2)
    t.control.fault("GetCallerIdentity", 500, "InternalFailure", "broken", 1)
    t.control.fault("PUT /things/k", 503, "SlowDown", "slower", 1)
    s3 = t.client("s3", **config)
    s3.create_bucket(Bucket="things", CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
    return [
        t.client("dynamodb", **config).list_tables(),
        t.client("sts", **config).get_caller_identity(),
        s3.put_object(Bucket="things", Key="k", Body=io.BytesIO(b"again" * 99)),
        s3.get_object(Bucket="things", Key="k")["Body"].read(),
    ]


@case("errors that are not retried, in each protocol", protocol="errors", inside=False)
def denied_by_aws(t):
    found = []
    for service, method, operation in (
        ("ec2", "describe_vpcs", "DescribeVpcs"),
        ("sts", "get_caller_identity", "GetCallerIdentity"),
        ("dynamodb", "list_tables", "ListTables"),
        ("s3", "list_buckets", "GET /"),
    ):
        t.control.fault(operation, 403, "AccessDenied", f"not you: {service}")
        found.append(_ending(getattr(t.client(service), method)))
    return found
