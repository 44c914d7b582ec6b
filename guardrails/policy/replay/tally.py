"""The result of a replay: counts, and the first changed decisions. Its size does not grow with the log."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any, Literal

from attrs import Factory, asdict, define

from guardrails.show.timeline import Activity
from guardrails.values import frozen

# "other change": the call is blocked or allowed as before, but by other rules.
Kind = Literal["newly denied", "newly allowed", "other change"]
KINDS: tuple[Kind, ...] = ("newly denied", "newly allowed", "other change")
# How many changes and faults are kept in full; the rest is only counted.
KEPT = 1000


@frozen
class ChangedDecision:
    """A decision that is different with the candidate policies; `gained` and `lost` are rule ids.

    `approximated` is the source of facts that were not recorded with the call: ``snapshot``, ``log`` or "".
    """

    kind: Kind
    decision_id: str
    time: str
    place: str
    call: str
    program: str
    person: str
    was: str
    now: str
    gained: tuple[str, ...]
    lost: tuple[str, ...]
    targets: tuple[str, ...]
    approximated: str = ""


@define
class ReplayTally:
    """Counts of a replay.

    `undecided` were recorded without a decision of the policies (a dry run, a failed look-up). `approximated` were
    decided with facts that were not recorded with the call. `left_out` counts CloudTrail calls that could not be
    decided, by reason. `rules`, `programs` and `people` count changes by kind:
    ``{"capacity/addresses": {"newly denied": 3}}``. `activity` counts decisions and changes over time.
    """

    decisions: int = 0
    undecided: int = 0
    failed: int = 0
    approximated: int = 0
    left_out: Counter[str] = Factory(Counter)
    kinds: Counter[str] = Factory(Counter)
    rules: dict[str, Counter[str]] = Factory(dict)
    programs: dict[str, Counter[str]] = Factory(dict)
    people: dict[str, Counter[str]] = Factory(dict)
    activity: Activity = Factory(Activity)
    revisions: Counter[str] = Factory(Counter)
    changes: list[ChangedDecision] = Factory(list)
    faults: list[str] = Factory(list)
    unreadable: int = 0

    @property
    def changed(self) -> int:
        """How many decisions changed."""
        return self.kinds.total()

    def seen(self, time: str, revision: str, approximated: str = "") -> None:
        """Count one decision."""
        self.decisions += 1
        self.approximated += bool(approximated)
        self.revisions[revision] += 1
        self.activity.add(time, ("decisions",))

    def change(self, changed: ChangedDecision) -> None:
        """Count one change."""
        self.kinds[changed.kind] += 1
        self.activity.add(changed.time, (changed.kind,))
        for rule in {*changed.gained, *changed.lost}:
            self.rules.setdefault(rule, Counter())[changed.kind] += 1
        self.programs.setdefault(changed.program, Counter())[changed.kind] += 1
        self.people.setdefault(changed.person, Counter())[changed.kind] += 1
        if len(self.changes) < KEPT:
            self.changes.append(changed)

    def fault(self, sentence: str) -> None:
        """Keep a sentence about a line that could not be read or decided."""
        if len(self.faults) < KEPT:
            self.faults.append(sentence)

    def skip(self, left_out: Counter[str], faults: Iterable[str]) -> None:
        """Count calls that could not be decided, and keep sentences about them."""
        self.left_out += left_out
        for sentence in faults:
            self.fault(sentence)

    def add(self, other: ReplayTally) -> None:
        """Add the tally of the lines that follow."""
        self.decisions += other.decisions
        self.undecided += other.undecided
        self.failed += other.failed
        self.approximated += other.approximated
        self.left_out += other.left_out
        self.unreadable += other.unreadable
        self.kinds += other.kinds
        self.revisions += other.revisions
        for mine, more in (
            (self.rules, other.rules),
            (self.programs, other.programs),
            (self.people, other.people),
        ):
            for name, counts in more.items():
                mine.setdefault(name, Counter()).update(counts)
        self.activity.merge(other.activity)
        self.changes += other.changes[: KEPT - len(self.changes)]
        self.faults += other.faults[: KEPT - len(self.faults)]

    def document(self, revision: str) -> Mapping[str, Any]:
        """As JSON, with keys in a fixed order: the same replay gives the same bytes."""
        return {
            "candidate": revision,
            "recorded": dict(sorted(self.revisions.items())),
            "decisions": self.decisions,
            "undecided": self.undecided,
            "failed": self.failed,
            "approximated": self.approximated,
            "left_out": dict(sorted(self.left_out.items())),
            "unreadable": self.unreadable,
            "changed": self.changed,
            "kinds": {kind: self.kinds[kind] for kind in KINDS},
            "rules": _ordered(self.rules),
            "programs": _ordered(self.programs),
            "people": _ordered(self.people),
            "hours": _ordered(self.activity.by_hour()),
            "changes": [asdict(change) for change in self.changes],
            "changes_left_out": self.changed - len(self.changes),
            "faults": self.faults,
        }


def _ordered(counts: Mapping[str, Counter[str]]) -> dict[str, dict[str, int]]:
    return {name: dict(sorted(counts[name].items())) for name in sorted(counts)}
