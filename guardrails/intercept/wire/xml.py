"""XML bodies. Namespaces are ignored, as AWS does."""

from __future__ import annotations

from typing import Any
from xml.etree.ElementTree import Element, ParseError, XMLParser

from botocore.model import ListShape, MapShape, Shape, StructureShape

from guardrails.intercept.wire.scalar import Undecodable, of_text


def read(shape: StructureShape, body: object, root: str, *, without: frozenset[str] = frozenset()) -> dict[str, Any]:
    """The members of a structure in a body whose element is called `root`, except those in `without`."""
    if not isinstance(body, (bytes, bytearray, str)):
        raise Undecodable(f"the body is a {type(body).__name__}")
    parser = XMLParser()  # noqa: S314  (the script's own request; entities are refused)
    if "<!DOCTYPE" in (body if isinstance(body, str) else bytes(body).decode("latin-1")):
        raise Undecodable("the body contains declarations")
    try:
        parser.feed(body)
        node = parser.close()
    except (ParseError, ValueError) as error:
        raise Undecodable("the body is not XML") from error
    if _local(node.tag) != root:
        raise Undecodable(f"the body is a {_local(node.tag)}, not a {root}")
    return _structure(shape, node, without)


def _structure(shape: StructureShape, node: Element, without: frozenset[str] = frozenset()) -> dict[str, Any]:
    children: dict[str, list[Element]] = {}
    for child in _children(node):
        children.setdefault(_local(child.tag), []).append(child)
    attributes = {_local(name): value for name, value in node.attrib.items()}
    found: dict[str, Any] = {}
    # Where two members share an element (an old member and its successor), the list can hold any number of them.
    for name, member in sorted(shape.members.items(), key=lambda item: not isinstance(item[1], ListShape)):
        if name in without:
            continue
        tag = member.serialization.get("name", name)
        if member.serialization.get("xmlAttribute"):
            text = attributes.pop(tag.rpartition(":")[2], None)
            if text is not None:
                found[name] = of_text(member, text)
        elif tag in children:
            found[name] = _value(member, children.pop(tag))
    _nothing_left(children, "elements")
    _nothing_left(attributes, "attributes")
    return found


def _value(shape: Shape, nodes: list[Element]) -> Any:
    """A member's value from the elements with its name; only a flattened member may have several."""
    if isinstance(shape, (ListShape, MapShape)) and shape.serialization.get("flattened"):
        return _list(shape, nodes) if isinstance(shape, ListShape) else _map(shape, nodes)
    if len(nodes) > 1:
        raise Undecodable(f"the element {_local(nodes[0].tag)} appears twice")
    (node,) = nodes
    if isinstance(shape, StructureShape):
        return _structure(shape, node)
    if isinstance(shape, ListShape):
        _nothing_left(node.attrib, "attributes")
        return _list(shape, _named(node, shape.member.serialization.get("name", "member")))
    if isinstance(shape, MapShape):
        _nothing_left(node.attrib, "attributes")
        return _map(shape, _named(node, "entry"))
    if len(node):
        raise Undecodable(f"there are elements in {_local(node.tag)}")
    _nothing_left(node.attrib, "attributes")
    return of_text(shape, node.text or "")


def _list(shape: ListShape, nodes: list[Element]) -> list[Any]:
    return [_value(shape.member, [node]) for node in nodes]


def _map(shape: MapShape, nodes: list[Element]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for node in nodes:
        names = [shape.key.serialization.get("name", "key"), shape.value.serialization.get("name", "value")]
        pair = {_local(child.tag): child for child in _children(node)}
        if len(node) != 2 or set(pair) != set(names):
            raise Undecodable(f"{_local(node.tag)} is not a pair")
        key = str(_value(shape.key, [pair[names[0]]]))
        if key in found:
            raise Undecodable("a name appears twice in the body")
        found[key] = _value(shape.value, [pair[names[1]]])
    return found


def _named(node: Element, tag: str) -> list[Element]:
    children = _children(node)
    _nothing_left({_local(child.tag) for child in children} - {tag}, "elements")
    return children


def _children(node: Element) -> list[Element]:
    children = list(node)
    if any((text or "").strip() for text in (node.text, *(child.tail for child in children))):
        raise Undecodable(f"there is text in {_local(node.tag)}")
    return children


def _nothing_left(names: Any, what: str) -> None:
    if names:
        raise Undecodable(f"the body has {what} that are unknown to the operation: {', '.join(sorted(names)[:3])}")


def _local(name: str) -> str:
    return name.rpartition("}")[2]
