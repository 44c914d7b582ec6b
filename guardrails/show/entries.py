"""Entries of the decision log, a row each."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from guardrails.record.entries import part, rules
from guardrails.show.page import Page, Section


def page(found: Iterable[Mapping[str, Any]], where: str) -> Page:
    """`found` are entries, oldest first; `where` is the log's file."""
    every = list(found)
    rows = tuple(_row(entry) for entry in every)
    strong = frozenset(number for number, entry in enumerate(every) if part(entry, "custom").get("sent") is False)
    columns = ("when", "verdict", "call", "where", "why", "decision")
    lines = () if rows else ("There is none.",)
    return Page("Decisions", f"in {where}", "live", (Section("The last ones", lines, columns, rows, strong),))


def _row(entry: Mapping[str, Any]) -> tuple[str, ...]:
    call, custom = part(part(entry, "input"), "call"), part(entry, "custom")
    verdict = "sent" if custom.get("sent") else "blocked"
    if custom.get("sent") and custom.get("enforcement") in ("warn", "dryrun"):
        verdict = f"sent, {custom['enforcement']}"
    return (
        str(entry.get("timestamp", "?"))[:19].replace("T", " "),
        verdict,
        f"{call.get('service')}:{call.get('operation')}",
        str(call.get("region") or ""),
        ", ".join(rules(entry)) or str(custom.get("unavailable") or custom.get("reason") or ""),
        str(entry.get("decision_id"))[:8],
    )
