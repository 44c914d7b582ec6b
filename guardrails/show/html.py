"""Sections as an HTML card that fits into a light and a dark notebook: no script, nothing fetched, all escaped.

Colours are translucent and text keeps the notebook's own, so the card needs not know the theme. Where a notebook that
is not trusted takes the style away, headings and tables are left.
"""

from __future__ import annotations

from collections.abc import Iterator
from html import escape

from guardrails.show.page import Page, Section

# The longest id that AWS gives to a machine or an address has fewer characters.
_SHORT = 28
STYLE = """
.guardrails { border: 1px solid #8886; border-left: 5px solid var(--tone); border-radius: 4px; margin: .4em 0;
  padding: .7em 1em .5em; max-width: 60em; font: 14px/1.45 system-ui, sans-serif; color: inherit; }
.guardrails.deny { --tone: #d64545; } .guardrails.warn { --tone: #c98a00; }
.guardrails.allow, .guardrails.live { --tone: #2e9e5b; }
.guardrails .title { color: var(--tone); font-size: 1.15em; font-weight: 700; margin: 0; }
.guardrails .subject { font-weight: 600; margin: .1em 0 .5em; overflow-wrap: anywhere; }
.guardrails h4 { font-size: .8em; letter-spacing: .05em; text-transform: uppercase; opacity: .75; margin: .9em 0 .2em; }
.guardrails p { margin: .15em 0; overflow-wrap: anywhere; }
.guardrails .instead { background: #2e9e5b22; border-radius: 3px; padding: .3em .6em; }
.guardrails table { border-collapse: collapse; margin: 0; border: 0; font-size: 1em; color: inherit; }
.guardrails th, .guardrails td { text-align: left !important; padding: .15em 1.2em .15em 0; border: 0;
  border-bottom: 1px solid #8884; vertical-align: top; font-weight: 400; background: none; color: inherit;
  white-space: normal; }
.guardrails td.short { white-space: nowrap; }
.guardrails th { opacity: .75; font-size: .85em; }
.guardrails tr { background: none !important; }
.guardrails tr.strong td { font-weight: 700; }
.guardrails .foot { opacity: .7; font-size: .8em; margin-top: .8em; }
"""


def card(page: Page) -> str:
    """The card with its style."""
    return f"<style>{STYLE}</style>" + "".join(_parts(page))


def _parts(page: Page) -> Iterator[str]:
    yield f'<div class="guardrails {page.tone}" role="group" aria-label="{escape(page.title)}">'
    yield f'<p class="title">{escape(page.title)}</p>'
    if page.subject:
        yield f'<p class="subject">{escape(page.subject)}</p>'
    for section in page.sections:
        yield from _section(section)
    if page.foot:
        yield f'<p class="foot">{escape(page.foot)}</p>'
    yield "</div>"


def _section(section: Section) -> Iterator[str]:
    yield f"<h4>{escape(section.title)}</h4>"
    kept = section.kept()
    if kept:
        yield "<table><tr>" + "".join(f"<th>{escape(section.columns[number])}</th>" for number in kept) + "</tr>"
        for position, row in enumerate(section.rows):
            strong = ' class="strong"' if position in section.strong else ""
            yield f"<tr{strong}>" + "".join(_cell(row[number]) for number in kept) + "</tr>"
        yield "</table>"
    kind = ' class="instead"' if section.title == "Instead" else ""
    for line in section.lines:
        yield f"<p{kind}>{escape(line)}</p>"


def _cell(text: str) -> str:
    # An id or a number is read whole, however much its neighbours have to say.
    return f'<td class="short">{escape(text)}</td>' if len(text) <= _SHORT else f"<td>{escape(text)}</td>"
