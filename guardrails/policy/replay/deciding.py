"""One process's part of a replay: decide on the decisions of a piece of the log, and tally what comes out otherwise."""

from __future__ import annotations

from guardrails.evaluate.engine import Engine, EngineFailure, read_result
from guardrails.policy.replay.recorded import Piece
from guardrails.policy.replay.tally import Change, Kind, Tally
from guardrails.record.entries import Entry, not_a_decision, parse
from guardrails.values import Violation

_BLOCKED = frozenset(("deny", "confirm"))
# A rule in dryrun says nothing about a call; whether it would be hit is what its own record tells.
_Found = frozenset[tuple[str, str, str]]


def decide(piece: Piece, engine: Engine) -> Tally:
    """The tally of one piece. A line that is no decision is named with its number, and nothing else is lost by it."""
    tally = Tally()
    for index, line in enumerate(piece.lines):
        place = piece.place(index)
        if not line.strip():
            continue
        entry = parse(line)
        if entry is None:
            tally.unreadable += 1
            tally.fault(not_a_decision(place))
            continue
        _again(entry, place, engine, tally)
    return tally


def _again(entry: Entry, place: str, engine: Engine, tally: Tally) -> None:
    approximated = str(entry.custom.get("approximated") or "")
    tally.seen(entry.timestamp, "CloudTrail" if approximated else entry.revision, approximated)
    # Only what a policy was asked about has the whole document.
    if "schema" not in entry.input or entry.custom.get("unavailable"):
        tally.undecided += 1
        return
    try:
        was, before = read_result(entry.document.get("result"))
        now, after = read_result(engine.evaluate(entry.input).result)
    except EngineFailure as error:
        tally.failed += 1
        tally.fault(f"{place}: cannot be decided on again: {error}")
        return
    old, new = _rows(before), _rows(after)
    if (was, old) == (now, new):
        return
    tally.change(
        Change(
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


def _rows(violations: tuple[Violation, ...]) -> _Found:
    return frozenset((found.rule, found.target, found.action) for found in violations)


def _kind(was: str, now: str) -> Kind:
    if was in _BLOCKED and now not in _BLOCKED:
        return "newly allowed"
    if now in _BLOCKED and was not in _BLOCKED:
        return "newly denied"
    return "otherwise"
