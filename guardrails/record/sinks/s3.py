"""The sink S3: gzipped objects of JSON lines, PREFIX/DATE/HOST/PLACE-ID-COUNT.jsonl.gz.

PLACE is where the lines begin in the host's spool, ID the first decision's, COUNT how many there are. So only the same
lines go to the same object: a request of a killed process that arrives late cannot replace a longer batch.
"""

from __future__ import annotations

import base64
import gzip
import hashlib
import re
import socket
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from botocore.exceptions import ClientError

from guardrails.config.settings import LogSettings
from guardrails.record.entries import parse
from guardrails.record.sinks import aws
from guardrails.record.sinks.sink import SinkFailure
from guardrails.record.spooled_lines import Position

_TRIED = "guardrails-doctor"
# What does not belong into a key.
_ODD = re.compile(r"[^A-Za-z0-9_.-]+")
_PERMISSION = "s3:PutObject"


def bucket_and_prefix(url: str) -> tuple[str, str]:
    """``s3://bucket/a/b`` as ``bucket`` and ``a/b/``."""
    parts = urlsplit(url)
    prefix = parts.path.strip("/")
    return parts.netloc, f"{prefix}/" if prefix else ""


class S3Sink:
    """Puts objects into the bucket of `settings.sink`."""

    most_lines = 10_000
    most_bytes = 4_000_000

    def __init__(self, settings: LogSettings) -> None:
        self._settings = settings
        self._where = str(settings.sink)
        self._bucket, self._prefix = bucket_and_prefix(self._where)
        self._client: Any = None

    def send(self, lines: tuple[bytes, ...], start: Position, /) -> Mapping[int, str]:
        """Put one object. Raises SinkFailure."""
        body = gzip.compress(b"".join(line + b"\n" for line in lines), mtime=0)
        self._put(self._prefix + _name(lines, start), body)
        return {}

    def try_it(self) -> str:
        """Put an object with a wrong checksum, which S3 refuses after it has looked at the permission."""
        wrong = base64.b64encode(hashlib.md5(b"not this", usedforsecurity=False).digest()).decode()
        try:
            self._put(self._prefix + _TRIED, b"", ContentMD5=wrong)
        except SinkFailure as failure:
            cause = failure.__cause__
            if not isinstance(cause, ClientError) or aws.code_of(cause) not in ("BadDigest", "InvalidDigest"):
                raise
        return _PERMISSION

    def _put(self, key: str, body: bytes, **more: Any) -> None:
        client, self._client = self._client, None
        with aws.in_time(self._where, _PERMISSION):
            client = client or aws.own_client("s3", self._settings)
            client.put_object(Bucket=self._bucket, Key=key, Body=body, **more)
            # After a failure the next one has the credentials of then.
            self._client = client


def _name(lines: tuple[bytes, ...], start: Position) -> str:
    entry = parse(lines[0])
    day, decision = (entry.timestamp[:10], entry.decision_id) if entry else ("", "")
    host = _ODD.sub("-", socket.gethostname()) or "host"
    place = f"{start.number:012}-{start.offset:09}"
    return f"{_ODD.sub('-', day) or 'undated'}/{host}/{place}-{_ODD.sub('-', decision)}-{len(lines)}.jsonl.gz"
