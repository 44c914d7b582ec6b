"""Read a serialized AWS request back into botocore's parameter names.

What is judged must be what is sent, so the guard reads the request body, never the caller's arguments: handlers
of the script may have changed them on the way.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import parse_qsl

from botocore.model import ListShape, MapShape, ServiceModel, Shape, StructureShape

from guardrails.intercept.outgoing import unsigned

Tree = dict[str, Any]
_LEAF = ""


class Undecodable(Exception):
    """A request whose parameters cannot be read back completely; the reason is the message."""


def decode(model: ServiceModel, action: str, body: object, query: Iterable[tuple[str, str]] = ()) -> dict[str, Any]:
    """The parameters of a request of the query, ec2 or JSON protocol; `query` are the pairs in its URL.

    Raises Undecodable when any part of the body has no place in the operation's input shape: a parameter the
    guard cannot read may be the one that does the harm.
    """
    try:
        shape: Any = model.operation_model(action).input_shape
    except Exception as error:
        raise Undecodable(f"{action} is not an operation of {model.service_name}") from error
    # botocore chooses among a service's protocols from 1.36 on; before that there was one.
    protocol = getattr(model, "resolved_protocol", None) or model.metadata["protocol"]
    if protocol in ("ec2", "query"):
        return _decode_query(shape, _flat(body, query), ec2=protocol == "ec2")
    if protocol == "json":
        return _decode_json(shape, body)
    raise Undecodable(f"the {protocol} protocol is not read yet")


def _bytes(body: bytes | bytearray | str) -> bytes:
    return body.encode() if isinstance(body, str) else bytes(body)


def _flat(body: object, query: Iterable[tuple[str, str]]) -> dict[str, Any]:
    """The pairs of a form, which a GET request has in its URL, and a hand-made POST may have in both places."""
    pairs = [*unsigned(_pairs(body)), *query]
    flat = dict(pairs)
    if len(flat) != len(pairs):
        raise Undecodable("a parameter stands twice in the request")
    if any(isinstance(value, (list, tuple, dict)) for value in flat.values()):
        # botocore would write each of its items out under the same name.
        raise Undecodable("a parameter of the form is a list")
    return flat


def _pairs(body: object) -> Iterable[tuple[str, Any]]:
    if isinstance(body, Mapping):
        return body.items()
    if body is None:
        return ()
    if isinstance(body, (bytes, bytearray, str)):
        try:
            text = _bytes(body).decode("utf-8")
        except UnicodeDecodeError as error:
            raise Undecodable("the body is not UTF-8 (is it compressed?)") from error
        return parse_qsl(text, keep_blank_values=True)
    raise Undecodable(f"the body is a {type(body).__name__}")


def _decode_query(shape: Any, flat: dict[str, Any], *, ec2: bool) -> dict[str, Any]:
    flat.pop("Action", None)
    flat.pop("Version", None)
    tree: Tree = {}
    for key, value in flat.items():
        node = tree
        for part in key.split("."):
            node = node.setdefault(part, {})
        node[_LEAF] = value
    params = _QueryReader(ec2=ec2).structure(shape, tree) if shape is not None else {}
    left = sorted(_leaves(tree, ""))
    if left:
        raise Undecodable(f"the body has parts that the operation does not know: {', '.join(left[:3])}")
    return params


def _leaves(tree: Tree, prefix: str) -> list[str]:
    found = [prefix] if _LEAF in tree else []
    for part, child in tree.items():
        if part != _LEAF:
            found += _leaves(child, f"{prefix}.{part}" if prefix else part)
    return found


class _QueryReader:
    """The reverse of botocore's QuerySerializer and EC2Serializer; a leaf is taken out of the tree when it is read."""

    def __init__(self, *, ec2: bool) -> None:
        self._ec2 = ec2

    def structure(self, shape: StructureShape, tree: Tree) -> dict[str, Any]:
        read: dict[str, Any] = {}
        for name, member in shape.members.items():
            key = self._name(member, name)
            if isinstance(member, ListShape) and not self._ec2 and self._flattened(member):
                # The query protocol puts a flattened list under its member's name.
                key = member.member.serialization.get("name") or key
            if key in tree:
                value = self._value(member, tree[key])
                if value is not None:
                    read[name] = value
        return read

    def _value(self, shape: Shape, tree: Tree) -> Any:
        if isinstance(shape, StructureShape):
            return self.structure(shape, tree)
        if isinstance(shape, ListShape):
            return self._list(shape, tree)
        if isinstance(shape, MapShape):
            return self._map(shape, tree)
        if _LEAF not in tree:
            return None
        return _scalar(shape, tree.pop(_LEAF))

    def _list(self, shape: ListShape, tree: Tree) -> list[Any]:
        if tree.get(_LEAF) == "":
            del tree[_LEAF]
            return []
        if not self._ec2 and not self._flattened(shape):
            tree = tree.get(shape.member.serialization.get("name", "member"), {})
        return [self._value(shape.member, tree[index]) for index in sorted(filter(str.isdigit, tree), key=int)]

    def _map(self, shape: MapShape, tree: Tree) -> dict[str, Any]:
        if not self._flattened(shape):
            tree = tree.get("entry", {})
        read = {}
        for index in sorted(filter(str.isdigit, tree), key=int):
            pair = tree[index]
            key = self._value(shape.key, pair.get(self._name(shape.key, "key"), {}))
            read[str(key)] = self._value(shape.value, pair.get(self._name(shape.value, "value"), {}))
        return read

    def _name(self, shape: Shape, default: str) -> str:
        serialization: Mapping[str, Any] = shape.serialization
        if self._ec2:
            if "queryName" in serialization:
                return str(serialization["queryName"])
            name = str(serialization.get("name", default))
            return name[0].upper() + name[1:] if "name" in serialization else name
        return str(serialization.get("name", default))

    @staticmethod
    def _flattened(shape: Shape) -> bool:
        return bool(shape.serialization.get("flattened"))


def _scalar(shape: Shape, value: object) -> Any:
    try:
        if shape.type_name == "boolean":
            text = str(value).lower()
            if text not in ("true", "false"):
                raise Undecodable(f"{value!r} is not true or false")
            return text == "true"
        if shape.type_name in ("integer", "long"):
            return int(str(value))
        if shape.type_name in ("float", "double"):
            return float(str(value))
    except ValueError as error:
        raise Undecodable(f"{value!r} is not a number") from error
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)


def _decode_json(shape: Any, body: object) -> dict[str, Any]:
    if not isinstance(body, (bytes, bytearray, str)):
        raise Undecodable(f"the body is a {type(body).__name__}")
    try:
        document = json.loads(_bytes(body) or b"{}")
    except ValueError as error:
        raise Undecodable("the body is not JSON") from error
    if not isinstance(document, dict):
        raise Undecodable("the body is not a JSON object")
    known = shape.members if shape is not None else {}
    names = {member.serialization.get("name", name): name for name, member in known.items()}
    unknown = sorted(set(document) - set(names))
    if unknown:
        raise Undecodable(f"the body has parts that the operation does not know: {', '.join(unknown[:3])}")
    return {names[key]: value for key, value in document.items() if value is not None}
