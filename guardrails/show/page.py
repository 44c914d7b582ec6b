"""What the renderers show: a page of sections, each with lines, a table or both."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

from attrs import field

from guardrails.show.printable import printable
from guardrails.values import frozen

Tone = Literal["allow", "warn", "deny", "live"]


def _texts(texts: Iterable[str]) -> tuple[str, ...]:
    return tuple(map(printable, texts))


def _table(rows: Iterable[Iterable[str]]) -> tuple[tuple[str, ...], ...]:
    return tuple(map(_texts, rows))


@frozen
class Section:
    """A heading, a table and lines of text. `strong` are the rows that stand out."""

    title: str
    lines: tuple[str, ...] = field(default=(), converter=_texts)
    columns: tuple[str, ...] = ()
    rows: tuple[tuple[str, ...], ...] = field(default=(), converter=_table)
    strong: frozenset[int] = frozenset()

    def kept(self) -> list[int]:
        """The columns that are not empty in every row."""
        return [number for number in range(len(self.columns)) if any(row[number] for row in self.rows)]


@frozen
class Page:
    """`title` is the verdict, `subject` the call, `foot` the decision's id. `tone` colours the title."""

    title: str = field(converter=printable)
    subject: str = field(converter=printable)
    tone: Tone
    sections: tuple[Section, ...]
    foot: str = ""


def without_empty(sections: Iterable[Section]) -> tuple[Section, ...]:
    """The sections that are not empty."""
    return tuple(section for section in sections if section.lines or section.rows)
