"""The inputs next to an input: each differs in one part, which takes another value that the schema allows.

The values are those that the policies compare the part with, the bounds that their parameters give, each with its
neighbors, and for each type of value a few that mean something: null, empty, nothing, one, one less, one more.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any

from guardrails.policy.compare.changes import GONE, Change, Renamed, Step
from guardrails.policy.compare.definitions import FREE
from guardrails.policy.compare.reads import Reads
from guardrails.policy.compare.words import alike, for_targets, nested, written

# Seconds since the epoch are larger.
_A_TIME = 1e8
_ADDRESS, _OTHER_ADDRESS = "203.0.113.7", "198.51.100.1"
_FEW = 4


class Variations:
    """The changes of a document in what some rules read."""

    def __init__(
        self, schema: Mapping[str, Any], reads: Reads, document: Mapping[str, Any], first: Collection[str] = ()
    ) -> None:
        """`first` are strings that are tried before others where there are many."""
        self._schema, self._reads, self._document, self._first = schema, reads, document, first
        self._now = float(document.get("now_s") or 0)
        clusters = document.get("clusters")
        self._clusters = sorted(clusters) if isinstance(clusters, Mapping) else []
        self._there = _addresses(document) + _ids(document)
        self._parts = _parts(document)

    def __iter__(self) -> Iterator[Change]:
        yield from self._members(self._schema, self._document, (), "")

    def _at(self, schema: Mapping[str, Any], value: Any, path: tuple[Step, ...], name: str) -> Iterator[Change]:
        """The changes of a part, and of what is in it."""
        ways = schema.get("anyOf", [schema])
        types = {kind for way in ways for kind in _types(way)}
        if name in self._reads.names:
            if "null" in types and value is not None:
                yield Change(path, None, name)
            for other in self._values(schema, types, value, path, name):
                if other != value or type(other) is not type(value):
                    yield Change(path, other, name)
        for way in ways:
            if isinstance(value, Mapping) and "object" in _types(way):
                yield from self._members(way, value, path, name)
            elif isinstance(value, list) and "array" in _types(way):
                yield from self._items(way, value, path, name)

    def _values(
        self, schema: Mapping[str, Any], types: set[str], value: Any, path: tuple[Step, ...], name: str
    ) -> Iterable[Any]:
        enum = [word for way in schema.get("anyOf", [schema]) for word in way.get("enum", ())]
        if enum:
            return enum
        if not types:
            return self._anything(name, value, path)
        found: list[Any] = []
        if "boolean" in types:
            found += [True, False]
        if types & {"integer", "number"}:
            found += self._numbers(value, path, whole="number" not in types)
        if "string" in types:
            found += self._strings(name, path)
        return found

    def _numbers(self, value: Any, path: tuple[Step, ...], *, whole: bool) -> Iterable[float]:
        beside = _beside(self._document, path)
        is_late = isinstance(value, (int, float)) and value > _A_TIME
        if is_late or str(path[-1]).endswith(("_s", "_at", "since", "until")):
            spans = [number for number in self._reads.numbers if number >= 1]
            found = {self._now + sign * (span + more) for span in spans for more in (-1, 0, 1) for sign in (-1, 1)}
            found |= {other + more for other in beside if other > _A_TIME for more in (-1, 0, 1)}
            found |= {self._now - 1, self._now, self._now + 1}
            # A moment that a rule names.
            found |= {span + more for span in spans if span > _A_TIME for more in (-1, 0, 1)}
            # Of a part with such a name only a value tells whether it is a time or how long something takes.
            if not is_late:
                found |= {0, 1, *(span + more for span in spans for more in (-1, 0, 1))}
            return sorted(found)
        around = [*self._reads.numbers, *(number for number in beside if number < _A_TIME)]
        around += [value] if isinstance(value, (int, float)) else []
        around += [
            share * number for share in self._reads.numbers if 0 < share < 1 for number in beside if number < _A_TIME
        ]
        found = {0.0, 1.0} | {number + more for number in around for more in (-1, 0, 1)}
        if whole:
            return sorted({int(number // 1) for number in found if number >= 0})
        return sorted(found)

    def _strings(self, name: str, path: tuple[Step, ...]) -> Iterable[str]:
        named = self._reads.strings
        # A tag is compared by its name, or by what all tags are called.
        known = named.get(name, frozenset()) | named.get(str(path[-1]), frozenset())
        found = written(known, self._reads, self._now)
        if not known or path[:1] == ("clusters",):
            found |= written(named.get("", frozenset()), self._reads, self._now)
        return sorted(found | {"", "another"})

    def _anything(self, name: str, value: Any, path: tuple[Step, ...]) -> Iterable[Any]:
        """For a part that may be anything."""
        found: list[Any] = [GONE, None, True, False, 0, 1, 2]
        found += list(self._numbers(value, path, whole=False)) if self._reads.numbers else []
        found += ["", "a", [], ["a"], [""], {}]
        known = [text for text in self._strings(name, path) if text]
        named = sorted(self._reads.strings.get(name, ()))
        found += [
            *known,
            *([text] for text in named),
            *(["another", text] for text in named),
            *nested(self._reads.nested, str(path[-2]), name),
        ]
        found += [named] if len(named) > 1 else []
        for cluster in self._clusters:
            found += [cluster, [cluster], {cluster: self._now - 1}]
        # What stands elsewhere in the input, alone and beside something else.
        found += [each for text in self._there for each in (text, [text], [text, "another"])]
        if isinstance(value, list):
            found += [[*value, text] for text in ("another", *self._there)]
        return found

    def _members(
        self, schema: Mapping[str, Any], value: Mapping[str, Any], path: tuple[Step, ...], name: str
    ) -> Iterator[Change]:
        known, required = schema.get("properties", {}), schema.get("required", ())
        for member, inner in known.items():
            if member in value:
                if member not in required and member in self._reads.names:
                    yield Change((*path, member), GONE, member)
                yield from self._at(inner, value[member], (*path, member), member)
            elif member in self._reads.names:
                new = self._values(inner, set(_types(inner)), None, (*path, member), member)
                yield from (Change((*path, member), other, member) for other in new)
        more = schema.get("additionalProperties")
        if path == ("targets",):
            some = for_targets(self._reads, self._parts, self._first)
            yield from (Change((*path, id_), Renamed(text), name) for id_ in [*value][:_FEW] for text in some)
        if isinstance(more, Mapping):
            yield from self._free_members(more, value, path, name)

    def _free_members(
        self, more: Mapping[str, Any], value: Mapping[str, Any], path: tuple[Step, ...], name: str
    ) -> Iterator[Change]:
        """The members that the schema does not name: those that are there, and those that could be."""
        for member in [*value]:
            if name in self._reads.names:
                yield Change((*path, member), GONE, name)
            yield from self._at(more, value[member], (*path, member), name if _types(more) else member)
        for member in self._new_members(more, value, name):
            inner_name = member if not _types(more) else name
            for other in self._values(more, set(_types(more)), None, (*path, member), inner_name):
                if other is not GONE:
                    yield Change((*path, member), other, name)

    def _new_members(self, schema: Mapping[str, Any], value: Mapping[str, Any], name: str) -> Iterable[str]:
        if name not in self._reads.names:
            return []
        if name in FREE:
            return sorted(self._reads.keys.get(name, frozenset()) - value.keys())
        kinds = _types(schema)
        return [cluster for cluster in self._clusters if cluster not in value] if "object" not in kinds else []

    def _items(
        self, schema: Mapping[str, Any], value: list[Any], path: tuple[Step, ...], name: str
    ) -> Iterator[Change]:
        items = schema.get("items", {})
        if name in self._reads.names:
            if value:
                yield Change(path, [], name)
            for index in range(len(value)):
                yield Change((*path, index), GONE, name)
            if "string" in _types(items):
                for text in self._words(items, name):
                    if text not in value:
                        yield Change(path, [*value, text], name)
                        yield Change(path, [text], name)
        for index, item in enumerate(value):
            if isinstance(item, Mapping):
                yield from self._at(items, item, (*path, index), name)

    def _words(self, items: Mapping[str, Any], name: str) -> Iterable[str]:
        if "enum" in items:
            words: list[str] = items["enum"]
            return words
        known = set(self._reads.strings.get(name, ()))
        if name == "rules":
            return sorted(known)
        near = {_ADDRESS, _OTHER_ADDRESS, *_addresses(self._document)} if "ips" in name else set()
        return sorted({text for text in alike(known, self._reads) if text} | near | set(self._clusters))


def _parts(document: Mapping[str, Any]) -> frozenset[str]:
    """What the parts of the call, the caller and a target are called."""
    targets = document.get("targets")
    some = [
        document.get("call"),
        document.get("caller"),
        *([*targets.values()][:1] if isinstance(targets, Mapping) else ()),
    ]
    return frozenset(name for each in some if isinstance(each, Mapping) for name in each)


def _types(schema: Mapping[str, Any]) -> list[str]:
    if "anyOf" in schema:
        return [kind for way in schema["anyOf"] for kind in _types(way)]
    named = schema.get("type", "string" if "enum" in schema else [])
    return [named] if isinstance(named, str) else list(named)


def _beside(document: Any, path: tuple[Step, ...]) -> list[float]:
    """The numbers in the same object."""
    for step in path[:-1]:
        try:
            document = document[step]
        except (KeyError, IndexError, TypeError):
            return []
    parts = document.values() if isinstance(document, Mapping) else ()
    return [part for part in parts if isinstance(part, (int, float)) and not isinstance(part, bool)]


def _addresses(document: Mapping[str, Any]) -> list[str]:
    """The first public addresses in the input."""
    found: dict[str, None] = {}
    for part in ("targets", "clusters"):
        members = document.get(part)
        for member in members.values() if isinstance(members, Mapping) else ():
            addresses = member.get("public_ips") if isinstance(member, Mapping) else ()
            found.update((text, None) for text in addresses or () if isinstance(text, str))
    return [*found][:_FEW]


def _ids(document: Mapping[str, Any]) -> list[str]:
    targets = document.get("targets")
    return [*targets][:_FEW] if isinstance(targets, Mapping) else []
