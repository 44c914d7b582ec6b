"""Reads the XML answers of EC2, Elastic Load Balancing, Auto Scaling and others as botocore does, in 0.4 of its time.

A large account answers with megabytes of XML, and botocore looks for every member of a shape in every element. This
looks up only the elements that are there. What is no ordinary structure, list or value is left to botocore, and so is a
whole document in which one structure has the same element twice. What EC2 lists again is not read again (xml_items.py).
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime
from typing import Any
from xml.etree.ElementTree import Element

from botocore.parsers import EC2QueryParser, QueryParser, ResponseParserFactory
from dateutil.tz import tzutc

from guardrails.aws.xml_items import Items, as_items

_Read = Callable[[Element], Any]
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{3}|\.\d{6})?Z", re.ASCII)
_UTC = tzutc()


class XmlAnswers(ResponseParserFactory):
    """Botocore's parsers, and faster ones for XML: a session's component ``response_parser_factory``."""

    def __init__(self) -> None:
        super().__init__()
        # By the id of an operation's output shape, which is kept so that no other shape gets that id.
        self._readers: dict[int, tuple[Any, _Read]] = {}
        self._items = Items()

    def create_parser(self, protocol_name: str) -> Any:
        """The parser for answers in this protocol."""
        ordinary = super().create_parser(protocol_name)
        made = {"ec2": _Ec2, "query": _Query}.get(protocol_name)
        return made(self._readers, self._items, ordinary) if made else ordinary


class _Repeated(Exception):
    """A structure has the same element twice; only botocore knows what that means."""


class _Faster:
    """Comes before one of botocore's parsers, and reads what answers contain in its place."""

    def __init__(self, readers: dict[int, tuple[Any, _Read]], items: Items, ordinary: Any) -> None:
        super().__init__()
        self._readers = readers
        self._items = items
        self._ordinary = ordinary

    def _parse_shape(self, shape: Any, node: Any) -> Any:
        if id(shape) not in self._readers:
            self._readers[id(shape)] = shape, _reader(shape, self._ordinary)
        try:
            return self._readers[id(shape)][1](node)
        except Exception:  # whatever it stumbles over is botocore's to read, or to refuse
            return self._ordinary._parse_shape(shape, node)


class _Ec2(_Faster, EC2QueryParser):
    def _parse_body_as_xml(self, response: Any, shape: Any, inject_metadata: bool = True) -> Any:  # noqa: FBT002
        listed = self._listed(shape)

        def parse(body: bytes) -> dict[str, Any]:
            parsed: dict[str, Any] = super(_Ec2, self)._parse_body_as_xml(  # type: ignore[misc]
                {**response, "body": body}, shape, inject_metadata
            )
            if listed is not None and listed[0] in parsed:
                parsed[listed[0]] = as_items(parsed[listed[0]])
            return parsed

        body = response["body"]
        if listed is None or not isinstance(body, bytes) or id(shape) not in self._readers:
            # Its id is that of no other shape once a reader keeps it.
            return parse(body)
        return self._items.read((id(shape), *listed), body, parse)

    def _listed(self, shape: Any) -> tuple[str, str] | None:
        """The one member that is a list, and its tag; None for other shapes."""
        if shape is None or shape.type_name != "structure":
            return None
        lists = [(name, member) for name, member in shape.members.items() if member.type_name == "list"]
        if len(lists) != 1 or lists[0][1].serialization.get("flattened"):
            return None
        name, member = lists[0]
        return name, self._ordinary._member_key_name(member, name)


class _Query(_Faster, QueryParser):
    pass


def _reader(shape: Any, ordinary: Any) -> _Read:
    """What reads an element of this shape. `ordinary` is botocore's own parser."""
    kind = shape.type_name
    if kind == "structure" and not shape.metadata.get("exception") and not shape.is_tagged_union:
        return _structure(shape, ordinary)
    if kind == "list" and not shape.serialization.get("flattened"):
        item = _reader(shape.member, ordinary)
        return lambda node: [item(child) for child in node]
    if kind in ("string", "character"):
        return lambda node: node.text or ""
    if kind == "boolean":
        return lambda node: node.text == "true"
    if kind == "timestamp":
        return lambda node: _time(node) or ordinary._parse_shape(shape, node)
    return lambda node: ordinary._parse_shape(shape, node)


def _structure(shape: Any, ordinary: Any) -> _Read:
    members: dict[str, tuple[str, Any]] = {}
    for name, member in shape.members.items():
        element = ordinary._member_key_name(member, name)
        if element in members or {"location", "eventheader", "xmlAttribute"} & member.serialization.keys():
            return lambda node: ordinary._parse_shape(shape, node)
        members[element] = name, member
    # By tag, with its namespace; None for what the model does not know. Filled as tags turn up, for shapes may contain
    # themselves.
    known: dict[str, tuple[str, _Read] | None] = {}

    def read(node: Element) -> dict[str, Any]:
        parsed: dict[str, Any] = {}
        for child in node:
            tag = child.tag
            if tag not in known:
                name, member = members.get(ordinary._node_tag(child), (None, None))
                known[tag] = None if name is None else (name, _reader(member, ordinary))
            found = known[tag]
            if found is not None:
                name, value = found
                if name in parsed:
                    raise _Repeated
                parsed[name] = value(child)
        return parsed

    return read


def _time(node: Element) -> datetime | None:
    """A time as AWS writes it; None for any other, which botocore reads in many more ways."""
    text = node.text or ""
    if not _TIME.fullmatch(text):
        return None
    try:
        return datetime.fromisoformat(f"{text[:-1]}+00:00").replace(tzinfo=_UTC)
    except ValueError:
        return None
