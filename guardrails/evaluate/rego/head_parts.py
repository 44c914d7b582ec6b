"""The head of a rule, written as what a comprehension finds.

``deny contains HEAD if {BODY}`` becomes ``deny contains e__ if { some e__ in [(HEAD) | BODY]}``, and
``v[KEY].of contains HEAD if {BODY}`` becomes
``v[e__[0]].of contains e__[1] if { some e__ in [[(KEY), (HEAD)] | BODY]}``. Where HEAD loops by itself, as
``input.targets[_].id`` does, it is written into a body: ``some e__ in [[e1__ | e1__ := (HEAD)] | BODY][_]``. What was
written stays where it was, on its line, so that other edits can change it too.
"""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from guardrails.evaluate.rego.rewriting import Edit, edges, has_braces
from guardrails.values import frozen

# Of a rule or an ``else``, as the syntax tree has it; None where the rule has none.
Body = Mapping[str, Any] | None
_QUOTED = re.compile(rb'"(?:[^"\\\n]|\\.)*"|`[^`]*`|#[^\n]*')


@frozen
class Text:
    """A file with spaces instead of what is in strings and comments; every other byte is where it was.

    `entry` and `inner` are names for variables that the file does not use.
    """

    blanked: bytes
    entry: str
    inner: str


@frozen
class Key:
    """What is in brackets in the name of a rule, other than a string: its syntax tree, start and end in bytes.

    `behind` are the steps of the name between its bracket and the next key, such as ``.of``.
    """

    node: Mapping[str, Any]
    start: int
    end: int
    behind: str = ""


def text_of(source: bytes) -> Text:
    """The text of a file."""
    blanked = _QUOTED.sub(lambda found: _blank(found.group()), source)
    words = set(re.findall(rb"\w+", blanked))
    names = (name for number in itertools.count() if (name := f"e{number or ''}__").encode() not in words)
    return Text(blanked, next(names), next(names))


def _blank(text: bytes) -> bytes:
    inner = b"".join(b"\n" if each == 10 else b" " for each in text[1:])
    return b" " + inner if text[:1] == b"#" else text[:1] + inner[:-1] + text[-1:]


def keys(reference: Mapping[str, Any], text: Text) -> list[Key]:
    """The keys in the name of a rule, from left to right; `reference` is the name's syntax tree."""
    found: list[Key] = []
    behind: list[str] = [""]
    at = 0
    for kind, step in _steps(reference):
        if kind == "Var":
            at = step["span"]["end"]
        elif kind == "RefDot":
            at = step["field"][0]["end"]
            behind[-1] += f".{step['field'][1]}"
        else:
            start = text.blanked.index(b"[", at) + 1
            end = _closing(start, text.blanked)
            at = end + 1
            if "String" in step["index"]:
                behind[-1] += f"[{json.dumps(step['index']['String']['value'], ensure_ascii=False)}]"
            else:
                found.append(Key(step["index"], start, end))
                behind.append("")
    return [Key(key.node, key.start, key.end, steps) for key, steps in zip(found, behind[1:], strict=True)]


def _steps(reference: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """The steps of a name from left to right: a Var, then what each dot or bracket adds."""
    kind, step = next(iter(reference.items()))
    if "refr" in step:
        yield from _steps(step["refr"])
    yield kind, step


def _closing(start: int, blanked: bytes) -> int:
    """Where the bracket closes that was opened before `start`."""
    depth = 1
    for at in range(start, len(blanked)):
        depth += {ord("["): 1, ord("]"): -1}.get(blanked[at], 0)
        if not depth:
            return at
    raise ValueError("a bracket is opened that is not closed")


def assigned(head: Mapping[str, Any], body: Body) -> Any:
    """The value of a body; the first one's stands in the head. None where it is true without saying so."""
    own = None if body is None else body["assign"]
    if body is None or not body["is_else"]:
        own = own or head.get("assign")
    return (own or {}).get("value")


def has_conditions(body: Mapping[str, Any]) -> bool:
    """Whether a body says anything; an ``else := 2`` has an empty one."""
    return bool(body["query"]["stmts"])


@frozen
class Head:
    """What is said by the head of a rule or by an ``else``: `named` are the keys, `value` None where it is true.

    `word` is what stands before the value: ``contains`` or ``:=``. `loops` is true where a part of it loops.
    """

    word: str
    node: Mapping[str, Any]
    named: Sequence[Key]
    value: Any
    loops: bool


def edits(head: Head, body: Body, text: Text) -> Iterator[Edit]:
    """How a rule or an ``else`` is written."""
    has_value = head.value is not None
    number = len(head.named) + has_value
    entries = [f"{text.entry}[{each}]" for each in range(number)] if number > 1 else [text.entry]
    begins = [key.start for key in head.named]
    written = "[".join(f"{entry}]{key.behind}" for key, entry in zip(head.named, entries, strict=False))
    if has_value:
        begins.append(_value_begins(head, body, text.blanked))
        written += f" {head.word} {entries[-1]}" if head.named else entries[-1]
    opens, closes = ("[(", ")]") if number > 1 else ("(", ")")
    if head.loops:
        opens, closes = f"[{text.inner} | {text.inner} := {opens}", f"{closes}]"
    yield begins[0], begins[0], f"{written} if {{ some {text.entry} in [{opens}"
    for key, start in zip(head.named, begins[1:], strict=False):
        yield key.end, start, f"), {_lines(key.end, start, text.blanked)}("
    yield from _closed(closes, head, body, text.blanked)


def _value_begins(head: Head, body: Body, blanked: bytes) -> int:
    """Where the first thing after the word begins, in a rule's head or in an ``else``."""
    is_else = body is not None and body["is_else"]
    start = body["span"]["start"] if body is not None and is_else else _ends(head.node["refr"])
    word = b"=" if head.word == ":=" else head.word.encode()
    end = blanked.index(word, start) + len(word)
    return len(blanked) - len(blanked[end:].lstrip())


def _ends(reference: Mapping[str, Any]) -> int:
    return int(next(iter(reference.values()))["span"]["end"])


def _closed(closes: str, head: Head, body: Body, blanked: bytes) -> Iterator[Edit]:
    """What comes after the parts of a head."""
    closing = "][_]}" if head.loops else "]}"
    if body is None or not has_conditions(body):
        end = edges((head.node if body is None else body)["span"], blanked)[1]
        yield end if head.value is not None else head.named[-1].end, end, f"{closes} | true{closing}"
        return
    start, end = edges(body["query"]["span"], blanked)
    braces = has_braces(start, end, blanked)
    ends = blanked.rindex(b"if", 0, start) if head.value is not None else head.named[-1].end
    start += braces
    yield ends, start, f"{closes} | {_lines(ends, start, blanked)}"
    yield end - braces, end, closing if braces else f" {closing}"


def _lines(start: int, end: int, blanked: bytes) -> str:
    return "\n" * blanked.count(b"\n", start, end)
