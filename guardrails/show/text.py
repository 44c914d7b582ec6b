"""Pages as plain text: no colour, at most 78 columns; a wide character counts as two."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import wcwidth

from guardrails.show.page import Page, Section

WIDTH = 78
_GAP = "  "


def lines(page: Page) -> Iterator[str]:
    """The page, line by line."""
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
        yield from wrapped(page.foot)


def wrapped(text: str, indent: str = "", width: int = WIDTH) -> list[str]:
    """Lines of at most `width` columns. A longer word has a line to itself, whole, so that an id can be copied."""
    return _wrap(text, width, indent, indent)


def _wrap(text: str, width: int, first: str = "", rest: str = "") -> list[str]:
    return wcwidth.wrap(
        text, width, initial_indent=first, subsequent_indent=rest, break_on_hyphens=False, break_long_words=False
    )


def table(section: Section, width: int, head: Callable[[str], str] = str) -> Iterator[tuple[int | None, list[str]]]:
    """The number of each row with its lines, the heads first (None). Nothing for a section without rows.

    The widest column is wrapped first, at blanks. Where even single words do not fit side by side, each row becomes a
    list of ``name: value``.
    """
    kept = section.kept()
    if not kept:
        return
    heads = [head(section.columns[number]) for number in kept]
    rows = [[row[number] for number in kept] for row in section.rows]
    wide = _widths([heads, *rows], width)
    if wide is None:
        for number, row in enumerate(rows):
            values = (f"{name}: {value}" for name, value in zip(heads, row, strict=True) if value)
            yield number, [line for value in values for line in _wrap(value, width, rest=_GAP)]
        return
    yield None, _beside(heads, wide)
    for number, row in enumerate(rows):
        yield number, _beside(row, wide)


def _widths(cells: list[list[str]], width: int) -> list[int] | None:
    """The width of each column; None where they do not fit."""
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
    parts = [_wrap(text, width) or [""] for text, width in zip(texts, wide, strict=True)]
    high = max(map(len, parts))
    cells = [[*part, *[""] * (high - len(part))] for part in parts]
    return [
        _GAP.join(wcwidth.ljust(cell, width) for cell, width in zip(line, wide, strict=True)).rstrip()
        for line in zip(*cells, strict=True)
    ]
