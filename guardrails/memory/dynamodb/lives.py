"""Since when clusters have been live: one item, written only by a host that has just read it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from attrs import astuple

from guardrails.memory import liveness
from guardrails.memory.dynamodb.table import ConditionFailed, Table
from guardrails.memory.liveness import LOOKED, Liveness, Naming, Noted
from guardrails.memory.store import Asked

# Whether a naming was a mistake is a question of minutes, so that guards have looked is written once a minute.
_LOOKED_S = 60.0
_TRIES = 8


def key(scope: str) -> tuple[str, str]:
    """The item of an account and region."""
    return f"liv#{scope.replace('/', '#')}", "0"


def note(table: Table, asked: Asked, item: Mapping[str, Any], now: float) -> Liveness:
    """Note what is live, in the item that was just read ({}: there is none yet)."""
    for _ in range(_TRIES):
        before = noted(item)
        after, said = liveness.note(before, asked.live, now, reused=asked.reused)
        if not _differs(before, after):
            return said
        try:
            _write(table, asked.scope, item.get("epoch"), after)
        except ConditionFailed:
            item = table.items([key(asked.scope)]).get(key(asked.scope), {})
        else:
            return said
    raise table.unavailable(f"which clusters are live changed {_TRIES} times at once")


def members_changed(table: Table, scope: str) -> float:
    """Make every host read the members of clusters again. Returns their new version."""
    written = table.update(key(scope), "ADD #m :one", {"one": 1}, {"m": "members"})
    return float(written["members"])


def noted(item: Mapping[str, Any]) -> Noted:
    """What an item says."""
    times = {name: (since, retired) for name, (since, retired) in item.get("times", {}).items()}
    namings = {name: Naming(unnamed, before, bool(on)) for name, (unnamed, before, on) in item.get("names", {}).items()}
    if "looked" in item:
        namings[LOOKED] = Naming(item["looked"], None, pointed=False)
    return Noted(times, namings)


def _differs(before: Noted, after: Noted) -> bool:
    looked, looks = (each.namings[LOOKED].unnamed_at if LOOKED in each.namings else None for each in (before, after))
    if looks is not None and (looked is None or looks - looked > _LOOKED_S):
        return True
    return before.times != after.times or _named(before) != _named(after)


def _named(noted: Noted) -> Mapping[str, Naming]:
    return {name: naming for name, naming in noted.namings.items() if name != LOOKED}


def _write(table: Table, scope: str, epoch: float | None, noted: Noted) -> None:
    values: dict[str, Any] = {
        "times": {name: list(each) for name, each in noted.times.items()},
        "names": {name: list(astuple(each)) for name, each in _named(noted).items()},
        "next": (epoch or 0) + 1,
    }
    expression = "SET #t = :times, #n = :names, #e = :next"
    names = {"t": "times", "n": "names", "e": "epoch"}
    if LOOKED in noted.namings:
        values["looked"], names["l"] = noted.namings[LOOKED].unnamed_at, "looked"
        expression += ", #l = :looked"
    condition = "attribute_not_exists(#e)"
    if epoch is not None:
        values["epoch"], condition = epoch, "#e = :epoch"
    table.update(key(scope), expression, values, names, condition=condition)
