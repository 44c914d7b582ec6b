"""Sections as rich shows them at a terminal."""

from __future__ import annotations

from collections.abc import Iterator

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from guardrails.show.section import Page, Section

_STYLES = {"deny": "red", "warn": "yellow", "allow": "green", "live": "green"}


def renderables(page: Page) -> Iterator[RenderableType]:
    """What a rich console prints, in order; nothing in a text is taken for markup."""
    yield Text(page.title, style=f"bold {_STYLES[page.tone]}")
    if page.subject:
        yield Text(page.subject, style="bold")
    for section in page.sections:
        yield Text("")
        yield from _section(section)
    if page.foot:
        yield Text(f"\n{page.foot}", style="dim")


def _section(section: Section) -> Iterator[RenderableType]:
    yield Text(section.title, style="bold")
    kept = section.kept()
    if kept:
        table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
        for number in kept:
            table.add_column(section.columns[number], overflow="fold")
        for position, row in enumerate(section.rows):
            style = "bold" if position in section.strong else ""
            table.add_row(*(Text(row[number]) for number in kept), style=style)
        yield table
    style = "green" if section.title == "Instead" else ""
    for line in section.lines:
        yield Text(line, style=style)
