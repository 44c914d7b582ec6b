"""Parameters for any operation, made from botocore's model of it: as few as may be, all, and odd ones."""

from __future__ import annotations

import datetime as dt
import random
from typing import Any

from botocore.model import ListShape, MapShape, Shape, StructureShape

KINDS = ("least", "all", "some", "odd")
_DEPTH = 5
_MANY = 120
# What is written differently in a URL, a form, XML or JSON, what looks like nothing, and what names something else.
_ODD = (
    "", " ", "None", "null", "undefined", "é日本🦆", "a b", "a/b", "../..", "a//b", "%2F", "a&b=c", "?x", "#",
    "<a>&amp;", '"', "\\", "a\nb", "\t", "a,b", "x" * 3000, "i-0123456789abcdef0", "arn:aws:ec2:::instance/*", "*",
    "[]", "{}", "0", "-0", "1e400", "\u2028", "\ufeff", "true",
)  # fmt: skip
# The end of the numbers that botocore lets through.
_LARGEST = 2**63 - 1


class Maker:
    """Makes parameters; the same dice make the same ones."""

    def __init__(self, dice: random.Random, kind: str) -> None:
        self._dice = dice
        self._kind = kind

    def params(self, shape: StructureShape | None) -> dict[str, Any]:
        """Parameters of an operation with this input."""
        if shape is None:
            return {}
        made = self._structure(shape, 0)
        # botocore makes these up at random where they are missing.
        for name, member in shape.members.items():
            if member.metadata.get("idempotencyToken"):
                made[name] = "token-0123456789abcdef0123456789abcdef"
        return made

    def _structure(self, shape: StructureShape, depth: int) -> dict[str, Any]:
        if getattr(shape, "is_document_type", False):
            return {"a": [1, None, {"b": "é"}]} if self._odd(0.5) else {"a": "b"}
        names = list(shape.members)
        if getattr(shape, "is_tagged_union", False):
            return {name: self._value(shape.members[name], depth + 1) for name in [self._dice.choice(names)] if names}
        chance = {"least": 0, "all": 1, "some": 0.4, "odd": 0.5}[self._kind]
        wanted = {name for name in names if depth < _DEPTH and len(names) * chance and self._dice.random() < chance}
        if len(wanted) > 15 * (depth == 0) + 25 // (depth + 1):
            wanted = set(self._dice.sample(sorted(wanted), 25 // (depth + 1) + 1))
        wanted |= set(shape.required_members)
        return {name: self._value(shape.members[name], depth + 1) for name in names if name in wanted}

    def _value(self, shape: Shape, depth: int) -> Any:
        if isinstance(shape, StructureShape):
            return self._structure(shape, depth)
        if isinstance(shape, ListShape):
            return self._list(shape, depth)
        if isinstance(shape, MapShape):
            number = self._number(shape, depth, most=3)
            return {self._string(shape.key): self._value(shape.value, depth + 1) for _ in range(number)}
        return self._scalar(shape)

    def _list(self, shape: ListShape, depth: int) -> list[Any]:
        number = self._number(shape, depth, most=3)
        if self._odd(0.1) and not isinstance(shape.member, (StructureShape, ListShape, MapShape)):
            number = min(_MANY, shape.metadata.get("max", _MANY))
        made = [self._value(shape.member, depth + 1) for _ in range(number)]
        # The same thing, named twice.
        return [*made, made[0]] if made and self._odd(0.2) else made

    def _number(self, shape: Shape, depth: int, most: int) -> int:
        if self._odd(0.2):
            return 0
        least = shape.metadata.get("min", 0)
        return max(least, 1 if depth >= 3 else self._dice.randint(1, most))

    def _odd(self, chance: float) -> bool:
        return self._kind == "odd" and self._dice.random() < chance

    def _scalar(self, shape: Shape) -> Any:
        kind = shape.type_name
        if kind == "boolean":
            return self._dice.random() < 0.5
        if kind in ("integer", "long"):
            return self._integer(shape)
        if kind in ("float", "double"):
            return self._dice.choice([-0.0, 1e-7, 1e300, 0.1, 5]) if self._odd(0.7) else 1.5
        if kind == "timestamp":
            return self._time()
        if kind == "blob":
            return self._dice.choice([b"", b"\x00\xff", b"x" * 3000]) if self._odd(0.7) else b"data"
        return self._string(shape)

    def _integer(self, shape: Shape) -> int:
        least, most = shape.metadata.get("min", 0), shape.metadata.get("max", 1000)
        if self._odd(0.5):
            return self._dice.choice([int(least), int(most), 0, _LARGEST, -(2**31), 2**53 + 1])
        return max(1, int(least))

    def _time(self) -> dt.datetime:
        year = self._dice.choice([1970, 2023, 2099]) if self._odd(0.7) else 2023
        return dt.datetime(year, 10, 9, 15, 22, 0, tzinfo=dt.UTC)

    def _string(self, shape: Shape) -> str:
        enum = getattr(shape, "enum", None)
        if self._odd(0.5):
            return self._dice.choice(_ODD)
        if enum:
            return str(self._dice.choice(enum))
        # As long as the model wants it.
        return f"x{self._dice.randrange(10_000)}".ljust(min(shape.metadata.get("min", 0), 300), "z")
