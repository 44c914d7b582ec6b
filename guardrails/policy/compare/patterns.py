"""Strings that a pattern stands for, of `regex.match` as of `glob.match`: a few of them, not all."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import lru_cache
from itertools import islice, product

# How many strings are made of one pattern.
_MOST = 8
# What stands for any character, and the characters that classes with a letter stand for.
_ANY = "x"
_CLASSES = {"d": "1", "w": "x", "s": " ", "D": "x", "W": "-", "S": "x", "b": "", "B": "", "A": "", "z": "", "Z": ""}
_OTHERS = "x1-Z"
_RANGE = re.compile(r".-.|.", re.DOTALL)
_GLOB = re.compile(r"\{([^{}]*)\}|\[([^\]]*)\]|\*+|\?|\\(.)|([^{}\[*?\\]+|.)", re.DOTALL)
_TIMES = re.compile(r"\{(\d+)(?:,(\d*))?\}")
_FLAGS = re.compile(r"\?(?:P?<\w+>|[a-zA-Z-]*:|[a-zA-Z-]+(?=\)))")


@lru_cache(4096)
def matching(pattern: str) -> Sequence[str]:
    """Strings that match if this is a pattern, without the pattern itself."""
    some = dict.fromkeys((*_as_glob(pattern), *_Regex(pattern).samples()))
    return [text for text in some if text and text != pattern]


def _as_glob(pattern: str) -> Iterator[str]:
    parts = [
        each.group(1).split(",") if each.group(1) is not None
        else [_of_class(each.group(2))] if each.group(2) is not None
        else [each.group(3) or each.group(4) or _ANY]
        for each in _GLOB.finditer(pattern)
    ]  # fmt: skip
    yield from islice(map("".join, product(*parts)), _MOST)


def _of_class(inside: str) -> str:
    """A character of what stands between brackets."""
    if inside[:1] in ("^", "!"):
        ranges = [(each[0], each[-1]) for each in _RANGE.findall(inside[1:])]
        return next((each for each in _OTHERS if not any(low <= each <= high for low, high in ranges)), _ANY)
    return _CLASSES.get(inside[1:2], inside[1:2]) if inside[:1] == "\\" else inside[:1]


class _Regex:
    """Reads a regular expression; what it does not know stands for itself."""

    def __init__(self, pattern: str) -> None:
        self._text, self._place = pattern, 0

    def samples(self) -> Sequence[str]:
        """The strings; none where a bracket is not closed."""
        found = self._ways()
        return found if self._place == len(self._text) else []

    def _ways(self) -> list[str]:
        """What the alternatives up to the end or to a closing bracket stand for."""
        found = [self._sequence()]
        while self._next("|"):
            found.append(self._sequence())
        return [text for some in found for text in some][:_MOST]

    def _sequence(self) -> list[str]:
        found = [""]
        while self._place < len(self._text) and self._text[self._place] not in "|)":
            part = self._repeated(self._atom())
            found = [before + after for before in found for after in part][:_MOST]
        return found

    def _atom(self) -> list[str]:
        character = self._text[self._place]
        self._place += 1
        if character == "(":
            flags = _FLAGS.match(self._text, self._place)
            self._place = flags.end() if flags else self._place
            found = self._ways()
            self._place += 1
            return found
        if character == "[":
            end = self._text.find("]", self._place + 1)
            inside, self._place = self._text[self._place : end], end + 1 if end > 0 else len(self._text) + 1
            return [_of_class(inside)]
        if character == "\\":
            escaped = self._text[self._place : self._place + 1]
            self._place += 1
            return [_CLASSES.get(escaped, escaped)]
        return [{".": _ANY, "^": "", "$": ""}.get(character, character)]

    def _repeated(self, part: list[str]) -> list[str]:
        if self._next("?"):
            part = [*part, ""]
        elif times := _TIMES.match(self._text, self._place):
            self._place = times.end()
            part = [text * max(1, min(int(times.group(1)), 99)) for text in part]
        elif self._next("+") or self._next("*"):
            pass
        else:
            return part
        self._next("?")  # as few as possible: the same strings
        return part

    def _next(self, character: str) -> bool:
        there = self._text[self._place : self._place + 1] == character
        self._place += there
        return there
