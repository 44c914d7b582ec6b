"""The seal: a copy of what was judged, by which every later gate can tell whether the request has changed.

botocore changes a request after `before-call` for good reasons: it encodes the form, compresses the body, wraps a
stream into aws-chunked, and sends requests for S3 buckets to another host. Those changes leave a seal intact. Any other
breaks it, and the request is judged again.
"""

from __future__ import annotations

import gzip
import io
import zlib
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

from guardrails.intercept.request import bucket
from guardrails.intercept.request.headers import ParameterHeaders
from guardrails.intercept.request.outgoing import Outgoing, header, text, unsigned
from guardrails.values import frozen

_S3 = ("s3", "s3express", "s3-outposts", "s3-object-lambda")


@frozen(eq=False)
class Seal:
    """A copy of what was judged; it does not change when the request does."""

    service: str
    method: str
    url: str
    target: str
    body: Any
    parameter_headers: ParameterHeaders
    header_values: frozenset[tuple[str, str]]

    @classmethod
    def of(cls, service: str, out: Outgoing, headers: ParameterHeaders | None = None) -> Seal:
        """Seal a request; a body that can be read only once is remembered by identity.

        `headers` are those that hold parameters of the operation.
        """
        headers = headers or ParameterHeaders()
        target = header(out.headers, "X-Amz-Target")
        return cls(service, out.method, out.url, target, _copy(out.body), headers, headers.values(out.headers))

    def holds(self, out: Outgoing) -> bool:
        """True when the request asks for the same as when it was sealed."""
        return (
            self.method == out.method
            and self.target == header(out.headers, "X-Amz-Target")
            and (
                self.url == out.url
                or (self.service in _S3 and _bucket_and_query(self.url) == _bucket_and_query(out.url))
            )
            and self.header_values == self.parameter_headers.values(out.headers)
            and _same_body(self.body, out)
        )


def _copy(body: Any) -> Any:
    if isinstance(body, Mapping):
        return dict(body)
    return _plain(body)


def _plain(body: Any) -> Any:
    if body is None:
        return b""
    if isinstance(body, str):
        return body.encode()
    if isinstance(body, bytearray):
        return bytes(body)
    # AwsChunkedWrapper holds the stream, followed by a checksum; botocore wraps bytes in a BytesIO for it.
    raw = getattr(body, "_raw", body)
    return raw.getvalue() if isinstance(raw, io.BytesIO) else raw


def _same_body(sealed: Any, out: Outgoing) -> bool:
    body = out.body
    if body is sealed:
        return True
    if isinstance(body, Mapping):
        if not isinstance(sealed, dict):
            return False
        same = _in_bytes(sealed)
        return _in_bytes(body) == same or _in_bytes(dict(unsigned(body.items()))) == same
    body = _plain(body)
    if not isinstance(body, bytes):
        # Streams cannot be compared: it must be the same one.
        return body is sealed
    if body == sealed:
        return True
    if "gzip" in header(out.headers, "Content-Encoding"):
        body = _unzipped(body)
    return _same_form(sealed, body) if isinstance(sealed, dict) else bool(body == sealed)


def _in_bytes(form: Mapping[Any, Any]) -> dict[Any, Any]:
    """A form's pairs; whether a script wrote a string or its bytes is the same on the wire."""
    return {_encoded(name): _encoded(value) for name, value in form.items()}


def _encoded(value: Any) -> Any:
    return value.encode() if isinstance(value, str) else value


def _same_form(sealed: dict[Any, Any], body: bytes) -> bool:
    # First as botocore encodes it; another encoding of the same pairs is also the same form.
    if urlencode(sealed, doseq=True).encode() == body:
        return True
    pairs = unsigned(parse_qsl(body.decode("latin-1"), keep_blank_values=True))
    return len(pairs) == len(sealed) and dict(pairs) == {text(key): text(value) for key, value in sealed.items()}


def _unzipped(body: bytes) -> bytes:
    try:
        return gzip.decompress(body)
    except (OSError, EOFError, zlib.error):
        return body


def _bucket_and_query(url: str) -> tuple[str, str]:
    """Path and query with the bucket in the path, so that the host and its spelling do not matter."""
    path = bucket.paths_with_bucket(url)[0]
    return path.rstrip("/") or "/", urlsplit(url).query
