"""A self-contained page: no scripts, nothing fetched. What goes into its body is escaped already."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape


def whole(title: str, style: str, parts: Iterable[str]) -> str:
    """The page's text, from its title, its CSS and the parts of its body."""
    head = f'<meta charset="utf-8"><title>{escape(title)}</title><style>{style}</style>'
    body = "\n".join(parts)
    return f'<!doctype html>\n<html lang="en"><head>{head}</head>\n<body>\n{body}\n</body></html>\n'
