"""What the doctor found, a row each."""

from __future__ import annotations

from collections.abc import Iterable

from guardrails.doctor import Finding
from guardrails.show.page import Page, Section


def page(findings: Iterable[Finding]) -> Page:
    """What is ill stands out."""
    every = list(findings)
    ill = [number for number, finding in enumerate(every) if finding.state == "ill"]
    notes = sum(finding.state == "note" for finding in every)
    told = [f"{count} {word}" for count, word in ((len(ill), "ill"), (notes, "to note")) if count]
    title = ", ".join(told) if ill else ", ".join(("Nothing is ill", *told)) if told else "All is well"
    rows = tuple((finding.state, finding.about, finding.sentence) for finding in every)
    table = Section("Findings", (), ("state", "about", "what was found"), rows, frozenset(ill))
    return Page(title, "", "deny" if ill else "warn" if notes else "allow", (table,))
