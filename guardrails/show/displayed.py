"""Give the values their displays in notebooks, in IPython and with rich; importing this module does it.

The values do not import their displays, so a script that only decides on calls does not load them.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

from guardrails.errors import CallDenied
from guardrails.show.page import Page
from guardrails.values import Decision, Facts


def _decision(value: Decision) -> Page:
    from guardrails.show import decision  # noqa: PLC0415  (only a display needs it)

    return decision.page(value)


def _facts(value: Facts) -> Page:
    from guardrails.show import live  # noqa: PLC0415  (only a display needs it)

    return live.page(value, time.time())


def _html(page: Page) -> str:
    from guardrails.show import html  # noqa: PLC0415  (only a notebook needs it)

    return html.card(page)


def _text(page: Page) -> list[str]:
    from guardrails.show import text  # noqa: PLC0415  (only a display needs it)

    return list(text.lines(page))


def _rich(page: Page, width: int) -> Iterator[Any]:
    from guardrails.show import terminal  # noqa: PLC0415  (only rich needs it)

    yield from terminal.renderables(page, width)


def shown_as(kind: type, page: Callable[[Any], Page]) -> None:
    """Give the instances of a class their displays."""
    methods: dict[str, Callable[..., Any]] = {
        "_repr_html_": lambda value: _html(page(value)),
        "_repr_pretty_": lambda value, printer, _cycle: printer.text("\n".join(_text(page(value)))),
        "__rich_console__": lambda value, _console, options: _rich(page(value), options.max_width),
    }
    for name, method in methods.items():
        setattr(kind, name, method)


def _traceback(error: CallDenied) -> list[str]:
    """For IPython, instead of a traceback through botocore and the guard."""
    from guardrails.show import code_line, decision  # noqa: PLC0415  (only a display needs it)

    return _text(decision.page(error.decision, place=code_line.of(error.__traceback__)))


shown_as(Page, lambda page: page)
shown_as(Decision, _decision)
shown_as(Facts, _facts)
for _name, _method in {
    "_repr_html_": lambda error: _html(_decision(error.decision)),
    "_render_traceback_": _traceback,
}.items():
    setattr(CallDenied, _name, _method)
