"""CloudTrail's `requestParameters` as botocore's parameters, so that the catalogue's expressions read them.

CloudTrail writes names in another case, and EC2's lists as ``{"instancesSet": {"items": [{"instanceId": "i-1"}]}}``;
newer EC2 operations are wrapped in a member (``DeleteNatGatewayRequest``). The service model gives the name and type of
each parameter; what matches nothing in it is reported, never guessed.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from botocore.model import ListShape, MapShape, Shape, StructureShape


def translate(params: Mapping[str, Any], shape: Shape | None) -> tuple[dict[str, Any], tuple[str, ...]]:
    """The parameters by botocore's names, and the names in `params` that match no member of the model."""
    unknown: list[str] = []
    if not isinstance(shape, StructureShape):
        return {}, tuple(params)
    if len(params) == 1:
        ((name, inner),) = params.items()
        if name.endswith("Request") and isinstance(inner, Mapping):
            params = inner
    return _structure(params, shape, "", unknown), tuple(unknown)


def _value(value: Any, shape: Shape, path: str, unknown: list[str]) -> Any:
    if isinstance(shape, ListShape):
        return [_value(item, shape.member, path, unknown) for item in _items(value, shape.member)]
    if isinstance(shape, StructureShape):
        return _structure(value, shape, path, unknown) if isinstance(value, Mapping) else {}
    if isinstance(shape, MapShape):
        return dict(value) if isinstance(value, Mapping) else {}
    return _scalar(value, shape)


def _structure(values: Mapping[str, Any], shape: StructureShape, path: str, unknown: list[str]) -> dict[str, Any]:
    translated: dict[str, Any] = {}
    for name, value in values.items():
        member = _member(name, shape)
        if member is not None and member not in translated:
            if value is not None:
                translated[member] = _value(value, shape.members[member], f"{path}{name}.", unknown)
        elif name == "instancesSet" and (items := _items(value, shape)) and isinstance(items[0], Mapping):
            # RunInstances: the list holds what all machines have in common.
            translated |= _structure(items[0], shape, f"{path}{name}.", unknown)
        elif value not in (None, "", {}, []):
            unknown.append(path + name)
    return translated


def _member(name: str, shape: StructureShape) -> str | None:
    """The member of this name, in any case; else by its name on the wire; else by the stem of both."""
    lower = name.lower()
    for member in shape.members:
        if member.lower() == lower:
            return str(member)
    for member, inner in shape.members.items():
        if str(inner.serialization.get("name", "")).lower() == lower:
            return str(member)
    alike = [member for member in shape.members if _stem(member) == _stem(name)]
    return alike[0] if len(alike) == 1 else None


def _stem(name: str) -> str:
    return re.sub(r"(set|name|list)$", "", re.sub(r"(ids?|s)$", "", re.sub(r"set$", "", name.lower())))


def _items(value: Any, member: Shape) -> list[Any]:
    """A list from any of CloudTrail's forms; an object with one member stands for that member where a scalar is due."""
    if isinstance(value, Mapping):
        inner = next((value[key] for key in ("items", "item", "member") if key in value), None)
        if inner is None and len(value) == 1 and isinstance(next(iter(value.values())), list):
            inner = next(iter(value.values()))
        value = ([value] if value else []) if inner is None else inner
    items = value if isinstance(value, list) else [value]
    if isinstance(member, (StructureShape, ListShape, MapShape)):
        return items
    return [_only(item) for item in items]


def _only(item: Any) -> Any:
    if not isinstance(item, Mapping):
        return item
    if "content" in item:
        return item["content"]
    return next(iter(item.values())) if len(item) == 1 else None


def _scalar(value: Any, shape: Shape) -> Any:
    if isinstance(value, Mapping):
        value = value.get("value", value.get("content"))
    if shape.type_name == "boolean" and isinstance(value, str):
        return value.lower() == "true"
    if shape.type_name in ("integer", "long") and isinstance(value, str) and re.fullmatch(r"-?\d{1,18}", value):
        return int(value)
    if shape.type_name == "string" and isinstance(value, (int, float)) and not isinstance(value, bool):
        return str(value)
    return value
