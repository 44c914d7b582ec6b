"""A request on its way out, in any of botocore's shapes, and what can be read from it without a model."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple
from urllib.parse import parse_qsl, urlencode, urlsplit

from botocore.utils import percent_encode_sequence

# Parameters of signature version 2 in a form.
_SIGNATURE = frozenset(
    ("AWSAccessKeyId", "SignatureVersion", "SignatureMethod", "Timestamp", "SecurityToken", "Signature")
)
# Longer bodies are not forms: 1,000 ids take 50 kB.
_LONGEST_FORM = 2_000_000
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
        value = next((headers[key] for key in headers if str(key).lower() == name.lower()), None)
    return value.decode("latin-1") if isinstance(value, bytes) else str(value or "")


def action_of(default: str, out: Outgoing, governed: Callable[[str], bool]) -> str:
    """The operation that AWS would run: the one that the request names, otherwise `default`.

    If a request names several, the governed one counts. (For REST requests, see `routes`.)
    """
    named = [*_in_target(out), *_in_form(out.body)]
    if "Action=" in out.url:
        named += [value for key, value in query(out.url) if key == "Action"]
    if _OPERATION in out.url:
        named.append(urlsplit(out.url).path.rpartition("/")[2])
    if len(named) > 1:
        return next((name for name in named if governed(name)), named[0])
    return named[0] if named else default


def protocols(out: Outgoing) -> set[str]:
    """The RPC protocols of a request, by botocore's names; more than one if it contradicts itself."""
    spoken = set()
    if header(out.headers, "smithy-protocol") or _OPERATION in out.url:
        spoken.add("smithy-rpc-v2-cbor")
    if _in_target(out):
        spoken.add("json")
    if _in_form(out.body) or ("Action=" in out.url and "Action" in dict(query(out.url))):
        spoken.add("query")
    return spoken


def version_of(out: Outgoing) -> str:
    """The version of the API that a request names, such as ``2012-06-01``; "" where it names none."""
    body = out.body
    version = str(body.get("Version", "")) if isinstance(body, Mapping) else _form_value(body, "Version")
    if not version and "Version=" in out.url:
        version = dict(query(out.url)).get("Version", "")
    if not version:
        dated = _DATE.match(urlsplit(out.url).path)
        version = "-".join(dated.groups()) if dated else ""
    return version


def _in_target(out: Outgoing) -> list[str]:
    target = header(out.headers, "X-Amz-Target")
    return [target.rpartition(".")[2]] if target else []


def _in_form(body: object) -> list[str]:
    if isinstance(body, Mapping):
        return [str(body["Action"])] if "Action" in body else []
    action = _form_value(body, "Action")
    return [action] if action else []


def _form_value(body: object, name: str) -> str:
    """A value of a form; "" where it is missing, or the body is not a form (JSON may contain the same characters)."""
    if not isinstance(body, (bytes, bytearray, str)) or not body or len(body) > _LONGEST_FORM:
        return ""
    form = body if isinstance(body, str) else body.decode("latin-1")
    if not (form[0] == "&" or (form[0].isascii() and form[0].isalnum())):
        return ""
    if form.startswith(f"{name}="):
        return form[len(name) + 1 :].partition("&")[0]
    return form.partition(f"&{name}=")[2].partition("&")[0]


def query(url: str) -> list[tuple[str, str]]:
    """The pairs of a URL's query, without the signature's."""
    return unsigned(parse_qsl(urlsplit(url).query, keep_blank_values=True))


def unsigned(pairs: Iterable[tuple[Any, Any]]) -> list[tuple[Any, Any]]:
    """The pairs of a form, without the signature's."""
    return [pair for pair in pairs if pair[0] not in _SIGNATURE and not str(pair[0]).startswith("X-Amz-")]


def credential_scope(out: Outgoing) -> tuple[str, str] | None:
    """Region and signing name in a signature: ``KEY/20231009/eu-west-1/ec2/aws4_request``; None if it is not signed."""
    text = header(out.headers, "Authorization").partition("Credential=")[2].split(",")[0]
    if not text and "X-Amz-Credential=" in out.url:
        text = dict(parse_qsl(urlsplit(out.url).query)).get("X-Amz-Credential", "")
    parts = text.strip().split("/")
    return (parts[-3], parts[-2]) if len(parts) >= 5 else None
