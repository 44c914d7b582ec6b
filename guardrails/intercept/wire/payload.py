"""The body of a REST request: a document of all members that are not elsewhere, or a single member."""

from __future__ import annotations

from typing import Any

from botocore.model import StructureShape

from guardrails.intercept.request.outgoing import Outgoing
from guardrails.intercept.wire import json_cbor, xml
from guardrails.intercept.wire.scalar import Undecodable


def read(shape: Any, located: frozenset[str], out: Outgoing, *, as_xml: bool) -> dict[str, Any]:
    """The members in the body; those in `located` are elsewhere."""
    empty = isinstance(out.body, (bytes, bytearray, str, dict)) and not out.body
    body = None if empty else out.body
    holder = shape.serialization.get("payload") if shape is not None else None
    if holder is None:
        if body is None:
            return {}
        if not as_xml:
            return json_cbor.structure(shape, json_cbor.json_in(body), without=located)
        if shape is None or located == frozenset(shape.members):
            raise Undecodable("the operation takes no body, but the request has one")
        return xml.read(shape, body, shape.serialization["name"], without=located)
    member = shape.members[holder]
    if body is None:
        return {}
    if member.type_name == "blob" and not member.serialization.get("eventstream"):
        # A stream can be read only once, so it is left alone; blobs are masked anyway.
        return {holder: bytes(body) if isinstance(body, (bytes, bytearray)) else _text_or_stream(body)}
    if member.type_name == "string":
        return {holder: _text(body)}
    if not isinstance(member, StructureShape) or member.serialization.get("eventstream"):
        raise Undecodable(f"a body of type {member.type_name} is not supported")
    if as_xml:
        return {holder: xml.read(member, body, member.serialization["name"])}
    value = json_cbor.read(member, json_cbor.json_in(body))
    # botocore writes an absent member as an empty one.
    return {holder: value} if value != {} else {}


def _text_or_stream(body: Any) -> bytes:
    return body.encode() if isinstance(body, str) else b""


def _text(body: Any) -> str:
    if isinstance(body, str):
        return body
    if not isinstance(body, (bytes, bytearray)):
        raise Undecodable(f"the body is a {type(body).__name__}")
    try:
        return bytes(body).decode("utf-8")
    except UnicodeDecodeError as error:
        raise Undecodable("the body is not UTF-8 (is it compressed?)") from error
