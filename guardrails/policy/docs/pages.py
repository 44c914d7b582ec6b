"""The rule book as Markdown and as one HTML page, from one list of chapters."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from html import escape
from itertools import groupby

from guardrails.policy.docs.chapters import Chapter
from guardrails.show import html_page

_INTRODUCTION = (
    "What is checked before a call reaches AWS. In the examples blue is the live cluster and green the one that is "
    "being started; names in capitals stand for ids."
)
_VERBS = {"deny": "denies", "confirm": "asks for confirmation", "warn": "warns"}
_COLOURS = {"deny": "#b03a2e", "confirm": "#9a6700", "warn": "#9a6700"}
_STYLE = """
:root { color-scheme: light dark; }
body { font: 16px/1.55 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; }
h2 { margin-top: 3rem; border-bottom: 1px solid #8886; } h3 { margin: 2.2rem 0 .2rem; }
nav { columns: 2 22rem; } nav p { margin: .1rem 0; break-inside: avoid; }
code { font-size: .88em; overflow-wrap: anywhere; } .dim { opacity: .7; }
.id { font-weight: normal; font-size: .95rem; }
dl { display: grid; grid-template-columns: 8.5rem 1fr; gap: .25rem 1rem; margin: .6rem 0; }
dt { opacity: .7; } dd { margin: 0; }
.level { color: #fff; border-radius: .3rem; padding: .05rem .45rem; font-size: .85rem; }
"""


def markdown(chapters: Sequence[Chapter], revision: str) -> str:
    """For a repository or a wiki."""
    lines = ["# The rule book", "", _INTRODUCTION, "", _policies(revision), ""]
    for area, rules in _areas(chapters):
        lines += [f"## {area}", ""]
        for chapter in rules:
            lines += [
                f"### {_plain(chapter.title)}",
                "",
                f"`{chapter.rule}` {_verbs(chapter)}. {_plain(_says(chapter))}",
            ]
            lines += ["", *(f"- {name}: {_value(name, text)}" for name, text in _facts(chapter)), ""]
    return "\n".join(lines)


def html(chapters: Sequence[Chapter], revision: str) -> str:
    """A self-contained page: no scripts, nothing fetched, everything from the policies escaped."""
    links = "".join(f'<p><a href="#{escape(chapter.rule)}">{escape(chapter.title)}</a></p>' for chapter in chapters)
    parts = [
        "<h1>The rule book</h1>",
        f"<p>{escape(_INTRODUCTION)}</p>",
        f"<p class=dim>{escape(_policies(revision))}</p>",
    ]
    parts += [f"<nav>{links}</nav>"]
    for area, rules in _areas(chapters):
        parts.append(f"<h2>{escape(area)}</h2>")
        parts += [_section(chapter) for chapter in rules]
    return html_page.whole("The rule book", _STYLE, parts)


def _section(chapter: Chapter) -> str:
    levels = " ".join(
        f'<span class=level style="background:{_COLOURS[level]}">{_VERBS[level]}</span>' for level in _levels(chapter)
    )
    facts = "".join(
        f"<dt>{escape(name)}</dt><dd>{f'<code>{escape(text)}</code>' if _is_code(name) else escape(text)}</dd>"
        for name, text in _facts(chapter)
    )
    return (
        f'<section id="{escape(chapter.rule)}"><h3>{escape(chapter.title)}</h3>'
        f"<p class=id><code>{escape(chapter.rule)}</code> {levels}</p>"
        f"<p>{escape(_says(chapter))}</p><dl>{facts}</dl></section>"
    )


def _areas(chapters: Sequence[Chapter]) -> Iterable[tuple[str, list[Chapter]]]:
    return ((area, list(rules)) for area, rules in groupby(chapters, key=lambda chapter: chapter.area))


def _policies(revision: str) -> str:
    return f"Policies of revision {revision}."


def _levels(chapter: Chapter) -> list[str]:
    return [level for level in _VERBS if any(one.level == level for one in chapter.definitions)]


def _verbs(chapter: Chapter) -> str:
    return " or ".join(_VERBS[level] for level in _levels(chapter))


def _says(chapter: Chapter) -> str:
    return " ".join(dict.fromkeys(one.description for one in chapter.definitions if one.description))


def _facts(chapter: Chapter) -> list[tuple[str, str]]:
    made = [
        ("avoid", chapter.avoid),
        ("prefer", chapter.prefer),
        ("what to do", chapter.remediation),
        ("because of", chapter.incident),
        ("severity", chapter.severity),
        *((f"parameter {name}", json.dumps(value)) for name, value in chapter.parameters.items()),
        ("here turned into", chapter.enforcement),
        ("written in", chapter.place),
    ]
    return [(name, text) for name, text in made if text]


def _is_code(name: str) -> bool:
    return name in ("avoid", "prefer", "written in") or name.startswith("parameter ")


def _value(name: str, text: str) -> str:
    return f"`{text}`" if _is_code(name) else _plain(text)


def _plain(text: str) -> str:
    """A text that Markdown shows as it is."""
    for mark in ("\\", "*", "_", "`", "<", "[", "|"):
        text = text.replace(mark, "\\" + mark)
    return text
