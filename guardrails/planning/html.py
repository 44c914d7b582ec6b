"""A plan as an HTML page, with the blast radius of every call that touches a cluster."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from guardrails.planning import page as pages
from guardrails.planning.entry import Entry
from guardrails.planning.plan import Plan
from guardrails.report.picture import Picture, picture
from guardrails.show import html_page
from guardrails.show.blast_radius import Hit
from guardrails.values import frozen


@frozen
class Shown:
    """A call as the page shows it; `row` are its number, phrase, verdict, what it leaves and its line of code."""

    entry: Entry
    row: tuple[str, ...]
    reasons: tuple[str, ...]
    picture: Picture | None

    @property
    def style(self) -> str:
        """The CSS class of its verdict."""
        return {"denied": "blocked", "needs approval": "blocked", "allowed": ""}.get(self.entry.status, "warned")


def whole_page(plan: Plan) -> str:
    """Self-contained: no script, and nothing is fetched."""
    made = pages.page(plan)
    clusters = next((section for section in made.sections if section.title == "Clusters"), None)
    return html_page.render(
        "planning/plan.html.j2",
        title=made.title,
        subject=made.subject,
        foot=made.foot,
        clusters=clusters,
        calls=list(_shown(plan)),
        guesses=list(pages.guesses(plan)),
    )


def _shown(plan: Plan) -> Iterator[Shown]:
    rows = pages.calls(plan.entries).rows
    for entry, row in zip(plan.entries, rows, strict=True):
        hits = [_hit(each) for each in entry.hits]
        yield Shown(entry, row, tuple(pages.reasons(entry)), picture(hits) if hits else None)


def _hit(document: Mapping[str, Any]) -> Hit:
    return Hit(**{**document, "machines": tuple(document["machines"])})
