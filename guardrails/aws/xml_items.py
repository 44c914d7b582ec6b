"""Reads each item of a list in an XML answer once: one that comes again, byte for byte, is not parsed again.

Between two decisions most machines of an account stay as they are. A document is divided at its items; those that are
known are left out of it, the rest is parsed as ever, and the known ones are put back. Whatever is not written exactly
as AWS writes it is not divided.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from guardrails.values import frozen

# Bytes of items that are kept for one list: of some times what its largest answer has, since other answers have other
# machines of the account. What a machine was before a change is not asked for again. At least so many, for lists of
# several pages, and at most: a page of 1,000 machines has 5 MB.
_ANSWERS_KEPT, _LEAST_KEPT, _MOST_KEPT = 3, 2_000_000, 8_000_000
_DECLARATION = rb"""(?:<\?xml version=["']1\.0["'](?: encoding=["'](?:UTF|utf)-8["'])?\?>\s*)?"""
# With no namespace but the default one: nothing else in a document says what its items mean.
_ROOT = re.compile(_DECLARATION + rb"""<\w+(?: xmlns="[^"<>&]*")?>""")
_SPACE = re.compile(rb"[ \t\r\n]*")
_ITEM = re.compile(rb"<(/?)item(/?)>")
# Comments, CDATA and instructions, in which a tag is no tag, and tags that _ITEM does not find.
_UNUSUAL = re.compile(rb"<(?:!|\?|/?item\s)")

_Parse = Callable[[bytes], dict[str, Any]]


class Item(dict[str, Any]):
    """An item as it was read, with room for what is `made` of its parts, by their id: it goes when the item goes."""

    __slots__ = ("made",)

    def __init__(self, parts: Mapping[str, Any], made: dict[int, Any] | None = None) -> None:
        super().__init__(parts)
        self.made: dict[int, Any] = {} if made is None else made


def as_items(read: Any) -> Any:
    """The same list, with its structures as items."""
    return [Item(each) if isinstance(each, dict) else each for each in read] if isinstance(read, list) else read


def with_only(item: Mapping[str, Any], name: str, parts: Sequence[Any]) -> Mapping[str, Any]:
    """The item with some of its parts, and what was made of them."""
    some = {**item, name: parts}
    return Item(some, item.made) if isinstance(item, Item) else some


@frozen
class _Divided:
    """A document: everything before its items, each of them in order, and everything after them."""

    before: bytes
    items: tuple[bytes, ...]
    after: bytes


@frozen
class _Kept:
    """What items said, by their bytes, the oldest first; and by an item, the one that came after it.

    `largest` are the bytes of the items of the largest answer.
    """

    read: Mapping[bytes, Any]
    following: Mapping[bytes, bytes]
    largest: int = 0

    def with_more(self, items: Iterable[bytes], values: Iterable[Any]) -> _Kept:
        """The same with the items of an answer, without the oldest ones that are too much."""
        latest = dict(zip(items, values, strict=True))
        read = {**{item: value for item, value in self.read.items() if item not in latest}, **latest}
        size = sum(map(len, read))
        largest = max(self.largest, sum(map(len, latest)))
        most = min(max(_ANSWERS_KEPT * largest, _LEAST_KEPT), _MOST_KEPT)
        while size > most:
            oldest = next(iter(read))
            size -= len(oldest)
            del read[oldest]
        following = {**self.following, **dict(zip((b"", *latest), latest, strict=False))}
        return _Kept(read, {item: after for item, after in following.items() if after in read}, largest)


class Items:
    """What the latest items in answers said. Safe to use from several threads.

    Answers share what was read, so nobody may change it.
    """

    def __init__(self) -> None:
        # By the id of the answer's shape and by the beginning of the document. Never changed, only replaced.
        self._kept: dict[tuple[int, bytes], _Kept] = {}
        self._lock = threading.Lock()

    def read(self, place: tuple[int, str, str], document: bytes, parse: _Parse) -> dict[str, Any]:
        """What `parse` makes of the document. Raises what it raises.

        `place` has the id of the answer's shape, of which there must be no other later, the member of the result that
        is a list, and the tag of that list.
        """
        shape, name, tag = place
        root = _ROOT.match(document)
        key = (shape, root.group()) if root else (shape, b"")
        kept = self._kept.get(key, _Kept({}, {}))
        divided = _divide(document, tag.encode(), root.end(), kept.following) if root else None
        if divided is None:
            return parse(document)
        new = [item for item in divided.items if item not in kept.read]
        parsed = parse(b"".join((divided.before, *new, divided.after)))
        read = parsed.get(name)
        # A list that is somewhere else in the document.
        if not isinstance(read, list) or len(read) != len(new):
            return parse(document)
        values = iter(read)
        parsed[name] = [kept.read[item] if item in kept.read else next(values) for item in divided.items]
        if new:
            with self._lock:
                self._kept[key] = self._kept.get(key, kept).with_more(divided.items, parsed[name])
        return parsed


def _divide(document: bytes, tag: bytes, start: int, following: Mapping[bytes, bytes]) -> _Divided | None:
    """The document's parts. None where there is no such list or more than one, or it is not written as AWS does."""
    begin = document.find(b"<%b>" % tag, start) + len(tag) + 2
    if begin < start + len(tag) + 2:
        return None
    before, items, at, item = document[:begin], list[bytes](), begin, b""
    while True:
        at = _end(_SPACE.match(document, at))
        if document.startswith(b"</%b>" % tag, at):
            break
        # Most come in the order of the last time.
        guess = following.get(item)
        item = guess if guess is not None and document.startswith(guess, at) else _item_at(document, at)
        if not item:
            return None
        items.append(item)
        at += len(item)
    after = document[at:]
    unusual = _UNUSUAL.search(before, start) or _UNUSUAL.search(after) or before.count(b"<" + tag) != 1
    return None if unusual or b"<" + tag in after else _Divided(before, tuple(items), after)


def _item_at(document: bytes, start: int) -> bytes:
    """The item that begins there, whole; nothing where none does, or it has unusual parts."""
    if not document.startswith((b"<item>", b"<item/>"), start):
        return b""
    depth = 0
    for tag in _ITEM.finditer(document, start):
        depth += (not tag.group(1)) - (bool(tag.group(1)) or bool(tag.group(2)))
        if depth == 0:
            item = document[start : tag.end()]
            return b"" if _UNUSUAL.search(item) else item
    return b""


def _end(found: re.Match[bytes] | None) -> int:
    # It matches nothing at all as well.
    assert found is not None
    return found.end()
