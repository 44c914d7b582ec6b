"""JSON and CBOR bodies, in which every value has a type."""

from __future__ import annotations

import json
from functools import partial
from typing import Any

from botocore import parsers
from botocore.model import ListShape, MapShape, Shape, StructureShape

from guardrails.intercept.wire.scalar import Undecodable, of_value


def json_in(body: object) -> Any:
    """The JSON document in a body; {} for an empty body."""
    if body is None:
        return {}
    if not isinstance(body, (bytes, bytearray, str)):
        raise Undecodable(f"the body is a {type(body).__name__}")
    try:
        return json.loads(body or b"{}", object_pairs_hook=_once)
    except ValueError as error:
        raise Undecodable("the body is not JSON") from error


def cbor_in(body: object) -> Any:
    """The CBOR data item in a body, read by botocore; {} for an empty body."""
    kind = getattr(parsers, "RpcV2CBORParser", None)
    if kind is None:
        raise Undecodable("this version of botocore cannot read CBOR")
    if not isinstance(body, (bytes, bytearray)) or not body:
        if not body:
            return {}
        raise Undecodable(f"the body is a {type(body).__name__}")
    parser = kind()
    # With two values of the same name, botocore would keep the last one.
    parser._parse_key_value_pair = partial(_add_pair, parser)
    try:
        stream = parser.get_peekable_stream_from_bytes(bytes(body))
        item = parser.parse_data_item(stream)
    except (parsers.ResponseParserError, ValueError, TypeError, OverflowError) as error:
        raise Undecodable("the body is not CBOR that botocore can read") from error
    if stream.read(1):
        raise Undecodable("the body continues after its CBOR item")
    return item


def read(shape: Shape, value: Any) -> Any:
    """A value under botocore's names; absent and null members are the same."""
    if isinstance(shape, StructureShape):
        return value if shape.is_document_type else structure(shape, value)
    if isinstance(shape, ListShape):
        if not isinstance(value, list):
            raise Undecodable(f"a list was expected, not {type(value).__name__}")
        return [None if item is None else read(shape.member, item) for item in value]
    if isinstance(shape, MapShape):
        return {key: read(shape.value, item) for key, item in _object(value).items() if item is not None}
    return of_value(shape, value)


def structure(shape: StructureShape | None, value: Any, *, without: frozenset[str] = frozenset()) -> dict[str, Any]:
    """A structure's members, except those in `without`, which are elsewhere in the request."""
    members = shape.members.items() if shape is not None else ()
    names = {m.serialization.get("name", name): (name, m) for name, m in members if name not in without}
    document = _object(value)
    unknown = sorted(set(document) - set(names))
    if unknown:
        raise Undecodable(f"the body has parts that are unknown to the operation: {', '.join(unknown[:3])}")
    return {names[key][0]: read(names[key][1], item) for key, item in document.items() if item is not None}


def _object(value: Any) -> dict[str, Any]:
    if not isinstance(value, dict) or not all(isinstance(key, str) for key in value):
        raise Undecodable("an object was expected as the body, or as part of it")
    return value


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise Undecodable("a name appears twice in the body")
    return members


def _add_pair(parser: Any, stream: Any, items: dict[Any, Any]) -> None:
    key, value = parser.parse_data_item(stream), parser.parse_data_item(stream)
    if key in items:
        raise Undecodable("a name appears twice in the body")
    items[key] = value
