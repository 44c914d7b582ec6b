"""The parts that generated Rego is made of, and the inputs it is evaluated with."""

from __future__ import annotations

from pathlib import Path


def _sections(text: str) -> dict[str, tuple[str, ...]]:
    """``[name]`` and the lines below it."""
    found: dict[str, list[str]] = {}
    lines: list[str] = []
    for line in text.splitlines():
        if line.startswith("[") and line.endswith("]") and line[1:-1].isidentifier():
            lines = found.setdefault(line[1:-1], [])
        elif line and not line.startswith("#"):
            lines.append(line)
    return {name: tuple(ways) for name, ways in found.items()}


WAYS = _sections(Path(__file__).with_suffix(".txt").read_text("utf-8"))
# A whole program: `v` is what is asked for, the others are there for it.
RULES = tuple(way.replace("\\n", "\n") for way in WAYS.pop("rule"))
HELPERS = tuple(way.replace("\\n", "\n") for way in WAYS.pop("helper"))
FIXED = """
g(x) if is_string(x)
g(x) if x > 1
h(x) := count(x)
h(x) := x if is_number(x)
s contains x if some x in input.l
s contains "a" if input.b
o[k] := y if some k, y in input.o
o["z"] := input.x
v2 := input.n if input.b
default v2 := "none"
"""
_FULL: dict[str, object] = {
    "n": 3, "f": 1.5, "big": 2**53 + 1, "neg": -7, "s": "ab", "u": "é日🦆", "empty": "", "b": True, "nums": [3, 1, 2],
    "strs": ["b", "a"], "l": [1, "a", None, [2], {"a": 1}], "o": {"a": 1, "b": "x", "ab": [1]},
    "deep": {"a": {"b": 2}}, "x": "10.0.0.0/8", "y": [1, 2],
}  # fmt: skip
_EMPTY: dict[str, object] = {
    "n": 0, "f": 0.1, "big": 10**20, "neg": -1, "s": "", "u": "ß", "empty": "", "b": False, "nums": [], "strs": [],
    "l": [], "o": {}, "deep": {"a": None}, "x": None, "y": False,
}  # fmt: skip
_OTHER_TYPES: dict[str, object] = {
    "n": "3", "f": None, "s": 1, "b": "true", "nums": ["1"], "strs": [1], "l": {"a": 1}, "o": [1, 2], "x": {}, "y": 0,
}  # fmt: skip
INPUTS = (_FULL, _EMPTY, _OTHER_TYPES, {})
