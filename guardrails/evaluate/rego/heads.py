"""Rules whose head may be undefined are written so that the embedded engine loses nothing.

Measured on regorus 0.13: where the head of a rule is undefined for one of several solutions of its body, the rule ends
there. Of ``deny contains {"message": target.tags.Name} if some target in input.targets`` the denials of all machines
after (or before) one without a name are lost; on OPA only that one is. In a comprehension the engine goes on, so
``deny contains HEAD if {BODY}`` becomes ``deny contains e__ if { some e__ in [(HEAD) | BODY]}``. Lines stay.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from typing import Any

from guardrails.evaluate.rego.builtins import AVAILABLE
from guardrails.evaluate.rego.references import path_of
from guardrails.evaluate.rego.rewriting import Edit, edges

_ENTRY = "e__"
_COMPREHENSIONS = ("ArrayCompr", "SetCompr", "ObjectCompr")
# Of an empty list they are undefined.
_PARTIAL = ("min", "max")
_QUOTED = re.compile(rb'"(?:[^"\\\n]|\\.)*"|`[^`]*`|#[^\n]*')
_LOOPS = ("SomeIn", "SomeVars")


def edits(rule: Mapping[str, Any], source: bytes, known: Collection[str]) -> Iterator[Edit]:
    """How a rule is written for the embedded engine.

    `rule` is what a Spec holds, `source` its file as `blanked` leaves it, `known` are variables that have a value where
    the body holds.
    """
    kind, head = next(iter(rule["head"].items()))
    if kind not in ("Set", "Compr", "Func") or _varies(next(iter(head["refr"].values())).get("refr", {})):
        return
    named = next(iter(head["refr"].values()))["span"]["end"]
    index = head["refr"].get("RefBrack", {}).get("index", {"String": None})
    word = "contains" if kind == "Set" else ":="
    bodies = [*(rule.get("bodies") or ())]
    for body in bodies:
        value = head["key"] if kind == "Set" else _assigned(head, body)
        # Without a value it is true.
        if value is None or not body["query"]["stmts"] or not _may_be_undefined([index, value], known):
            continue
        # Where a function's value is undefined, its `else` is not looked at.
        if kind != "Set" and not _loops(body["query"]) and (kind == "Compr" or body is bodies[-1]):
            continue
        begins = _after(word.encode() if kind == "Set" else word[-1].encode(), _begins(body, named), source)
        if "String" in index or "RawString" in index:
            yield from _wrapped(begins, body, source)
        elif not body["is_else"]:
            yield from _paired(word, begins, body, source)


def _assigned(head: Mapping[str, Any], body: Mapping[str, Any]) -> Any:
    """The value of a body; the first one's stands in the head."""
    own = body.get("assign") if body["is_else"] else body.get("assign") or head.get("assign")
    return (own or {}).get("value")


def _begins(body: Mapping[str, Any], named: int) -> int:
    """Where the head of a body is, or of an ``else``."""
    return int(body["span"]["start"]) if body["is_else"] else named


def _varies(reference: Mapping[str, Any]) -> bool:
    """Whether a name has a variable in brackets, and more behind it, as ``rule[key].more``; it stays as it is."""
    if "RefBrack" in reference and "String" not in reference["RefBrack"]["index"]:
        return True
    return any(_varies(each["refr"]) for each in reference.values() if "refr" in each)


def _wrapped(start: int, body: Mapping[str, Any], source: bytes) -> Iterator[Edit]:
    yield start, start, f"{_ENTRY} if {{ some {_ENTRY} in [("
    yield from _body(body, source, ") |")


def _paired(word: str, value: int, body: Mapping[str, Any], source: bytes) -> Iterator[Edit]:
    """For ``rule[key] := value if {…}``: key and value together; `word` is what is between them."""
    closes = source.rindex(b"]", 0, source.rindex(word.encode()[-1:], 0, value))
    start = _opening(source, closes) + 1
    yield start, start, f"{_ENTRY}[0]] {word} {_ENTRY}[1] if {{ some {_ENTRY} in [[("
    yield closes, value, f"), {_lines(source, closes, value)}("
    yield from _body(body, source, ")] |")


def _opening(source: bytes, closes: int) -> int:
    """The bracket that this one closes."""
    depth = 0
    for at in range(closes, -1, -1):
        depth += {ord("]"): 1, ord("["): -1}.get(source[at], 0)
        if not depth:
            return at
    raise ValueError("a bracket is closed that was not opened")


def blanked(source: bytes) -> bytes:
    """The source with spaces instead of what is in strings and comments; every other byte is where it was."""
    return _QUOTED.sub(lambda found: _blank(found.group()), source)


def _blank(text: bytes) -> bytes:
    inner = b"".join(b"\n" if each == 10 else b" " for each in text[1:])
    return b" " + inner if text[:1] == b"#" else text[:1] + inner[:-1] + text[-1:]


def _body(body: Mapping[str, Any], source: bytes, instead: str) -> Iterator[Edit]:
    begins, ends = edges(body["query"]["span"], source)
    braces = source[begins : begins + 1] == b"{" and source[ends - 1 : ends] == b"}"
    keyword = source.rindex(b"if", 0, begins)
    begins += braces
    yield keyword, begins, f"{instead} {_lines(source, keyword, begins)}"
    yield ends - braces, ends, "]}" if braces else " ]}"


def _after(word: bytes, start: int, source: bytes) -> int:
    """Where the first thing after a word begins."""
    end = source.index(word, start) + len(word)
    return len(source) - len(source[end:].lstrip())


def _lines(source: bytes, start: int, end: int) -> str:
    return "\n" * source.count(b"\n", start, end)


def _loops(node: Any) -> bool:
    """Whether a body may have several solutions."""
    if isinstance(node, list):
        return any(map(_loops, node))
    if not isinstance(node, Mapping):
        return False
    if any(kind in node for kind in _LOOPS) or "Var" in node.get("RefBrack", {}).get("index", {}):
        return True
    if "Call" in node and path_of(node["Call"]["fcn"]) == ("walk",):
        return True
    return any(_loops(value) for key, value in node.items() if key != "span" and key not in _COMPREHENSIONS)


def _may_be_undefined(node: Any, known: Collection[str]) -> bool:
    """Whether an expression over variables may have no value."""
    if isinstance(node, list):
        return any(_may_be_undefined(each, known) for each in node)
    if not isinstance(node, Mapping):
        return False
    for kind, value in node.items():
        if kind in ("RefDot", "RefBrack") or (kind == "Var" and value["value"] not in known):
            return True
        if kind == "Call":
            name = ".".join(map(str, path_of(value["fcn"])))
            if name not in AVAILABLE or name in _PARTIAL or _may_be_undefined(value["params"], known):
                return True
        elif kind not in ("span", *_COMPREHENSIONS) and _may_be_undefined(value, known):
            return True
    return False
