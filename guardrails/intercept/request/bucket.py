"""Where a request to S3 names its bucket: in the path, or in one of many spellings of the host.

https://docs.aws.amazon.com/AmazonS3/latest/userguide/VirtualHosting.html and …/access-points-naming.html
"""

from __future__ import annotations

import re
from functools import lru_cache
from urllib.parse import quote, urlsplit

from guardrails.aws.endpoints import is_aws

# Greedy: a bucket's name may contain ".s3." itself, so the last one counts.
_HOST = re.compile(
    r"(?:(?P<bucket>.+)\.)?(?P<kind>s3[a-z0-9-]*|accesspoint\.s3-global)(?:\.dualstack)?"
    r"(?:\.(?P<region>[a-z0-9-]+))?(?:\.vpce)?\.(?:amazonaws\.com(?:\.cn)?|api\.aws|[a-z.]*amazonwebservices\.com\.cn)"
)
# An interface endpoint of a VPC, in front of S3's own domain.
_VPC_ENDPOINT = re.compile(r"(?:(?P<bucket>.+)\.)?(?P<kind>bucket|accesspoint|control)\.vpce-[0-9a-z-]+")
_ACCESS_POINT = re.compile(r"(?P<name>.+)-(?P<account>\d{12})")
# Nearly every URL, read in a fifth of the time that urlsplit takes.
_PLAIN = re.compile(r"https?://([a-z0-9.-]+)(?::\d+)?(/[^?#\x00-\x20]*)?(?:\?|\Z)")
_PLAIN_HOST = re.compile(r"[a-z0-9.-]+(?::\d+)?")
_NUMERIC = re.compile(r"[0-9.]+|.*:.*")


def paths_with_bucket(url: str) -> tuple[str, ...]:
    """The path of an S3 request with its bucket in it.

    Two paths where the host is not AWS's and may or may not contain the bucket; the first assumes that it does not. The
    bucket of an access point is its ARN, percent-encoded.
    """
    plain = _PLAIN.match(url)
    if plain is None:
        parts = urlsplit(url)
        host, path = parts.hostname or "", parts.path
    else:
        host, path = plain.groups()
    return tuple([before + (path or "/") for before in _before_path(host)])


@lru_cache(maxsize=1000)
def is_plain(host: str) -> bool:
    """True for a URL's host, perhaps with its port, and nothing else."""
    return _PLAIN_HOST.fullmatch(host) is not None


@lru_cache(maxsize=1000)
def before_path(host: str) -> tuple[str, ...]:
    """For each path that `paths_with_bucket` would return, what comes before the URL's own path; () if unclear."""
    return _before_path(host.partition(":")[0]) if is_plain(host) else ()


# A program speaks to few hosts, and every request to S3 asks for this.
@lru_cache(maxsize=1000)
def _before_path(host: str) -> tuple[str, ...]:
    """What the host says of the path: the bucket, or "" where it is in the path already."""
    if is_aws(host):
        bucket = _in_host(host)
        return (f"/{quote(bucket, safe='')}" if bucket else "",)
    first, dot, _ = host.partition(".")
    if not dot or _NUMERIC.fullmatch(host):
        return ("",)
    return "", f"/{first}"


def _in_host(host: str) -> str:
    match = _HOST.fullmatch(host)
    if match is None:
        return ""
    bucket, kind = match["bucket"] or "", match["kind"]
    endpoint = _VPC_ENDPOINT.fullmatch(bucket)
    if endpoint is not None:
        bucket, kind = endpoint["bucket"] or "", f"s3-{endpoint['kind']}"
    point = _ACCESS_POINT.fullmatch(bucket) if kind.startswith("s3-accesspoint") else None
    if point is None:
        return bucket
    region = match["region"] or ""
    partition = "aws-cn" if region.startswith("cn-") else "aws-us-gov" if region.startswith("us-gov-") else "aws"
    return f"arn:{partition}:s3:{region}:{point['account']}:accesspoint/{point['name']}"
