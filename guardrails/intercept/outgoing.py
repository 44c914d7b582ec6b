"""A request on its way out, whichever of botocore's shapes it has just now, and the operation it asks for."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple
from urllib.parse import parse_qsl, urlencode, urlsplit

# What signature version 2 puts among the parameters of a form.
_SIGNATURE = frozenset(
    ("AWSAccessKeyId", "SignatureVersion", "SignatureMethod", "Timestamp", "SecurityToken", "Signature")
)
# Bodies longer than this are no forms: 1,000 ids take 50 kB.
_LONGEST_FORM = 2_000_000


class Outgoing(NamedTuple):
    """What goes over the wire.

    A tuple, not an attrs class: several are made for every call of the process. `headers` is the request's own
    mapping, so that a header can be added to what is sent.
    """

    method: str
    url: str
    headers: Any
    body: Any


def of_dict(request: Mapping[str, Any]) -> Outgoing:
    """From the request dict that botocore's serializer makes, the first shape."""
    url = request.get("url") or request.get("url_path") or ""
    return Outgoing(request.get("method") or "", url, request.get("headers") or {}, request.get("body"))


def of_request(request: Any) -> Outgoing:
    """From an AWSRequest, before it is signed."""
    url = request.url
    if request.params:
        # As botocore joins them when it prepares the request.
        pairs = list(request.params.items()) if isinstance(request.params, Mapping) else request.params
        url += ("&" if "?" in url else "?") + urlencode(pairs, doseq=True)
    return Outgoing(request.method, url, request.headers, request.data)


def of_prepared(request: Any) -> Outgoing:
    """From an AWSPreparedRequest, which is what is sent."""
    return Outgoing(request.method, request.url, request.headers, request.body)


def header(headers: Mapping[str, Any], name: str) -> str:
    """A header's value as text, whatever its case in a plain dict; "" where there is none."""
    value = headers.get(name)
    if value is None and type(headers) is dict:
        value = next((headers[key] for key in headers if str(key).lower() == name.lower()), None)
    return value.decode("latin-1") if isinstance(value, bytes) else str(value or "")


def action_of(default: str, out: Outgoing, governed: Callable[[str], bool]) -> str:
    """The operation that AWS would run: what the request itself says, and `default` where its protocol does not.

    A request that names several is the governed one of them.
    """
    body = out.body
    named = []
    if isinstance(body, Mapping):
        named = [str(body["Action"])] if "Action" in body else []
    elif isinstance(body, (bytes, bytearray, str)) and body:
        named = _in_form(body)
    if not named:
        target = header(out.headers, "X-Amz-Target")
        named = [target.rpartition(".")[2]] if target else []
    if "Action=" in out.url:
        named = [*named, *(value for key, value in query(out.url) if key == "Action")]
    if "/operation/" in out.url:  # the RPC protocol with CBOR: /service/NAME/operation/NAME
        named = [*named, urlsplit(out.url).path.rpartition("/")[2]]
    if len(named) > 1:
        return next((name for name in named if governed(name)), named[0])
    return named[0] if named else default


def _in_form(body: bytes | bytearray | str) -> list[str]:
    if isinstance(body, str):
        # botocore's own way of writing it, and the most frequent.
        if body.startswith("Action="):
            return [body[7:].partition("&")[0]]
    elif body.startswith(b"Action="):
        return [bytes(body[7:207]).partition(b"&")[0].decode("latin-1")]
    if len(body) > _LONGEST_FORM:
        return []
    form = body if isinstance(body, str) else body.decode("latin-1")
    return [form.partition("&Action=")[2].partition("&")[0]] if "&Action=" in form else []


def query(url: str) -> list[tuple[str, str]]:
    """The pairs of a URL's query that are not of the signature."""
    return unsigned(parse_qsl(urlsplit(url).query, keep_blank_values=True))


def unsigned(pairs: Iterable[tuple[Any, Any]]) -> list[tuple[Any, Any]]:
    """The pairs of a form without those of a signature."""
    return [pair for pair in pairs if pair[0] not in _SIGNATURE and not str(pair[0]).startswith("X-Amz-")]


def scope(out: Outgoing) -> tuple[str, str] | None:
    """Region and signing name of the signature, from ``KEY/20231009/eu-west-1/ec2/aws4_request``; None without one."""
    text = header(out.headers, "Authorization").partition("Credential=")[2].split(",")[0]
    if not text and "X-Amz-Credential=" in out.url:
        text = dict(parse_qsl(urlsplit(out.url).query)).get("X-Amz-Credential", "")
    parts = text.strip().split("/")
    return (parts[-3], parts[-2]) if len(parts) >= 5 else None
