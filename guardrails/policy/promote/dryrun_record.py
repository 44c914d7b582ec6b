"""What a rule in ``dryrun`` would have done: its record in the decision log, for who decides on enforcing it."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

from attrs import Factory, define

from guardrails.record.entries import Entry, part

# So much later a change of a cluster's machines shows in EC2's answers for sure.
_LATER_S = 60.0


@define
class Record:
    """`decisions` counts all of the log since the rule's first hit, `hits` those that it would have acted on.

    A hit whose call was sent is `fine` when a later decision in the same account and region still saw every live
    cluster of then live, with no fewer machines running; `harmed` when it did not; else nobody knows (`unknown`).
    `blocked` hits were stopped by another rule.
    """

    rule: str
    decisions: int = 0
    hits: int = 0
    targets: set[str] = Factory(set)
    programs: Counter[str] = Factory(Counter)
    people: Counter[str] = Factory(Counter)
    calls: Counter[str] = Factory(Counter)
    first: str = ""
    last: str = ""
    blocked: int = 0
    fine: int = 0
    harmed: int = 0
    other: int = 0
    _open: list[tuple[str, float, Mapping[str, int]]] = Factory(list)

    @property
    def unknown(self) -> int:
        """Hits that were sent and that no later decision tells about."""
        return len(self._open)

    def see(self, entry: Entry) -> None:
        """Take the next decision of the log."""
        if "schema" in entry.input:
            self._settle(entry.input)
        violations = [found for found in entry.violations if found.get("rule") == self.rule]
        shadows = [found for found in violations if found.get("action") == "dryrun"]
        self.other += bool(violations) and not shadows
        self.decisions += bool(self.hits or shadows)
        if shadows:
            self._hit(entry, shadows)

    def _hit(self, entry: Entry, shadows: list[Mapping[str, Any]]) -> None:
        self.hits += 1
        self.targets |= {str(found.get("target")) for found in shadows}
        self.programs[entry.program] += 1
        self.people[entry.person] += 1
        self.calls[entry.call_name] += 1
        self.last = entry.timestamp
        self.first = self.first or self.last
        if not entry.sent:
            self.blocked += 1
        else:
            self._open.append((_scope(entry.call), _number(entry.input.get("now_s")), _running(entry.input)))

    def _settle(self, asked: Mapping[str, Any]) -> None:
        """What this later decision saw of the clusters tells how earlier hits went."""
        if not part(asked, "live").get("known"):
            return
        here, now, seen = _scope(part(asked, "call")), _number(asked.get("now_s")), _running(asked)
        left = []
        for scope, then, before in self._open:
            if scope != here or now - then < _LATER_S:
                left.append((scope, then, before))
            elif all(seen.get(name, 0) >= count for name, count in before.items()):
                self.fine += 1
            else:
                self.harmed += 1
        self._open = left


def record_of(rule: str, entries: Iterable[Entry | str]) -> Record:
    """The record of `rule` in the entries of a decision log, oldest first; what is no entry is left out."""
    found = Record(rule)
    for entry in entries:
        if not isinstance(entry, str):
            found.see(entry)
    return found


def _scope(call: Mapping[str, Any]) -> str:
    return f"{call.get('account')}/{call.get('region')}"


def _running(asked: Mapping[str, Any]) -> dict[str, int]:
    """The machines that run in each live cluster."""
    clusters = part(asked, "clusters")
    seen = {name: part(clusters, name) for name in clusters}
    return {name: int(_number(one.get("running"))) for name, one in seen.items() if one.get("live")}


def _number(value: Any) -> float:
    return float(value) if isinstance(value, (int, float)) and math.isfinite(value) else 0.0
