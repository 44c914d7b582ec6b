"""Forms: the query protocol, and EC2's variant of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import parse_qsl

from botocore.model import ListShape, MapShape, Shape, StructureShape

from guardrails.intercept.request.outgoing import Outgoing, query, text, unsigned
from guardrails.intercept.wire.scalar import Undecodable, of_text

Tree = dict[str, Any]
_LEAF = ""


def read(shape: Any, out: Outgoing, *, ec2: bool) -> dict[str, Any]:
    """The parameters in a form: in the body, for GET in the URL, and in a handmade POST perhaps in both."""
    flat = _flat(out.body, query(out.url))
    flat.pop("Action", None)
    flat.pop("Version", None)
    tree: Tree = {}
    for key, value in flat.items():
        node = tree
        for part in key.split("."):
            node = node.setdefault(part, {})
        node[_LEAF] = value
    params = _Reader(ec2=ec2).structure(shape, tree) if shape is not None else {}
    left = sorted(_leaves(tree, ""))
    if left:
        raise Undecodable(f"the body has parts that are unknown to the operation: {', '.join(left[:3])}")
    return params


def _flat(body: object, in_url: Iterable[tuple[str, str]]) -> dict[str, Any]:
    pairs = [*unsigned(_pairs(body)), *in_url]
    flat = dict(pairs)
    if len(flat) != len(pairs):
        raise Undecodable("a parameter appears twice in the request")
    if any(isinstance(value, (list, tuple, dict)) for value in flat.values()):
        # botocore would write each item under the same name.
        raise Undecodable("a parameter of the form is a list")
    return flat


def _pairs(body: object) -> Iterable[tuple[str, Any]]:
    if isinstance(body, Mapping):
        return [(text(name), value) for name, value in body.items()]
    if body is None:
        return ()
    if isinstance(body, (bytes, bytearray, str)):
        try:
            form = body if isinstance(body, str) else bytes(body).decode("utf-8")
        except UnicodeDecodeError as error:
            raise Undecodable("the body is not UTF-8 (is it compressed?)") from error
        return parse_qsl(form, keep_blank_values=True)
    raise Undecodable(f"the body is a {type(body).__name__}")


def _leaves(tree: Tree, prefix: str) -> list[str]:
    leaves = [prefix] if _LEAF in tree else []
    for part, child in tree.items():
        if part != _LEAF:
            leaves += _leaves(child, f"{prefix}.{part}" if prefix else part)
    return leaves


class _Reader:
    """The reverse of botocore's QuerySerializer and EC2Serializer. Leaves leave the tree when they are read."""

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
        return of_text(shape, tree.pop(_LEAF))

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
