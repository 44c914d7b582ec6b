"""A page as an HTML card for a notebook, light or dark: no script, nothing fetched.

The card is shown without the extra `cli`, in the kernel's own environment. So it is built with the standard library's
element tree, which escapes every text, and not from a template. Colours are mixed with the notebook's own text colour,
so the card need not know the theme. Where an untrusted notebook drops the style, headings and tables remain.
"""

from __future__ import annotations

import re
from xml.etree.ElementTree import Element, SubElement, tostring

from guardrails.show.page import Page, Section

# The longest id of a machine or an address has fewer characters.
_SHORT = 28
# Browsers break lines at hyphens and slashes, so in ids.
# From the start of a word only, so that a long word is read once.
_ID = re.compile(r"((?<!\S)[^\s/-]*+[-/]\S*+)")
STYLE = """
.guardrails { border: 1px solid #8886; border-left: 5px solid var(--tone); border-radius: 4px; margin: .4em 0;
  padding: .7em 1em .5em; max-width: 60em; font: 14px/1.45 system-ui, sans-serif; color: inherit; }
.guardrails.deny { --tone: #d64545; } .guardrails.warn { --tone: #c98a00; }
.guardrails.allow, .guardrails.live { --tone: #2e9e5b; }
.guardrails .title { color: color-mix(in srgb, var(--tone) 60%, currentColor); font-size: 1.15em; font-weight: 700;
  margin: 0; }
.guardrails .subject { font-weight: 600; margin: .1em 0 .5em; overflow-wrap: anywhere; }
.guardrails h4 { font-size: .8em; letter-spacing: .05em; text-transform: uppercase; opacity: .8; margin: .9em 0 .2em; }
.guardrails p { margin: .15em 0; overflow-wrap: anywhere; }
.guardrails .id { display: inline-block; max-width: 100%; }
.guardrails .instead { background: #2e9e5b22; border-radius: 3px; padding: .3em .6em; }
.guardrails table { border-collapse: collapse; margin: 0; border: 0; font-size: 1em; color: inherit; }
.guardrails th, .guardrails td { text-align: left !important; padding: .15em 1.2em .15em 0; border: 0;
  border-bottom: 1px solid #8884; vertical-align: top; font-weight: 400; background: none; color: inherit;
  white-space: normal; }
.guardrails td.short { white-space: nowrap; }
.guardrails th { opacity: .8; font-size: .85em; }
.guardrails tr { background: none !important; }
.guardrails tr.strong td { font-weight: 700; }
.guardrails .foot { opacity: .8; font-size: .8em; margin-top: .8em; }
"""


def card(page: Page) -> str:
    """The card with its style."""
    root = Element("div", {"class": f"guardrails {page.tone}", "role": "group", "aria-label": page.title})
    _add(root, "p", page.title, "title")
    if page.subject:
        _add(root, "p", page.subject, "subject")
    for section in page.sections:
        _section(root, section)
    if page.foot:
        _add(root, "p", page.foot, "foot")
    return f"<style>{STYLE}</style>{tostring(root, 'unicode', 'html')}"


def _section(root: Element, section: Section) -> None:
    _add(root, "h4", section.title)
    kept = section.kept()
    if kept:
        table = SubElement(root, "table")
        heads = SubElement(table, "tr")
        for number in kept:
            _add(heads, "th", section.columns[number])
        for position, row in enumerate(section.rows):
            cells = SubElement(table, "tr", {"class": "strong"} if position in section.strong else {})
            for number in kept:
                # An id or a number stays on one line, however long its neighbours are.
                _add(cells, "td", row[number], "short" if len(row[number]) <= _SHORT else "")
    for line in section.lines:
        _add(root, "p", line, "instead" if section.title == "Instead" else "")


def _add(parent: Element, tag: str, text: str, style: str = "") -> None:
    element = SubElement(parent, tag, {"class": style} if style else {})
    # Every other piece is an id; the text after an element is its tail.
    element.text, *pieces = _ID.split(text)
    for whole, rest in zip(pieces[::2], pieces[1::2], strict=True):
        span = SubElement(element, "span", {"class": "id"})
        span.text, span.tail = whole, rest
