"""Sections as plain text: no colour, at most 78 columns wide, in which a wide character counts as two."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import wcwidth

from guardrails.show.page import Page, Section

WIDTH = 78
_GAP = "  "


def lines(page: Page) -> Iterator[str]:
    """The whole page, one line each."""
    yield from wrapped(page.title)
    if page.subject:
        yield from wrapped(page.subject)
    for section in page.sections:
        yield ""
        yield f"{section.title}:"
        for _, row in table(section, WIDTH - len(_GAP), str.upper):
            yield from (f"{_GAP}{line}" for line in row)
        for line in section.lines:
            yield from wrapped(line, _GAP)
    if page.foot:
        yield ""
        yield page.foot


def wrapped(text: str, indent: str = "", width: int = WIDTH) -> list[str]:
    """Lines of at most `width`; only a word that is longer is broken."""
    return wcwidth.wrap(text, width, initial_indent=indent, subsequent_indent=indent, break_on_hyphens=False)


def table(section: Section, width: int, head: Callable[[str], str] = str) -> Iterator[tuple[int | None, list[str]]]:
    """The number of each row with its lines, the heads first (None). Nothing where the section has no rows.

    What can be broken at a blank gives way first, the widest column before others. Where words alone are too wide, each
    row becomes a list of its own: an id that is torn apart is none.
    """
    kept = section.kept()
    if not kept:
        return
    heads = [head(section.columns[number]) for number in kept]
    rows = [[row[number] for number in kept] for row in section.rows]
    wide = _widths([heads, *rows], width)
    if wide is None:
        for number, row in enumerate(rows):
            said = (f"{name}: {value}" for name, value in zip(heads, row, strict=True) if value)
            yield number, [line for one in said for line in _hanging(one, width)]
        return
    yield None, _beside(heads, wide)
    for number, row in enumerate(rows):
        yield number, _beside(row, wide)


def _widths(cells: list[list[str]], width: int) -> list[int] | None:
    """What each column gets; None where they do not fit."""
    columns = list(zip(*cells, strict=True))
    wide = [max(map(wcwidth.width, column)) for column in columns]
    least = [max(wcwidth.width(word) for text in column for word in text.split() or [""]) for column in columns]
    while sum(wide) + len(_GAP) * (len(wide) - 1) > width:
        giving = [number for number in range(len(wide)) if wide[number] > least[number]]
        if not giving:
            return None
        wide[max(giving, key=wide.__getitem__)] -= 1
    return wide


def _beside(texts: list[str], wide: list[int]) -> list[str]:
    parts = [wcwidth.wrap(text, width, break_on_hyphens=False) or [""] for text, width in zip(texts, wide, strict=True)]
    high = max(map(len, parts))
    cells = [[*part, *[""] * (high - len(part))] for part in parts]
    return [
        _GAP.join(wcwidth.ljust(cell, width) for cell, width in zip(line, wide, strict=True)).rstrip()
        for line in zip(*cells, strict=True)
    ]


def _hanging(text: str, width: int) -> list[str]:
    return wcwidth.wrap(text, width, subsequent_indent=_GAP, break_on_hyphens=False)
