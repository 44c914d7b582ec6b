"""What a decoder has to find in a request: the parameters that botocore serialized, by a walk through its model.

The walk knows no protocol but for what a protocol cannot carry.
"""

from __future__ import annotations

import datetime as dt
from typing import Any

from botocore.model import ListShape, MapShape, Shape, StructureShape
from botocore.utils import parse_to_aware_datetime

NOTHING: Any = object()
_JSON = "application/json"
_PRESIGNING = frozenset(("SourceRegion", "DestinationRegion", "PreSignedUrl", "PresignedUrl"))


def plain(shape: Shape | None, value: Any) -> Any:
    """A value as the guard names it: blobs are bytes, times are strings, and what is null is left out."""
    if value is None or shape is None:
        return NOTHING
    if isinstance(shape, StructureShape):
        if getattr(shape, "is_document_type", False):
            return value
        members = {name: plain(shape.members[name], each) for name, each in value.items()}
        return {name: each for name, each in members.items() if each is not NOTHING}
    if isinstance(shape, ListShape):
        return [None if each is None else plain(shape.member, each) for each in value]
    if isinstance(shape, MapShape):
        return {key: plain(shape.value, each) for key, each in value.items()}
    return _scalar(shape, value)


def _scalar(shape: Shape, value: Any) -> Any:
    if shape.type_name == "blob":
        content = value.read() if hasattr(value, "read") else value
        return content.encode() if isinstance(content, str) else bytes(content)
    if shape.type_name == "timestamp":
        moment = parse_to_aware_datetime(value).astimezone(dt.UTC)
        return moment.isoformat().replace("+00:00", "Z")
    return value


def compared(shape: Any, value: Any) -> Any:
    """Parameters without what botocore itself adds, takes away or writes as something else.

    It presigns copies from another region, it says itself that a body is JSON, an empty body is none, and an old member
    of a notification to a function is the same on the wire as the list that took its place.
    """
    members = shape.members if shape is not None else {}
    presigned = _PRESIGNING if {"PreSignedUrl", "PresignedUrl"} & {*members} else frozenset()
    kept = {} if value is NOTHING else {name: each for name, each in value.items() if name not in presigned}
    if kept.get(payload := (shape.serialization.get("payload") if shape is not None else None)) == b"":
        del kept[payload]
    for name in [name for name, each in kept.items() if each == _JSON and _in_header(members[name], "Content-Type")]:
        del kept[name]
    for each in kept.get("NotificationConfiguration", {}).values():
        if isinstance(each, dict) and {"Event", "Events"} & {*each}:
            each["Events"] = sorted([*each.get("Events", ()), *filter(None, [each.pop("Event", None)])])
    return trimmed(kept)


def _in_header(member: Shape, header: str) -> bool:
    return bool(member.serialization.get("location") == "header" and member.serialization.get("name") == header)


def trimmed(value: Any) -> Any:
    """Without null, and without empty lists and structures, which some protocols do not carry."""
    if isinstance(value, dict):
        kept = {name: trimmed(each) for name, each in value.items()}
        return {name: each for name, each in kept.items() if each not in ({}, [], None)}
    if isinstance(value, list):
        return [each for each in map(trimmed, value) if each not in ({}, [], None)]
    return value


def difference(expected: Any, found: Any, path: str = "") -> str:
    """Where two values differ first, and how; "" where they are the same."""
    if isinstance(expected, dict) and isinstance(found, dict):
        for name in sorted({*expected, *found}):
            if name not in found:
                return f"{path}.{name} is missing (was {_short(expected[name])})"
            if name not in expected:
                return f"{path}.{name} is added ({_short(found[name])})"
            if below := difference(expected[name], found[name], f"{path}.{name}"):
                return below
        return ""
    if isinstance(expected, list) and isinstance(found, list) and len(expected) == len(found):
        pairs = enumerate(zip(expected, found, strict=True))
        return next((d for number, (a, b) in pairs if (d := difference(a, b, f"{path}[{number}]"))), "")
    same = type(expected) is type(found) or {type(expected), type(found)} == {int, float}
    return "" if same and expected == found else f"{path}: {_short(expected)} became {_short(found)}"


def _short(value: Any) -> str:
    text = ascii(value)
    return text if len(text) < 80 else f"{text[:60]}… ({len(text)} characters)"
