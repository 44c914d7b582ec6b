"""The rule book as Markdown and as one HTML page, from one list of chapters."""

from __future__ import annotations

import json
from collections.abc import Sequence
from itertools import groupby

from guardrails.policy.docs.chapters import Chapter
from guardrails.show import html_page

_TITLE = "The rule book"
_INTRODUCTION = (
    "What is checked before a call reaches AWS. In the examples, blue is the live cluster and green the one being "
    "started; names in capitals stand for ids."
)
_VERBS = {"deny": "denies", "confirm": "asks for confirmation", "warn": "warns"}


def markdown(chapters: Sequence[Chapter], revision: str) -> str:
    """For a repository or a wiki."""
    lines = [f"# {_TITLE}", "", _INTRODUCTION, "", _policies(revision), ""]
    for area, rules in groupby(chapters, key=lambda chapter: chapter.area):
        lines += [f"## {area}", ""]
        for chapter in rules:
            verbs = " or ".join(_VERBS[level] for level in chapter.levels)
            lines += [
                f"### {_plain(chapter.title)}",
                "",
                f"`{chapter.rule}` {verbs}. {_plain(chapter.description)}",
                "",
            ]
            lines += [f"- {name}: {f'`{text}`' if code else _plain(text)}" for name, text, code in _facts(chapter)]
            lines.append("")
    return "\n".join(lines)


def html(chapters: Sequence[Chapter], revision: str) -> str:
    """A self-contained page."""
    return html_page.render(
        "policy/docs/rule_book.html.j2",
        title=_TITLE,
        introduction=_INTRODUCTION,
        policies=_policies(revision),
        chapters=chapters,
        verbs=_VERBS,
        facts=_facts,
    )


def _policies(revision: str) -> str:
    return f"Policies of revision {revision}."


def _facts(chapter: Chapter) -> list[tuple[str, str, bool]]:
    """Name, text, and whether the text is code."""
    facts = [
        ("avoid", chapter.avoid, True),
        ("prefer", chapter.prefer, True),
        ("what to do", chapter.remediation, False),
        ("incident", chapter.incident, False),
        ("severity", chapter.severity, False),
        *((f"parameter {name}", json.dumps(value), True) for name, value in chapter.parameters.items()),
        ("enforced as", chapter.enforcement, False),
        ("source", chapter.place, True),
    ]
    return [fact for fact in facts if fact[1]]


def _plain(text: str) -> str:
    """The text with Markdown's marks escaped."""
    for mark in ("\\", "*", "_", "`", "<", "[", "|"):
        text = text.replace(mark, "\\" + mark)
    return text
