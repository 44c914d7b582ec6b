"""Decisions of a log as a page, a row each."""

from __future__ import annotations

from collections.abc import Iterable

from guardrails.record.entries import Entry
from guardrails.show.page import Page, Section


def page(entries: Iterable[Entry], where: str) -> Page:
    """`entries` with the oldest first; `where` is the log's file."""
    every = list(entries)
    rows = tuple(_row(entry) for entry in every)
    strong = frozenset(number for number, entry in enumerate(every) if not entry.sent)
    columns = ("when", "verdict", "call", "where", "why", "decision")
    lines = () if rows else ("No decisions.",)
    return Page("Decisions", f"in {where}", "live", (Section("Latest", lines, columns, rows, strong),))


def _row(entry: Entry) -> tuple[str, ...]:
    verdict = "sent" if entry.sent else "not sent" if entry.not_sent else "blocked"
    if entry.sent and entry.enforcement in ("warn", "dryrun"):
        verdict = f"sent, {entry.enforcement}"
    if entry.approvers:
        verdict += f", approved by {', '.join(entry.approvers)}"
    why = ", ".join(entry.rules()) or entry.why
    return (entry.when, verdict, entry.call_name, entry.region, why, entry.short_id)
