"""CloudTrail's `requestParameters` as botocore's parameters, so that the catalogue's expressions read them.

CloudTrail writes names in another case, and EC2's lists as ``{"instancesSet": {"items": [{"instanceId": "i-1"}]}}``;
newer EC2 operations stand in a member of their own (``DeleteNatGatewayRequest``). The service model says what a
parameter is called and what it is; what fits nothing in it is told, never guessed.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from botocore.model import ListShape, MapShape, Shape, StructureShape


def translate(params: Mapping[str, Any], shape: Shape | None) -> tuple[dict[str, Any], tuple[str, ...]]:
    """The parameters by botocore's names, and the names in `params` that fit no member of the model."""
    strange: list[str] = []
    if not isinstance(shape, StructureShape):
        return {}, tuple(params)
    if len(params) == 1:
        ((name, inner),) = params.items()
        if name.endswith("Request") and isinstance(inner, Mapping):
            params = inner
    return _structure(params, shape, "", strange), tuple(strange)


def _value(value: Any, shape: Shape, path: str, strange: list[str]) -> Any:
    if isinstance(shape, ListShape):
        return [_value(item, shape.member, path, strange) for item in _items(value, shape.member)]
    if isinstance(shape, StructureShape):
        return _structure(value, shape, path, strange) if isinstance(value, Mapping) else {}
    if isinstance(shape, MapShape):
        return dict(value) if isinstance(value, Mapping) else {}
    return _scalar(value, shape)


def _structure(values: Mapping[str, Any], shape: StructureShape, path: str, strange: list[str]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in values.items():
        member = _member(name, shape)
        if member is not None and member not in found:
            if value is not None:
                found[member] = _value(value, shape.members[member], f"{path}{name}.", strange)
        elif name == "instancesSet" and (items := _items(value, shape)) and isinstance(items[0], Mapping):
            # RunInstances: what all machines have in common stands in the list.
            found |= _structure(items[0], shape, f"{path}{name}.", strange)
        elif value not in (None, "", {}, []):
            strange.append(path + name)
    return found


def _member(name: str, shape: StructureShape) -> str | None:
    """The member that is meant: by its name in any case, by its name on the wire, or by what is left of both."""
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
    """A list from any of CloudTrail's forms of it; of an object with one member, where a text is meant, that one."""
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
