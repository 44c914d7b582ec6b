"""Count the entries of a decision log in one pass; memory is bounded by what a page can show."""

from __future__ import annotations

import heapq
import math
import random
from collections import Counter, defaultdict
from collections.abc import Iterable
from typing import Any

from attrs import Factory, define

from guardrails.record.entries import Entry, part, texts
from guardrails.report.own_lookups import ALLOWED, Busiest, lookups
from guardrails.show import blast_radius
from guardrails.show.timeline import Activity

# What became of a call, worst first. `let pass`: a rule denies it, but the mode blocks nothing.
KINDS = ("blocked", "undecided", "let pass", "warned")
_WORST = 10
_TIMES = 100_000
_LONG = 300


@define
class Worst:
    """Calls that hit a live cluster: their number, and a heap of the worst as (harm, number, entry)."""

    count: int = 0
    _heap: list[tuple[tuple[int, int, float, int], int, Entry]] = Factory(list)

    def add(self, entry: Entry) -> None:
        """Count an entry, if it hits a live cluster."""
        hits = [hit for hit in blast_radius.of(entry.input) if hit.live and hit.touched]
        if not hits:
            return
        self.count += 1
        place = (max(hit.harm for hit in hits), self.count, entry)
        if len(self._heap) < _WORST:
            heapq.heappush(self._heap, place)
        else:
            heapq.heappushpop(self._heap, place)

    def entries(self) -> list[Entry]:
        """Worst first; of two that are as bad the later one."""
        return [entry for _, _, entry in sorted(self._heap, key=lambda one: one[:2], reverse=True)]


@define
class Times:
    """Durations in milliseconds, or counts: the largest, and a uniform sample of all."""

    most: float = 0.0
    _seen: int = 0
    _kept: list[float] = Factory(list)
    _chance: random.Random = Factory(lambda: random.Random(0))  # noqa: S311  (no secret)

    def add(self, value: float) -> None:
        """Count one."""
        self._seen += 1
        self.most = max(self.most, value)
        if len(self._kept) < _TIMES:
            self._kept.append(value)
        elif (place := self._chance.randrange(self._seen)) < _TIMES:
            self._kept[place] = value

    def percentile(self, share: int) -> float | None:
        """What `share` percent do not exceed; None without any."""
        if not self._kept:
            return None
        if share == 100:
            return round(self.most, 3)
        return round(sorted(self._kept)[max(0, math.ceil(len(self._kept) * share / 100) - 1)], 3)


@define
class Tally:
    """What a report says. `near` are blocked calls on a live cluster, `let_pass` those that the mode sent.

    `unreadable` counts lines of the log that are not decisions.
    """

    decisions: int = 0
    unreadable: int = 0
    first: str = ""
    last: str = ""
    kinds: Counter[str] = Factory(Counter)
    activity: Activity = Factory(Activity)
    rules: Counter[str] = Factory(Counter)
    programs: Counter[str] = Factory(Counter)
    principals: Counter[str] = Factory(Counter)
    shadow: Counter[str] = Factory(Counter)
    reasons: Counter[str] = Factory(Counter)
    glass: dict[tuple[str, str, str], Counter[str]] = Factory(lambda: defaultdict(Counter))
    let_rules: Counter[str] = Factory(Counter)
    near: Worst = Factory(Worst)
    let_pass: Worst = Factory(Worst)
    lookup_ms: Times = Factory(Times)
    verdict_ms: Times = Factory(Times)
    lookups: Times = Factory(Times)
    busiest: Busiest = Factory(Busiest)

    def document(self) -> dict[str, Any]:
        """The report for programs."""
        return {
            "decisions": self.decisions,
            "from": self.first,
            "to": self.last,
            **{kind.replace(" ", "_"): self.kinds[kind] for kind in KINDS},
            "denials": {
                "by_rule": dict(self.rules.most_common()),
                "by_program": dict(self.programs.most_common()),
                "by_principal": dict(self.principals.most_common()),
            },
            "near_misses": self.near.count,
            "let_pass_by_rule": dict(self.let_rules.most_common()),
            "shadow_rules": dict(self.shadow.most_common()),
            "undecided_because": dict(self.reasons.most_common()),
            "break_glass": [
                {"reason": reason, "rules": rules.split(", "), "by": who, "calls": counts.total()}
                for (reason, rules, who), counts in self.glass.items()
            ],
            "latency_ms": {
                name: {share: times.percentile(share) for share in (50, 95, 100)}
                for name, times in (("lookup", self.lookup_ms), ("verdict", self.verdict_ms))
            },
            "lookups": {
                "per_decision": {share: self.lookups.percentile(share) for share in (50, 95, 100)},
                "busiest_minute": {
                    "lookups": self.busiest.most,
                    "at": self.busiest.minute,
                    "place": self.busiest.place,
                    "allowed": ALLOWED,
                },
            },
            "unreadable": self.unreadable,
        }


def tally(entries: Iterable[Entry | str], since: str = "") -> Tally:
    """Count entries; `since` (RFC 3339, UTC) leaves older ones out. A string is a line that is not an entry."""
    found = Tally()
    for entry in entries:
        if isinstance(entry, str):
            found.unreadable += 1
        elif entry.timestamp >= since:
            _count(found, entry)
    return found


def outcome(entry: Entry) -> str:
    """What became of the call: one of KINDS, ``not sent`` (for another reason than a rule), or ``sent``."""
    if entry.not_sent:
        return "not sent"
    if not entry.sent:
        return "undecided" if entry.custom.get("unavailable") else "blocked"
    if entry.action in ("deny", "confirm") and not entry.custom.get("confirmed"):
        return "let pass"
    return "warned" if entry.enforcement == "warn" else "sent"


def _count(found: Tally, entry: Entry) -> None:
    found.decisions += 1
    time, kind = entry.timestamp, outcome(entry)
    found.first, found.last = min(found.first or time, time), max(found.last, time)
    found.kinds[kind] += 1
    found.activity.add(time, ("decisions", kind))
    program, who = entry.program, entry.person
    if kind in ("blocked", "undecided"):
        found.programs[program] += 1
        found.principals[who] += 1
    if kind == "blocked":
        found.rules.update(entry.rules("deny", "confirm") or ["(no rule)"])
        found.near.add(entry)
    if kind == "undecided":
        found.reasons[_reason(entry)] += 1
    if kind == "let pass":
        found.let_rules.update(entry.rules("deny", "confirm") or ["(the guard could not decide)"])
        found.let_pass.add(entry)
    found.shadow.update(entry.rules("dryrun"))
    glass = part(entry.input, "break_glass")
    if glass:
        aside = ", ".join(texts(glass.get("rules")))
        found.glass[str(glass.get("reason")), aside, f"{program}, {who}"][kind] += 1
    found.lookups.add(lookups(entry))
    found.busiest.add(entry, lookups(entry))
    _time(found, entry)


def _reason(entry: Entry) -> str:
    """The look-up and the error code: AWS's message differs each time."""
    failures = entry.custom.get("failures")
    known = [one for one in (failures if isinstance(failures, list) else []) if isinstance(one, dict)]
    codes = sorted({f"{one.get('permission')}: {one.get('code')}" for one in known})
    return "; ".join(codes) or entry.why[:_LONG]


def _time(found: Tally, entry: Entry) -> None:
    for name, times in (
        ("timer_guardrails_lookup_ns", found.lookup_ms),
        ("timer_rego_query_eval_ns", found.verdict_ms),
    ):
        value = part(entry.document, "metrics").get(name)
        if isinstance(value, (int, float)):
            times.add(value / 1e6)
