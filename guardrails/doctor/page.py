"""The doctor's findings, a row each."""

from __future__ import annotations

from collections.abc import Iterable

from guardrails.doctor.finding import Finding
from guardrails.show.page import Page, Section
from guardrails.show.sentences import counted


def page(findings: Iterable[Finding]) -> Page:
    """Problems stand out."""
    every = list(findings)
    problems = [number for number, finding in enumerate(every) if finding.state == "problem"]
    notes = sum(finding.state == "note" for finding in every)
    title = counted(len(problems), "problem") if problems else "No problems"
    if notes:
        title += f", {counted(notes, 'note')}"
    rows = tuple((finding.state, finding.about, finding.sentence) for finding in every)
    table = Section("Findings", (), ("state", "about", "finding"), rows, frozenset(problems))
    return Page(title, "", "deny" if problems else "warn" if notes else "allow", (table,))
