"""The strings that a part of the input, or the id of a target, is given: what rules compare, and what passes for it."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import Any

from guardrails.policy.compare.definitions import Nested
from guardrails.policy.compare.patterns import matching
from guardrails.policy.compare.reads import Reads
from guardrails.policy.compare.situations import when

_DAY_S = 86_400
_ID = re.compile(r"(?:arn:.+|[a-z]+-[0-9a-f]*)")
# How many ids, and how many of the separators and bounds in rules are used.
_IDS = 40
_FEW = 6
# What may be cut off or put in the place of another piece is no longer than this.
_SHORT = 3
# Parts of the input that are called as rules call the id of a target.
_AS_IDS = frozenset(("id", "name"))
# Functions for which a part of a string is enough, or its letters in either case.
_PARTS = frozenset(("startswith", "endswith", "contains", "match", "indexof"))
_LETTERS = frozenset(("lower", "upper"))
_TRIMS = frozenset(("trim", "trim_left", "trim_prefix", "trim_right", "trim_space", "trim_suffix"))
_READS_TIMES = frozenset(("parse_rfc3339_ns", "parse_ns"))


def written(known: Collection[str], reads: Reads, now: float) -> set[str]:
    """What is compared with a part, `known`, and what functions that the rules call make into it."""
    found = alike(known, reads)
    if reads.names & _READS_TIMES:
        found |= {when(now + span) for span in (-_DAY_S, -1, 0, 1, _DAY_S)} if now > _DAY_S else set()
    if "split" in reads.names:
        found |= {*_joined(known)}
    if "to_number" in reads.names:
        found |= {f"{number + more:g}" for number in reads.numbers[:_FEW] for more in (-1, 0, 1)}
    return found


def named(reads: Reads, most: int) -> list[str]:
    """What the rules may take for the name of a cluster: what only one set of policies has before everything else."""
    some = _with_matching(reads.strings.get("", ())) - {""}
    fresh = some & _with_matching(reads.first)
    first, others = ({*texts, *_alike(texts, reads)} for texts in (fresh, some - fresh))
    return sorted(first | others, key=lambda text: (text not in fresh, text not in first, text not in some, text))[
        :most
    ]


def alike(texts: Collection[str], reads: Reads) -> set[str]:
    """What is compared with a member of a list, and what only passes for it."""
    found = _with_matching(texts)
    return found | {*_alike({*found}, reads)}


def _with_matching(texts: Iterable[str]) -> set[str]:
    """The texts, and what those of them that are patterns stand for."""
    return {text for each in texts for text in (each, *matching(each))}


def _alike(texts: Collection[str], reads: Reads) -> Iterator[str]:
    """Strings that only pass for one of these: longer ones, those in other letters, and what functions make into it."""
    pieces = sorted(text for text in texts if 0 < len(text) <= _SHORT)[:_FEW]
    for text in filter(None, texts):
        if reads.names & _PARTS:
            yield from (f"{text}x", f"x{text}")
        if reads.names & _LETTERS:
            yield from (text.upper(), text.capitalize(), text.lower())
        if reads.names & _TRIMS:
            yield from (
                f" {text}",
                f"{text} ",
                *(f"{piece}{text}" for piece in pieces),
                *(f"{text}{piece}" for piece in pieces),
            )
        if "replace" in reads.names:
            yield from (text.replace(new, piece) for new in pieces for piece in pieces if new != piece and new in text)


def _joined(known: Collection[str]) -> Iterator[str]:
    """Strings of which one part is compared."""
    separators = sorted(text for text in known if len(text) == 1 and not text.isalnum())[:_FEW]
    for separator in separators:
        for text in sorted(set(known) - set(separators)):
            for before in range(4):
                yield separator.join([*["x"] * before, text])
                yield separator.join([*["x"] * before, text, "x"])


def for_targets(reads: Reads, parts: Collection[str], first: Collection[str] = ()) -> list[str]:
    """What may be the id of a target: `first`, then what looks like one.

    What only parts of the input are compared with is none.
    """
    elsewhere = {text for name in {*parts} - _AS_IDS for text in reads.strings.get(name, ())}
    compared = {
        text
        for text in _with_matching(reads.strings.get("", frozenset()) - elsewhere)
        if text and (text.startswith("arn:") or "/" not in text)
    }
    # An id that only passes for one of them comes after it.
    some = {text: (text not in first, not _ID.fullmatch(text), text, "") for text in compared}
    for text in compared:
        some |= {other: (*some[text][:3], other) for other in _alike({text}, reads) if other not in some}
    return sorted(some, key=lambda text: some[text])[:_IDS]


def nested(some: Nested, free: str, member: str) -> Iterator[Any]:
    """Values of a member of a free object, with what is compared further inside of it."""
    inside = sorted(
        ((path[2:], sorted(texts)) for path, texts in some if path[:2] == (free, member)),
        key=lambda each: (-len(each[0]), str(each)),
    )
    for number in range(max((len(texts) for _, texts in inside), default=0)):
        parts = [(path, texts[number % len(texts)]) for path, texts in inside]
        yield from (_built(parts), _built(parts, second=True))


def _built(parts: Sequence[tuple[Sequence[str | None], str]], *, second: bool = False) -> Any:
    """One value with all of these parts; where one is a part of another, the deeper one.

    In a list, a string is the only one, or the `second`.
    """
    longest, text = parts[0]
    if not longest:
        return text
    steps = {path[0]: None for path, _ in parts if path}
    inner = {
        step: _built([(path[1:], said) for path, said in parts if path and path[0] == step], second=second)
        for step in steps
    }
    if longest[0] is None:
        return ["another", inner[None]] if second and isinstance(inner[None], str) else [inner[None]]
    return {step: value for step, value in inner.items() if step is not None}
