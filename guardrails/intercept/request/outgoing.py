"""A request on its way out, in any of botocore's shapes, and what can be read from it without a model."""

from __future__ import annotations

import re
import zlib
from collections.abc import Callable, Iterable, Mapping
from functools import cache
from typing import Any, NamedTuple
from urllib.parse import parse_qsl, unquote_plus, urlencode, urlsplit

from botocore.utils import percent_encode_sequence

# Parameters of signature version 2 in a form.
_SIGNATURE = frozenset(
    ("AWSAccessKeyId", "SignatureVersion", "SignatureMethod", "Timestamp", "SecurityToken", "Signature")
)
_GZIP = b"\x1f\x8b"
# How JSON and XML begin, in every charset that a form may be written in: bytes are not decoded to find that out.
_NO_FORM = b"{[<"
# AWS takes no form that is nearly as long: 1,000 ids take 50 kB.
LONGEST_FORM = 8_000_000
_CHARSET = re.compile(r"charset=[\"']?([A-Za-z0-9_.:-]+)", re.IGNORECASE)
# The RPC protocol with CBOR: /service/NAME/operation/NAME
_OPERATION = "/operation/"
# Paths that begin with the API's version: /v20180820/bucket/NAME, /2015-01-01/es/domain
_DATE = re.compile(r"/v?(\d{4})-?(\d\d)-?(\d\d)/")


class Outgoing(NamedTuple):
    """What goes over the wire.

    A tuple, not an attrs class: every call of the process makes several. `headers` is the request's own mapping.
    """

    method: str
    url: str
    headers: Any
    body: Any


def of_dict(request: Mapping[str, Any]) -> Outgoing:
    """From the request dict that botocore's serializer makes."""
    url = request.get("url")
    if not url:
        # Not prepared yet. S3 clients remove the bucket from the path and keep the full path here.
        url = request.get("url_path") or ""
        if "auth_path" in request:
            url = request["auth_path"] + "".join(url.partition("?")[1:])
        if request.get("query_string"):
            url += ("&" if "?" in url else "?") + percent_encode_sequence(request["query_string"])
    return Outgoing(request.get("method") or "", url, request.get("headers") or {}, request.get("body"))


def of_request(request: Any) -> Outgoing:
    """From an AWSRequest, before it is signed."""
    # A request that somebody signs by hand may lack its method and URL; then botocore cannot send it.
    url = request.url or ""
    if request.params:
        # Joined as botocore does when it prepares the request.
        pairs = list(request.params.items()) if isinstance(request.params, Mapping) else request.params
        url += ("&" if "?" in url else "?") + urlencode(pairs, doseq=True)
    return Outgoing(request.method or "", url, request.headers, request.data)


def of_prepared(request: Any) -> Outgoing:
    """From an AWSPreparedRequest, which is sent as it is."""
    return Outgoing(request.method or "", request.url or "", request.headers, request.body)


def header(headers: Mapping[str, Any], name: str) -> str:
    """A header's value as a string, its name in any case; "" where it is missing."""
    value = headers.get(name)
    if value is None and type(headers) is dict:
        value = next((headers[key] for key in headers if text(key).lower() == name.lower()), None)
    return value.decode("latin-1") if isinstance(value, bytes) else str(value or "")


def action_of(default: str, out: Outgoing, *governed: Callable[[str], bool]) -> str:
    """The operation that AWS would run: the one that the request names, otherwise `default`.

    If a request names several, the governed one counts: one that the first of `governed` takes, else the next one.
    (For REST requests, see `routes`.)
    """
    named = [*_in_target(out), *_in_form(out)]
    if "?" in out.url:
        named += [value for key, value in query(out.url) if key == "Action"]
    if _OPERATION in out.url:
        named.append(urlsplit(out.url).path.rpartition("/")[2])
    if len(named) > 1:
        return next((name for governs in governed for name in named if governs(name)), named[0])
    return named[0] if named else default


def protocols(out: Outgoing) -> set[str]:
    """The RPC protocols of a request, by botocore's names; more than one if it contradicts itself."""
    spoken = set()
    if header(out.headers, "smithy-protocol") or _OPERATION in out.url:
        spoken.add("smithy-rpc-v2-cbor")
    if _in_target(out):
        spoken.add("json")
    if _in_form(out) or ("?" in out.url and "Action" in dict(query(out.url))):
        spoken.add("query")
    return spoken


