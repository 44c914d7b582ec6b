"""One process's part of a replay: decide on the decisions of a piece of the log, and tally what comes out otherwise."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from guardrails.evaluate.engine import Engine, EngineFailure, read_result
from guardrails.policy.replay.recorded import Piece, decision
from guardrails.policy.replay.tally import Change, Kind, Tally
from guardrails.record.entries import part, revision
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
        entry = decision(line)
        if entry is None:
            tally.unreadable += 1
            tally.fault(f"{place}: not a decision; the line is left out")
            continue
        _again(entry, place, engine, tally)
    return tally


def _again(entry: Mapping[str, Any], place: str, engine: Engine, tally: Tally) -> None:
    asked, recorded = entry.get("input"), entry.get("result")
    approximated = str(part(entry, "custom").get("approximated") or "")
    tally.seen(str(entry.get("timestamp") or ""), _revision(entry), approximated)
    # Only what a policy was asked about has the whole document.
    if not isinstance(asked, dict) or "schema" not in asked or part(entry, "custom").get("unavailable"):
        tally.undecided += 1
        return
    try:
        was, before = read_result(recorded)
        now, after = read_result(engine.evaluate(asked).result)
    except EngineFailure as error:
        tally.failed += 1
        tally.fault(f"{place}: cannot be decided on again: {error}")
        return
    old, new = _rows(before), _rows(after)
    if (was, old) == (now, new):
        return
    call, caller = part(asked, "call"), part(asked, "caller")
    tally.change(
        Change(
            kind=_kind(was, now),
            decision_id=str(entry["decision_id"]),
            time=str(entry.get("timestamp") or ""),
            place=place,
            call=f"{call.get('service')}:{call.get('operation')}",
            program=str(caller.get("program") or "?"),
            person=str(caller.get("principal") or caller.get("os_user") or "?"),
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


def _revision(entry: Mapping[str, Any]) -> str:
    if part(entry, "custom").get("approximated"):
        return "CloudTrail"
    return revision(entry)
