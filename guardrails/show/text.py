"""Sections as plain text: no colour, at most 78 columns where the words allow it."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Iterator

from guardrails.show.section import Page, Section

WIDTH = 78
_GAP = "  "


def lines(page: Page) -> Iterator[str]:
    """The whole page, one line each."""
    yield from wrapped(page.title)
    if page.subject:
        yield from wrapped(page.subject)
    for section in page.sections:
        yield ""
        yield from section_lines(section)
    if page.foot:
        yield ""
        yield page.foot


def section_lines(section: Section) -> Iterator[str]:
    """The heading, the table, the lines."""
    yield f"{section.title}:"
    if section.kept():
        yield from _table(section)
    for line in section.lines:
        yield from wrapped(line, "  ")


def _table(section: Section) -> Iterator[str]:
    cells = [tuple(name.upper() for name in section.columns), *section.rows]
    kept = section.kept()
    wide = [max(len(row[number]) for row in cells) for number in kept]
    # The widest column gives way first, and wraps inside of itself.
    while sum(wide) + len(_GAP) * len(wide) > WIDTH and max(wide) > 8:
        wide[wide.index(max(wide))] -= 1
    for row in cells:
        parts = [_cell(row[number], width) for number, width in zip(kept, wide, strict=True)]
        for depth in range(max(map(len, parts))):
            texts = [part[depth] if depth < len(part) else "" for part in parts]
            line = _GAP.join(text.ljust(width) for text, width in zip(texts, wide, strict=True))
            yield f"{_GAP}{line}".rstrip()


def _cell(text: str, width: int) -> list[str]:
    return textwrap.wrap(text, width, break_on_hyphens=False) or [""]


def wrapped(text: str, indent: str = "") -> Iterable[str]:
    return textwrap.wrap(
        text,
        WIDTH,
        initial_indent=indent,
        subsequent_indent=indent,
        break_long_words=False,
        break_on_hyphens=False,
    )
