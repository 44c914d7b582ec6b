"""Pages at a terminal, with rich: the layout of plain text, in colour."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from rich.console import RenderableType
from rich.text import Text

from guardrails.show import text
from guardrails.show.page import Page, Section

_STYLES = {"deny": "red", "warn": "yellow", "allow": "green", "live": "green"}


def renderables(page: Page, width: int) -> Iterator[RenderableType]:
    """What a rich console of `width` columns prints, in order; nothing is read as markup."""
    yield _text(text.wrapped(page.title, width=width), f"bold {_STYLES[page.tone]}")
    if page.subject:
        yield _text(text.wrapped(page.subject, width=width), "bold")
    for section in page.sections:
        yield Text("")
        yield from _section(section, width)
    if page.foot:
        yield Text("")
        yield _text(text.wrapped(page.foot, width=width), "dim")


def _section(section: Section, width: int) -> Iterator[RenderableType]:
    yield Text(section.title, style="bold")
    for number, lines in text.table(section, width):
        yield _text(lines, "dim" if number is None else "bold" if number in section.strong else "")
    for line in section.lines:
        yield _text(text.wrapped(line, width=width), "green" if section.title == "Instead" else "")


def _text(lines: Iterable[str], style: str) -> Text:
    return Text("\n".join(lines), style=style)
