"""Counts entries of the decision log, one pass, memory bounded by what a page can show."""

from __future__ import annotations

import heapq
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from typing import Any

from attrs import Factory, define

from guardrails.decision_log import part, rules, texts
from guardrails.report import blast

# What became of a call, worst first.
KINDS = ("blocked", "undecided", "warned")
_NEAR = 10
_TIMES = 100_000


@define
class Tally:
    """What a report says. `near` are the worst blocked calls on a live cluster, as (harm, number, entry), a heap.

    `lookup_ms` and `verdict_ms` are sorted; `unreadable` counts lines of the log that are none.
    """

    decisions: int = 0
    unreadable: int = 0
    first: str = ""
    last: str = ""
    kinds: Counter[str] = Factory(Counter)
    hours: dict[str, Counter[str]] = Factory(lambda: defaultdict(Counter))
    rules: Counter[str] = Factory(Counter)
    programs: Counter[str] = Factory(Counter)
    principals: Counter[str] = Factory(Counter)
    shadow: Counter[str] = Factory(Counter)
    reasons: Counter[str] = Factory(Counter)
    glass: dict[tuple[str, str, str], Counter[str]] = Factory(lambda: defaultdict(Counter))
    near: list[tuple[tuple[int, float, int], int, Mapping[str, Any]]] = Factory(list)
    near_misses: int = 0
    lookup_ms: list[float] = Factory(list)
    verdict_ms: list[float] = Factory(list)

    def worst(self) -> list[Mapping[str, Any]]:
        """The entries of the worst near misses, worst first."""
        return [entry for _, _, entry in sorted(self.near, key=lambda one: one[:2], reverse=True)]

    def document(self) -> dict[str, Any]:
        """The report for programs."""
        return {
            "decisions": self.decisions,
            "from": self.first,
            "to": self.last,
            **{kind: self.kinds[kind] for kind in KINDS},
            "denials": {
                "by_rule": dict(self.rules.most_common()),
                "by_program": dict(self.programs.most_common()),
                "by_principal": dict(self.principals.most_common()),
            },
            "near_misses": self.near_misses,
            "shadow_rules": dict(self.shadow.most_common()),
            "undecided_because": dict(self.reasons.most_common()),
            "break_glass": [
                {"reason": reason, "rules": rules.split(", "), "by": who, "calls": counts.total()}
                for (reason, rules, who), counts in self.glass.items()
            ],
            "latency_ms": {
                name: {share: percentile(times, share) for share in (50, 95, 100)}
                for name, times in (("lookup", self.lookup_ms), ("verdict", self.verdict_ms))
            },
            "unreadable": self.unreadable,
        }


def tally(entries: Iterable[Mapping[str, Any] | str], since: str = "") -> Tally:
    """Count entries; `since` (RFC 3339, UTC) leaves older ones out. A text is a line that is no entry."""
    found = Tally()
    for entry in entries:
        if isinstance(entry, str):
            found.unreadable += 1
        elif str(entry.get("timestamp", "")) >= since:
            _count(found, entry)
    found.lookup_ms.sort()
    found.verdict_ms.sort()
    return found


def percentile(ordered: list[float], share: float) -> float | None:
    """The value that `share` percent are not above; None where there is none."""
    if not ordered:
        return None
    return round(ordered[min(len(ordered) - 1, int(len(ordered) * share / 100))], 3)


def what(entry: Mapping[str, Any]) -> str:
    """What became of the call: one of KINDS, or ``sent``."""
    custom = part(entry, "custom")
    if custom.get("sent") is False:
        return "undecided" if custom.get("unavailable") else "blocked"
    return "warned" if custom.get("enforcement") == "warn" else "sent"


def _count(found: Tally, entry: Mapping[str, Any]) -> None:
    found.decisions += 1
    time, kind = str(entry.get("timestamp", "")), what(entry)
    found.first, found.last = min(found.first or time, time), max(found.last, time)
    found.kinds[kind] += 1
    hour = found.hours[time[:13]]
    hour["decisions"] += 1
    hour[kind] += 1
    caller = part(part(entry, "input"), "caller")
    program = str(caller.get("program") or "?")
    who = str(entry.get("requested_by") or caller.get("os_user") or "?")
    if kind in ("blocked", "undecided"):
        found.programs[program] += 1
        found.principals[who] += 1
    if kind == "blocked":
        found.rules.update(rules(entry, "deny", "confirm") or ["(no rule)"])
        _near(found, entry)
    if kind == "undecided":
        found.reasons[str(part(entry, "custom").get("unavailable"))] += 1
    found.shadow.update(rules(entry, "dryrun"))
    glass = part(part(entry, "input"), "break_glass")
    if glass:
        aside = ", ".join(texts(glass.get("rules")))
        found.glass[str(glass.get("reason")), aside, f"{program}, {who}"][kind] += 1
    _time(found, part(entry, "metrics"))


def _near(found: Tally, entry: Mapping[str, Any]) -> None:
    """A near miss: blocked, and it named something of a live cluster."""
    hits = [hit for hit in blast.of(entry) if hit.live and _harmed(hit)]
    if not hits:
        return
    found.near_misses += 1
    place = (max(hit.harm for hit in hits), found.near_misses, entry)
    if len(found.near) < _NEAR:
        heapq.heappush(found.near, place)
    else:
        heapq.heappushpop(found.near, place)


def _harmed(hit: blast.Hit) -> bool:
    return bool(hit.machines or hit.through or any(hit.addresses.values()) or any(hit.subnets.values()))


def _time(found: Tally, metrics: Mapping[str, Any]) -> None:
    for name, times in (
        ("timer_guardrails_lookup_ns", found.lookup_ms),
        ("timer_rego_query_eval_ns", found.verdict_ms),
    ):
        value = metrics.get(name)
        if isinstance(value, (int, float)) and len(times) < _TIMES:
            times.append(value / 1e6)
