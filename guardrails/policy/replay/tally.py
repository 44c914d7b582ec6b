"""What a replay has found so far: counts, and the first of the changes. Its size does not grow with the log."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any, Literal

from attrs import Factory, asdict, define, frozen

Kind = Literal["newly denied", "newly allowed", "otherwise"]
KINDS: tuple[Kind, ...] = ("newly denied", "newly allowed", "otherwise")
# Changes and unreadable lines that are kept whole; of the others the counts say enough.
KEPT = 1000


@frozen
class Change:
    """One decision that the candidate policies give otherwise; `gained` and `lost` are ids of rules.

    `approximated` says where facts that were not recorded with the call come from: ``snapshot``, ``log`` or "".
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
class Tally:
    """`undecided` were recorded without a verdict of the policies (a dry run, a look-up that failed).

    `approximated` were decided on facts that were not recorded with the call; `left_out` counts calls of CloudTrail
    that could not be decided on, by reason. `rules`, `programs` and `people` count changes by kind:
    ``{"capacity/addresses": {"newly denied": 3}}``; `hours` counts decisions and changes by hour (``2026-11-24T09``),
    for the timeline.
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
    hours: dict[str, Counter[str]] = Factory(dict)
    revisions: Counter[str] = Factory(Counter)
    changes: list[Change] = Factory(list)
    faults: list[str] = Factory(list)
    unreadable: int = 0

    @property
    def changed(self) -> int:
        """How many decisions come out otherwise."""
        return self.kinds.total()

    def seen(self, time: str, revision: str, approximated: str = "") -> None:
        """Count one decision."""
        self.decisions += 1
        self.approximated += bool(approximated)
        self.revisions[revision] += 1
        self.hours.setdefault(time[:13], Counter())["decisions"] += 1

    def change(self, found: Change) -> None:
        """Count one change."""
        self.kinds[found.kind] += 1
        self.hours.setdefault(found.time[:13], Counter())[found.kind] += 1
        for rule in {*found.gained, *found.lost}:
            self.rules.setdefault(rule, Counter())[found.kind] += 1
        self.programs.setdefault(found.program, Counter())[found.kind] += 1
        self.people.setdefault(found.person, Counter())[found.kind] += 1
        if len(self.changes) < KEPT:
            self.changes.append(found)

    def fault(self, sentence: str) -> None:
        """A line that could not be read, or not be decided on."""
        if len(self.faults) < KEPT:
            self.faults.append(sentence)

    def add(self, other: Tally) -> None:
        """Put the tally of the following lines to this one."""
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
            (self.hours, other.hours),
        ):
            for name, counts in more.items():
                mine.setdefault(name, Counter()).update(counts)
        self.changes += other.changes[: KEPT - len(self.changes)]
        self.faults += other.faults[: KEPT - len(self.faults)]

    def document(self, revision: str) -> Mapping[str, Any]:
        """For programs; keys in a fixed order, so that two replays of the same are the same text."""
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
            "hours": _ordered(self.hours),
            "changes": [asdict(change) for change in self.changes],
            "changes_left_out": self.changed - len(self.changes),
            "faults": self.faults,
        }


def _ordered(counts: Mapping[str, Counter[str]]) -> dict[str, dict[str, int]]:
    return {name: dict(sorted(counts[name].items())) for name in sorted(counts)}
