"""REST: parameters in the path, the query, the headers and the body, as the model says."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from botocore.model import ListShape, MapShape, OperationModel, Shape
from botocore.utils import is_json_value_header

from guardrails.intercept.request import bucket, url_template
from guardrails.intercept.request.headers import ParameterHeaders, pairs
from guardrails.intercept.request.outgoing import Outgoing, unsigned
from guardrails.intercept.wire import payload
from guardrails.intercept.wire.scalar import Undecodable, of_text

Members = Mapping[str, Shape]


def read(operation: OperationModel, out: Outgoing, *, as_xml: bool) -> dict[str, Any]:
    """The parameters of a REST-XML or REST-JSON request."""
    shape: Any = operation.input_shape
    members: Members = shape.members if shape is not None else {}
    if out.method.upper() != operation.http["method"]:
        raise Undecodable(f"{operation.name} does not use the method {out.method}")
    path, literals = url_template.split(operation.http)
    located = {n: m for n, m in members.items() if m.serialization.get("location") in _LOCATIONS}
    return {
        **_labels(operation, path, located, out),
        **_query(operation, literals, located, out),
        **_headers(operation, located, out),
        **payload.read(shape, frozenset(located), out, as_xml=as_xml),
    }


_LOCATIONS = ("uri", "querystring", "header", "headers")


def _at(location: str, located: Members) -> dict[str, tuple[str, Shape]]:
    """The members of one location by their names on the wire."""
    found = ((name, m) for name, m in located.items() if m.serialization["location"] == location)
    return {m.serialization.get("name", name): (name, m) for name, m in found}


def _labels(operation: OperationModel, path: str, located: Members, out: Outgoing) -> dict[str, Any]:
    of_s3 = is_s3(operation.service_model)
    wanted = url_template.Template.of(path)
    for candidate in bucket.paths_with_bucket(out.url) if of_s3 else (urlsplit(out.url).path,):
        labels = wanted.read(url_template.normal(candidate, dots=not of_s3))
        if labels is not None:
            names = _at("uri", located)
            return {names[label][0]: of_text(names[label][1], text) for label, text in labels.items()}
    raise Undecodable(f"the path does not fit {operation.name}")


def is_s3(model: Any) -> bool:
    """True for the service whose bucket may be in the host; S3 Control has another endpoint."""
    return bool(model.metadata.get("endpointPrefix") == "s3")


def _query(
    operation: OperationModel, literals: tuple[tuple[str, str], ...], located: Members, out: Outgoing
) -> dict[str, Any]:
    wanted = _at("querystring", located)
    given = _given(operation, literals, wanted, out)
    found: dict[str, Any] = {}
    rest: tuple[str, MapShape] | None = None
    for key, (name, member) in wanted.items():
        if isinstance(member, MapShape):
            rest = name, member
        elif key in given:
            texts = given.pop(key)
            if isinstance(member, ListShape):
                found[name] = [of_text(member.member, text) for text in texts]
            else:
                found[name] = of_text(member, _only(key, texts))
    if rest is not None and given:
        found[rest[0]] = {key: _of_map(rest[1].value, key, texts) for key, texts in given.items()}
    elif given:
        raise Undecodable(f"the query has parts that are unknown to the operation: {', '.join(sorted(given)[:3])}")
    return found


def _given(
    operation: OperationModel, literals: tuple[tuple[str, str], ...], wanted: Mapping[str, Any], out: Outgoing
) -> dict[str, list[str]]:
    """The pairs of the query that are parameters."""
    given: dict[str, list[str]] = {}
    for key, text in _unsigned(parse_qsl(urlsplit(out.url).query, keep_blank_values=True), wanted):
        given.setdefault(key, []).append(text)
    for key, text in literals:
        if given.pop(key, None) != [text]:
            raise Undecodable(f"the query lacks {key}")
    # SDKs of other languages add this to tell operations apart.
    if given.get("x-id") == [operation.name]:
        del given["x-id"]
    return given


def _unsigned(query: list[tuple[str, str]], wanted: Mapping[str, Any]) -> list[tuple[str, str]]:
    """The pairs of a query without the signature's, unless the operation has a parameter of that name."""
    kept = unsigned(query)
    # S3's older presigned URLs have an Expires as well.
    dated = "Signature" in dict(query)
    own = [pair for pair in query if pair not in kept and pair[0] in wanted]
    return own + [pair for pair in kept if pair[0] in wanted or not (dated and pair[0] == "Expires")]


def _of_map(shape: Shape, key: str, texts: list[str]) -> Any:
    if isinstance(shape, ListShape):
        return [of_text(shape.member, text) for text in texts]
    return of_text(shape, _only(key, texts))


def _only(key: str, texts: list[str]) -> str:
    if len(texts) > 1:
        raise Undecodable(f"{key} appears twice in the query")
    return texts[0]


def _headers(operation: OperationModel, located: Members, out: Outgoing) -> dict[str, Any]:
    unknown = ParameterHeaders.of(operation).unknown(out.headers)
    if unknown:
        raise Undecodable(f"there are headers that are unknown to the operation: {', '.join(sorted(unknown)[:3])}")
    given: dict[str, str] = {}
    spelt: dict[str, str] = {}
    for name, text in pairs(out.headers):
        if given.setdefault(name.lower(), text) != text:
            raise Undecodable(f"the header {name} appears twice in the request")
        spelt[name.lower()] = name
    found: dict[str, Any] = {}
    whole = _at("header", located)
    for name, (member_name, member) in whole.items():
        if name.lower() in given:
            found[member_name] = _of_header(member, given[name.lower()])
    for prefix, (member_name, member) in _at("headers", located).items():
        taken = {name.lower() for name in whole}
        keys = [key for key in given if key.startswith(prefix.lower()) and key not in taken]
        if keys and prefix:
            found[member_name] = {spelt[key][len(prefix) :]: of_text(member, given[key]) for key in keys}
    return found


def _of_header(shape: Shape, text: str) -> Any:
    if isinstance(shape, ListShape):
        return [of_text(shape.member, item) for item in _items(text)]
    if is_json_value_header(shape):
        try:
            return json.loads(base64.b64decode(text, validate=True))
        except ValueError as error:
            raise Undecodable("a header is not JSON") from error
    return of_text(shape, text)


def _items(text: str) -> list[str]:
    """Items between commas; items that contain commas or quotes are quoted."""
    items, rest = [], text
    while rest:
        rest = rest.lstrip(" \t")
        if not rest.startswith('"'):
            item, _, rest = rest.partition(",")
            items.append(item.rstrip(" \t"))
            continue
        end = 1
        while end < len(rest) and rest[end] != '"':
            end += 2 if rest[end : end + 2] == '\\"' else 1
        if rest[end : end + 1] != '"' or rest[end + 1 : end + 2] not in ("", ","):
            raise Undecodable("a list in a header is quoted wrongly")
        items.append(rest[1:end].replace('\\"', '"'))
        rest = rest[end + 2 :]
    return items
