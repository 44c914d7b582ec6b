"""One process's part of a replay: decides again on the decisions of a chunk, and tallies those that change."""

from __future__ import annotations

from guardrails.evaluate.engine import Engine, EngineFailure, read_result
from guardrails.policy.replay.log_chunks import LogChunk
from guardrails.policy.replay.tally import ChangedDecision, Kind, ReplayTally
from guardrails.record.entries import NOT_SENT, Entry, not_a_decision, parse
from guardrails.values import Violation

_BLOCKED = frozenset(("deny", "confirm"))
# (rule, target, action) of each violation.
_Violations = frozenset[tuple[str, str, str]]


def decide(chunk: LogChunk, engine: Engine) -> ReplayTally:
    """The tally of one chunk. A line that is not a decision is reported with its number and left out."""
    tally = ReplayTally()
    for index, line in enumerate(chunk.lines):
        place = chunk.place(index)
        if not line.strip():
            continue
        entry = parse(line)
        if entry is None:
            tally.unreadable += 1
            tally.fault(not_a_decision(place))
            continue
        if entry.document.get("type") != NOT_SENT:
            _decide_again(entry, place, engine, tally)
    return tally


def _decide_again(entry: Entry, place: str, engine: Engine, tally: ReplayTally) -> None:
    approximated = str(entry.custom.get("approximated") or "")
    tally.seen(entry.timestamp, "CloudTrail" if approximated else entry.revision, approximated)
    # Only calls that the policies decided on have the whole input document.
    if "schema" not in entry.input or entry.custom.get("unavailable"):
        tally.undecided += 1
        return
    try:
        was, before = read_result(entry.document.get("result"))
        now, after = read_result(engine.evaluate(entry.input).result)
    except EngineFailure as error:
        tally.failed += 1
        tally.fault(f"{place}: cannot be decided again: {error}")
        return
    old, new = _rows(before), _rows(after)
    if (was, old) == (now, new):
        return
    tally.change(
        ChangedDecision(
            kind=_kind(was, now),
            decision_id=entry.decision_id,
            time=entry.timestamp,
            place=place,
            call=entry.call_name,
            program=entry.program,
            person=entry.person,
            was=was,
            now=now,
            gained=tuple(sorted({rule for rule, _, _ in new - old})),
            lost=tuple(sorted({rule for rule, _, _ in old - new})),
            targets=tuple(sorted({target for _, target, _ in new ^ old})[:10]),
            approximated=approximated,
        )
    )


def _rows(violations: tuple[Violation, ...]) -> _Violations:
    return frozenset((violation.rule, violation.target, violation.action) for violation in violations)


def _kind(was: str, now: str) -> Kind:
    if was in _BLOCKED and now not in _BLOCKED:
        return "newly allowed"
    if now in _BLOCKED and was not in _BLOCKED:
        return "newly denied"
    return "other change"
