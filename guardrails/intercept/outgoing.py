"""A request on its way out, whichever of botocore's shapes it has just now, and the operation it asks for."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, NamedTuple
from urllib.parse import parse_qsl, urlencode, urlsplit

_FORM = "application/x-www-form-urlencoded"
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
    """From an AWSRequest, before it is signed, or an AWSPreparedRequest, which is what is sent."""
    params = getattr(request, "params", None)
    url = request.url
    if params:
        # As botocore joins them when it prepares the request.
        pairs = list(params.items()) if isinstance(params, Mapping) else params
        url += ("&" if "?" in url else "?") + urlencode(pairs, doseq=True)
    # `body` of an AWSRequest is computed, and dear.
    body = request.data if hasattr(request, "data") else request.body
    return Outgoing(request.method, url, request.headers, body)


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
    named = [*_named(out)]
    return next((name for name in named if governed(name)), named[0] if named else default)


def _named(out: Outgoing) -> Iterator[str]:
    body = out.body
    if isinstance(body, Mapping):
        if "Action" in body:
            yield str(body["Action"])
    elif isinstance(body, (bytes, bytearray, str)) and body:
        yield from _in_form(body, out.headers)
    target = header(out.headers, "X-Amz-Target")
    if target:
        yield target.rpartition(".")[2]
    if "Action=" in out.url:
        yield from (value for key, value in query(out.url) if key == "Action")
    if "/operation/" in out.url:  # the RPC protocol with CBOR: /service/NAME/operation/NAME
        yield urlsplit(out.url).path.rpartition("/")[2]


def _in_form(body: bytes | bytearray | str, headers: Mapping[str, Any]) -> Iterator[str]:
    form = body if isinstance(body, str) else body[:_LONGEST_FORM].decode("latin-1")
    if form.startswith("Action="):
        yield form[7:].partition("&")[0]
    elif len(body) <= _LONGEST_FORM and header(headers, "Content-Type").startswith(_FORM):
        yield from (value for key, value in parse_qsl(form) if key == "Action")
    elif "&Action=" in form:
        yield form.partition("&Action=")[2].partition("&")[0]


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
