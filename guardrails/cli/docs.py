"""``guardrails docs``: the pages of the documentation that ship with the package."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path

import click
from attrs import asdict
from rich.markdown import Markdown

from guardrails.cli.options import format_option
from guardrails.cli.show import console
from guardrails.config.suggest import suggestion
from guardrails.errors import ConfigError
from guardrails.evaluate import bundle
from guardrails.values import frozen

FOLDER = Path(__file__).parent.parent / "docs"
_ROW = re.compile(r"^- \[([\w-]+)\]\(([\w./-]+)\): (.+)$", re.MULTILINE)
# In a terminal: no pictures, no comments, and of a link to another page only its name.
_HIDDEN = re.compile(r"^(!\[[^\]]*\]\([^)]*\)|<!--.*-->)\n\n?", re.MULTILINE)
_PAGE_LINK = re.compile(r"\[([^\]]+)\]\((?!https?:)[^)]*\)")


@frozen
class Page:
    """A page and its line in the index."""

    page: str
    summary: str


@click.command()
@click.argument("page", required=False)
@format_option
def docs(page: str | None, fmt: str) -> None:
    """List the pages of the documentation, or print PAGE. Piped, a page is Markdown."""
    pages = index()
    if page is None:
        if fmt == "json":
            click.echo(json.dumps([asdict(entry) for entry in pages], indent=2))
        else:
            _list(pages)
        return
    entry = _entry(pages, page)
    text = _file(entry.page).read_text("utf-8")
    if fmt == "json":
        click.echo(json.dumps({**asdict(entry), "text": text}, indent=2))
    elif sys.stdout is not None and sys.stdout.isatty():
        console().print(Markdown(_PAGE_LINK.sub(r"\1", _HIDDEN.sub("", text)), hyperlinks=False))
    else:
        click.echo(_HIDDEN.sub("", text), nl=False)


def index() -> list[Page]:
    """The pages in the order of index.md."""
    text = (FOLDER / "index.md").read_text("utf-8")
    return [Page(page, summary.replace("`", "")) for page, _, summary in _ROW.findall(text)]


def _list(pages: list[Page]) -> None:
    width = max(len(entry.page) for entry in pages)
    for entry in pages:
        click.echo(f"{entry.page:<{width}}  {entry.summary}")


def _entry(pages: list[Page], name: str) -> Page:
    known = {entry.page: entry for entry in pages}
    name = name.lower().removesuffix(".md")
    if name in known:
        return known[name]
    hint = suggestion(name, known, f"the pages are {', '.join(known)}")
    raise ConfigError(f"there is no page `{name}`; {hint}")


def _file(page: str) -> Path:
    """The guide for policy authors lies beside the policies."""
    return bundle.shipped() / "README.md" if page == "policies" else FOLDER / f"{page}.md"