def version_of(out: Outgoing) -> str:
    """The version of the API that a request names, such as ``2012-06-01``; "" where it names none."""
    body = out.body
    if isinstance(body, Mapping):
        version = next((text(value) for name, value in body.items() if text(name) == "Version"), "")
    else:
        version = unquote_plus(next(iter(_form_values(_form(out), "Version")), ""))
    if not version and "Version=" in out.url:
        version = dict(query(out.url)).get("Version", "")
    if not version:
        dated = _DATE.match(urlsplit(out.url).path)
        version = "-".join(dated.groups()) if dated else ""
    return version


def _in_target(out: Outgoing) -> list[str]:
    target = header(out.headers, "X-Amz-Target")
    return [target.rpartition(".")[2]] if target else []


def _in_form(out: Outgoing) -> list[str]:
    """Every operation that a form names: AWS decodes its names, and takes one of several."""
    if isinstance(out.body, Mapping):
        values = [value for name, value in out.body.items() if text(name) == "Action"]
        # botocore writes each item of a list under the same name.
        several = [each if isinstance(each, (list, tuple)) else [each] for each in values]
        return [text(value) for each in several for value in each]
    return [unquote_plus(value) for value in _form_values(_form(out), "Action") if value]


def text(value: object) -> str:
    """A name or a value as a string; bytes, which a script may put in its place, are decoded."""
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)


def _form(out: Outgoing) -> str:
    """The body as a form; "" where it is none (JSON may contain the same characters)."""
    body = out.body
    if not isinstance(body, (bytes, bytearray, str)) or not body:
        return ""
    if isinstance(body, str):
        form = body
    elif body[0] in _NO_FORM:
        return ""
    else:
        if body[:2] == _GZIP and "gzip" in header(out.headers, "Content-Encoding").lower():
            body = _unzipped(body)
        form = body.decode(_charset(out), "replace")
    return form if form[:1] == "&" or (form[:1].isascii() and form[:1].isalnum()) or form[:1] == "%" else ""


def _charset(out: Outgoing) -> str:
    """What the request says that its form is written in."""
    named = _CHARSET.search(header(out.headers, "Content-Type"))
    if named is None:
        return "latin-1"
    try:
        # Some codecs of Python are no charsets, and do not return a string.
        "".encode(named[1]).decode(named[1])
    except (LookupError, UnicodeError):
        return "latin-1"
    return named[1]


def _unzipped(body: bytes | bytearray) -> bytes:
    try:
        return zlib.decompressobj(zlib.MAX_WBITS | 16).decompress(body, LONGEST_FORM)
    except zlib.error:
        return bytes(body)


def _form_values(form: str, name: str) -> list[str]:
    """The values that a form has under a name, which may be percent-encoded."""
    return [found[2] for found in _pairs_of(name).finditer(form) if unquote_plus(found[1]) == name]


@cache
def _pairs_of(name: str) -> re.Pattern[str]:
    """What may be pairs with this name: most forms have only one. It takes no step back: a body may be all `%`."""
    return re.compile(rf"(?:^|&)({name}|[^=&%]*+%[^=&]*+)=([^&]*+)")


def query(url: str) -> list[tuple[str, str]]:
    """The pairs of a URL's query, without the signature's."""
    return unsigned(parse_qsl(urlsplit(url).query, keep_blank_values=True))


def unsigned(pairs: Iterable[tuple[Any, Any]]) -> list[tuple[Any, Any]]:
    """The pairs of a form, without the signature's."""
    return [pair for pair in pairs if (name := text(pair[0])) not in _SIGNATURE and not name.startswith("X-Amz-")]


def credential_scope(out: Outgoing) -> tuple[str, str] | None:
    """Region and signing name in a signature: ``KEY/20231009/eu-west-1/ec2/aws4_request``; None if it is not signed."""
    scope = header(out.headers, "Authorization").partition("Credential=")[2].split(",")[0]
    if not scope and "X-Amz-Credential=" in out.url:
        scope = dict(parse_qsl(urlsplit(out.url).query)).get("X-Amz-Credential", "")
    parts = scope.strip().split("/")
    return (parts[-3], parts[-2]) if len(parts) >= 5 else None
