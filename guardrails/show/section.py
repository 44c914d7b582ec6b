"""The values that a renderer takes: a page of sections, each of lines, a table, or both."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, Literal

from attrs import frozen

Tone = Literal["allow", "warn", "deny", "live"]


@frozen
class Section:
    """A heading with lines of text and a table below it. `strong` are the rows that stand out."""

    title: str
    lines: tuple[str, ...] = ()
    columns: tuple[str, ...] = ()
    rows: tuple[tuple[str, ...], ...] = ()
    strong: frozenset[int] = frozenset()

    def kept(self) -> list[int]:
        """The columns that say something in a row: one that says nothing only makes the others narrow."""
        return [number for number in range(len(self.columns)) if any(row[number] for row in self.rows)]


@frozen
class Page:
    """`title` is the verdict, `subject` what it is about, `foot` where to look it up. `tone` colours the title."""

    title: str
    subject: str
    tone: Tone
    sections: tuple[Section, ...]
    foot: str = ""

    def _repr_html_(self) -> str:
        from guardrails.show import html  # noqa: PLC0415  (it imports this)

        return html.card(self)

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:
        from guardrails.show import text  # noqa: PLC0415  (it imports this)

        _ = cycle
        printer.text("\n".join(text.lines(self)))

    def __rich_console__(self, *_: Any) -> Iterator[Any]:
        from guardrails.show import terminal  # noqa: PLC0415  (only rich needs it)

        yield from terminal.renderables(self)


def without_empty(sections: Iterable[Section]) -> tuple[Section, ...]:
    """The sections that say something."""
    return tuple(section for section in sections if section.lines or section.rows)
