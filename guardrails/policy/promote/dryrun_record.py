"""What a rule in ``dryrun`` would have done: its record in the decision log, for the decision to enforce it."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

from attrs import Factory, define

from guardrails.record.entries import Entry, part
from guardrails.values import frozen

# By then, a change to a cluster's machines shows in EC2's answers.
_SHOWS_AFTER_S = 60.0


@frozen
class _SentCall:
    """A call that the rule would have stopped, and the machines that ran in each live cluster before it."""

    scope: str
    time_s: float
    running: Mapping[str, int]


@define
class DryrunRecord:
    """What the decision log says about one rule.

    `decisions` counts all decisions since the rule's first hit, `hits` those that it would have acted on. A hit that
    was sent is `fine` where a later decision in the same account and region still saw the same clusters live, with no
    fewer machines running, and `harmed` where it did not; without such a decision it is `unknown`. `blocked` hits were
    stopped by another rule. `other` counts decisions in which the rule was violated but not in dryrun.
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
    _open: list[_SentCall] = Factory(list)

    @property
    def unknown(self) -> int:
        """Hits that were sent, and whose effect no later decision shows."""
        return len(self._open)

    def add(self, entry: Entry) -> None:
        """Count the next decision of the log."""
        if "schema" in entry.input:
            self._judge_sent_calls(entry.input)
        violations = [violation for violation in entry.violations if violation.get("rule") == self.rule]
        dryruns = [violation for violation in violations if violation.get("action") == "dryrun"]
        self.other += bool(violations) and not dryruns
        self.decisions += bool(self.hits or dryruns)
        if dryruns:
            self._add_hit(entry, dryruns)

    def _add_hit(self, entry: Entry, dryruns: list[Mapping[str, Any]]) -> None:
        self.hits += 1
        self.targets |= {str(violation.get("target")) for violation in dryruns}
        self.programs[entry.program] += 1
        self.people[entry.person] += 1
        self.calls[entry.call_name] += 1
        self.last = entry.timestamp
        self.first = self.first or self.last
        if not entry.sent:
            self.blocked += 1
        else:
            self._open.append(_SentCall(_scope(entry.call), _number(entry.input.get("now_s")), _running(entry.input)))

    def _judge_sent_calls(self, document: Mapping[str, Any]) -> None:
        """Compare the clusters that this later decision saw with those before the earlier hits."""
        if not part(document, "live").get("known"):
            return
        scope, now, running = _scope(part(document, "call")), _number(document.get("now_s")), _running(document)
        still_open = []
        for sent in self._open:
            if sent.scope != scope or now - sent.time_s < _SHOWS_AFTER_S:
                still_open.append(sent)
            elif all(running.get(name, 0) >= count for name, count in sent.running.items()):
                self.fine += 1
            else:
                self.harmed += 1
        self._open = still_open


def record_of(rule: str, entries: Iterable[Entry | str]) -> DryrunRecord:
    """The record of `rule` in the entries of a decision log, oldest first. Strings are not entries, and skipped."""
    record = DryrunRecord(rule)
    for entry in entries:
        if not isinstance(entry, str):
            record.add(entry)
    return record


def _scope(call: Mapping[str, Any]) -> str:
    return f"{call.get('account')}/{call.get('region')}"


def _running(document: Mapping[str, Any]) -> dict[str, int]:
    """How many machines run in each live cluster."""
    clusters = part(document, "clusters")
    by_name = {name: part(clusters, name) for name in clusters}
    return {name: int(_number(cluster.get("running"))) for name, cluster in by_name.items() if cluster.get("live")}


def _number(value: Any) -> float:
    return float(value) if isinstance(value, (int, float)) and math.isfinite(value) else 0.0
