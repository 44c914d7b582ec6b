"""Whether a request plainly asks for one operation: the look that is left where the thorough one has failed.

It shares as little as possible with `outgoing` and `routes`, so that what makes those fail does not make this fail.
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from botocore.model import OperationModel

from guardrails.intercept.request import bucket
from guardrails.intercept.request.outgoing import LONGEST_FORM, Outgoing
from guardrails.intercept.request.routes import protocol_of
from guardrails.intercept.request.url_template import Template, normal, split

_ACTION, _TARGET = "Action", "x-amz-target"


def asks_for(operation: str, out: Outgoing, model: OperationModel | None) -> bool:
    """True where the request names this operation and no other; False also where that is unclear.

    `model` is botocore's model of the operation, for a request whose method and path say what it is. Raises where the
    request is none that botocore makes.
    """
    if model is not None and protocol_of(model.service_model).startswith("rest-"):
        return _takes_its_route(model, out)
    return set(_named(out)) == {operation}


def _named(out: Outgoing) -> list[str]:
    """Every operation that a request names by an RPC protocol."""
    named = [_text(value).rpartition(".")[2] for key, value in out.headers.items() if _text(key).lower() == _TARGET]
    parts = urlsplit(out.url)
    named += [value for key, value in parse_qsl(parts.query, keep_blank_values=True) if key == _ACTION]
    if "/operation/" in parts.path:
        named.append(parts.path.rpartition("/")[2])
    if isinstance(out.body, Mapping):
        return named + [_text(value) for key, value in out.body.items() if _text(key) == _ACTION]
    return named + [value for key, value in parse_qsl(_form(out), keep_blank_values=True) if key == _ACTION]


def _form(out: Outgoing) -> str:
    """The body as text, whatever it is: nearly never has anything else a pair with this name."""
    body = out.body or b""
    if isinstance(body, str):
        return body
    if body[:2] == b"\x1f\x8b":
        body = zlib.decompressobj(zlib.MAX_WBITS | 16).decompress(body, LONGEST_FORM)
    return body.decode("latin-1")


def _takes_its_route(model: OperationModel, out: Outgoing) -> bool:
    """Method, path and the names in the query are those of the operation."""
    path, literals = split(model.http)
    of_s3 = model.service_model.endpoint_prefix == "s3"
    template = Template.of(path)
    paths = bucket.paths_with_bucket(out.url) if of_s3 else (urlsplit(out.url).path,)
    if out.method.upper() != model.http["method"] or not all(
        template.pattern.fullmatch(normal(each, dots=not of_s3)) for each in paths
    ):
        return False
    asked = dict(parse_qsl(urlsplit(out.url).query, keep_blank_values=True))
    members: Mapping[str, Any] = model.input_shape.members if model.input_shape is not None else {}
    places = [member.serialization for member in members.values()]
    own = {place["name"] for place in places if place.get("location") == "querystring" and "name" in place}
    return all(asked.get(key) == value for key, value in literals) and asked.keys() <= {*own, *dict(literals), "x-id"}


def _text(value: object) -> str:
    return value.decode("latin-1") if isinstance(value, bytes) else str(value)
