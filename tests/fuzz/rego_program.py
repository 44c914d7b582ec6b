"""Generated Rego as a tree, so that it can be made smaller while it still shows a difference."""

from __future__ import annotations

import random
import re
from collections.abc import Iterator
from typing import Any

from attrs import evolve, field, frozen

from tests.fuzz.rego_words import FIXED, HELPERS, RULES, WAYS

_HOLE = re.compile(r"\{([a-z_0-9]+)\}|\{\{|\}\}")
_DECLARING = ("new", "new2", "arg", "local")
_DEEPEST = 4


@frozen
class Node:
    """A way to write a value of a type, and what fills its holes, in order."""

    kind: str
    way: str
    parts: tuple[Node | str, ...] = field(converter=tuple)

    def text(self) -> str:
        """As Rego."""
        parts = iter(self.parts)

        def fill(match: re.Match[str]) -> str:
            if match[1] is None:
                return match[0][0]
            part = next(parts)
            return part if isinstance(part, str) else part.text()

        return _HOLE.sub(fill, self.way)

    def size(self) -> int:
        """How much there is of it: characters of the Rego."""
        return len(self.text())

    def smaller(self) -> Iterator[Node]:
        """The same with less: a part of it in its place, a simple way, or one of its parts made smaller."""
        for part in self.parts:
            if isinstance(part, Node) and part.kind == self.kind:
                yield part
        if self.kind in WAYS:
            yield from (Node(self.kind, way, ()) for way in WAYS[self.kind][:8] if "{" not in way and way != self.way)
        for number, part in enumerate(self.parts):
            if isinstance(part, Node):
                for less in part.smaller():
                    yield evolve(self, parts=(*self.parts[:number], less, *self.parts[number + 1 :]))


@frozen
class Program:
    """A helper and a rule `v`."""

    helper: Node
    rule: Node

    def source(self) -> str:
        """The module."""
        text = f"{self.helper.text()}\n{self.rule.text()}"
        lines = [line for line in FIXED.split("\n") if re.search(rf"(?<![.\w\"]){_name(line)}\b", text)]
        return (
            "\n".join(("package guardrails.fuzz", *filter(None, (*lines, self.helper.text(), self.rule.text())))) + "\n"
        )

    def smaller(self) -> Iterator[Program]:
        """Less of one of both."""
        if self.helper.way:
            yield evolve(self, helper=Node("helper", "", ()))
        yield from (evolve(self, rule=less) for less in self.rule.smaller())
        yield from (evolve(self, helper=less) for less in self.helper.smaller())


def _declared(part: Node | str) -> list[str]:
    """The variables that a line of a body declares."""
    if isinstance(part, str) or part.kind != "cond" or part.way.startswith("every"):
        return []
    return [name for each in part.parts for name in ([each] if isinstance(each, str) else _declared(each))]


def _name(line: str) -> str:
    return re.split(r"[ (\[]", line.removeprefix("default "))[0] or "-"


class Maker:
    """Makes programs; the same dice make the same ones."""

    def __init__(self, dice: random.Random) -> None:
        self._dice = dice
        self._number = 0

    def program(self) -> Program:
        """Another one."""
        self._number = 0
        helper = self._node("helper", self._dice.choice(HELPERS), 2, [])
        rule = self._node("rule", self._dice.choice(RULES), 0, [])
        return Program(helper, rule)

    def _node(self, kind: str, way: str, depth: int, scope: list[str]) -> Node:
        holes = [match[1] for match in _HOLE.finditer(way) if match[1]]
        names: dict[str, str] = {}
        inner = list(scope)
        for hole in holes:
            if hole in _DECLARING and hole not in names:
                names[hole] = self._new()
                inner.append(names[hole])
        parts: dict[int, Node | str] = {}
        # What the lines of a body declare can be used in those that follow, and in the head.
        for number in sorted(range(len(holes)), key=lambda number: holes[number] != "cond"):
            parts[number] = part = self._part(holes[number], names, depth, inner)
            inner += _declared(part)
        return Node(kind, way, [parts[number] for number in range(len(holes))])

    def _part(self, hole: str, names: dict[str, str], depth: int, scope: list[str]) -> Node | str:
        if hole in names:
            return names[hole]
        if hole == "var":
            return self._dice.choice(scope) if scope else "input.x"
        if hole == "bool_local":
            return self._value("bool", depth + 1, scope)
        return self._value(hole, depth + 1, scope)

    def _value(self, kind: str, depth: int, scope: list[str]) -> Node:
        if scope and kind in ("any", "num") and self._dice.random() < 0.25:
            return Node(kind, self._dice.choice(scope), ())
        ways = WAYS[kind]
        if depth >= _DEEPEST:
            ways = tuple(way for way in ways if "{" not in way.replace("{{", "")) or ways[:1]
        return self._node(kind, self._dice.choice(ways), depth, scope)

    def _new(self) -> str:
        self._number += 1
        return f"x{self._number}"


def programs(seed: Any) -> Iterator[Program]:
    """Without end."""
    maker = Maker(random.Random(str(seed)))
    while True:
        yield maker.program()
