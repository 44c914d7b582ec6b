"""Files that are broken a little, and JSON of the wrong shape."""

from __future__ import annotations

import gzip
import random
from typing import Any

# What files are not made for.
_TOKENS = (
    b"null", b"[]", b"{}", b'""', b"-1", b"1e999", b"NaN", b"\x00", b"\xff\xfe", b"\xed\xa0\x80", b"\n", b"[" * 3000,
    b'{"a":' * 1500, b"9" * 400, b"true", b'"\\ud800"', b"'", b'"', b"=", b"[[", b"..", b"/", b"\r\n",
    "é🦆".encode(),
)  # fmt: skip
ODD: tuple[Any, ...] = (
    None, True, False, 0, -1, 2**70, 1.5, -0.0, "", "x", "é🦆", "\x00", "a\nb", "x" * 3000, [], [[]], [None], {},
    {"": {}}, {"x": None}, "2023-10-09T15:22:00Z", "i-0a1", "\ud800",
)  # fmt: skip


def mutated(dice: random.Random, content: bytes) -> bytes:
    """The same bytes with a few changes."""
    data = bytearray(content)
    for _ in range(dice.choice([1, 1, 2, 4])):
        start = dice.randrange(len(data) + 1)
        end = min(len(data), start + dice.choice([1, 2, 10, 200]))
        way = dice.randrange(6)
        if way == 0:
            del data[start:end]
        elif way == 1:
            data[start:start] = data[start:end]
        elif way == 2:
            data[start:end] = dice.choice(_TOKENS)
        elif way == 3:
            data[start:start] = dice.choice(_TOKENS)
        elif way == 4 and start < len(data):
            data[start] ^= 1 << dice.randrange(8)
        else:
            del data[dice.choice([start, len(data) // 2]) :]
    return bytes(data)


def misshapen(dice: random.Random, value: Any, chance: float = 0.08) -> Any:
    """The same JSON with odd values here and there, and members taken out."""
    if dice.random() < chance:
        return dice.choice(ODD)
    if isinstance(value, dict):
        kept = {name: misshapen(dice, each, chance) for name, each in value.items() if dice.random() > chance / 3}
        return {**kept, **({"more": dice.choice(ODD)} if dice.random() < chance else {})}
    if isinstance(value, list):
        return [misshapen(dice, each, chance) for each in value]
    return value


def packed(dice: random.Random, content: bytes) -> bytes:
    """Sometimes gzipped, and sometimes broken after that."""
    if dice.random() < 0.5:
        return content
    whole = gzip.compress(content)
    return whole if dice.random() < 0.3 else mutated(dice, whole)
