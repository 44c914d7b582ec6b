"""Sections as rich shows them at a terminal: laid out as in plain text, with colour."""

from __future__ import annotations

from collections.abc import Iterator

from rich.console import RenderableType
from rich.text import Text

from guardrails.show import text
from guardrails.show.page import Page, Section

_STYLES = {"deny": "red", "warn": "yellow", "allow": "green", "live": "green"}


def renderables(page: Page, width: int) -> Iterator[RenderableType]:
    """What a rich console of `width` columns prints, in order; nothing in a text is taken for markup."""
    yield Text(page.title, style=f"bold {_STYLES[page.tone]}")
    if page.subject:
        yield Text(page.subject, style="bold")
    for section in page.sections:
        yield Text("")
        yield from _section(section, width)
    if page.foot:
        yield Text(f"\n{page.foot}", style="dim")


def _section(section: Section, width: int) -> Iterator[RenderableType]:
    yield Text(section.title, style="bold")
    for number, lines in text.table(section, width):
        style = "dim" if number is None else "bold" if number in section.strong else ""
        yield Text("\n".join(lines), style=style)
    style = "green" if section.title == "Instead" else ""
    for line in section.lines:
        yield Text("\n".join(text.wrapped(line, width=width)), style=style)
