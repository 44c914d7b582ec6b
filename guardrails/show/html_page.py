"""Self-contained HTML pages from the templates of this package: no scripts, nothing fetched, every value escaped."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from guardrails.show.printable import printable
from guardrails.show.sentences import counted

if TYPE_CHECKING:
    from jinja2 import Environment

_PACKAGE = Path(__file__).parents[1]


def render(template: str, **values: Any) -> str:
    """The page of a template, such as ``report/report.html.j2``; `values` has `title` and what the template names."""
    return _environment().get_template(template).render(**values)


@cache
def _environment() -> Environment:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined  # noqa: PLC0415  (only a page needs it)
    from markupsafe import Markup, escape  # noqa: PLC0415

    def shown(value: Any) -> Any:
        # A value cannot act on the page: no markup, and no control characters either.
        return printable(value) if isinstance(value, str) and not isinstance(value, Markup) else value

    def whole(text: str) -> Markup:
        """The text, with each id and rule kept on one line: browsers break lines at hyphens and slashes."""
        words = (
            Markup('<span class="id">{}</span>').format(word) if {*"-/"} & {*word} else escape(word)
            for word in printable(text).split()
        )
        return Markup(" ").join(words)

    environment = Environment(
        loader=FileSystemLoader(_PACKAGE),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=shown,
    )
    environment.filters |= {"whole": whole, "counted": counted, "number": "{:,}".format}
    return environment
