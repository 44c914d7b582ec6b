"""How many calls of an operation were made within a minute, in an account and region: counts of each second."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress

from guardrails.memory.dynamodb.table import Table
from guardrails.memory.events import RATE_S, SENT, Event
from guardrails.memory.store import StateUnavailable

_SLOT_S = 1.0
_SLOT = "s_"
# Older ones go when there are so many.
_KEPT = 60
_AT_ONCE = 200


def key(scope: str, operation: str) -> tuple[str, str]:
    """The item with the counts of an operation."""
    return f"cal#{scope.replace('/', '#')}#{operation.removeprefix('call ')}", "0"


def add(table: Table, scope: str, operation: str, now: float) -> Mapping[str, float]:
    """Count a call. Returns the counts before it."""
    slot = _slot(now)
    after = table.update(key(scope, operation), "ADD #s :one", {"one": 1}, {"s": slot}, whole=True, expires=True)
    before = {**after, slot: after[slot] - 1}
    slots = [name for name in before if name.startswith(_SLOT) and _end(name) < now - RATE_S][:_AT_ONCE]
    if len(slots) >= _KEPT:
        # Old counts do no harm, and go next time.
        with suppress(StateUnavailable):
            table.remove(key(scope, operation), slots)
    return before


def take_back(table: Table, scope: str, operation: str, at: float) -> None:
    """A call that was counted at that time was not sent."""
    table.update(key(scope, operation), "ADD #s :one", {"one": -1}, {"s": _slot(at)})


def events(operation: str, item: Mapping[str, float], now: float) -> tuple[Event, ...]:
    """The calls of the last minute; those of a second count to its end."""
    ends = [(_end(name), int(count)) for name, count in item.items() if name.startswith(_SLOT)]
    return tuple(
        Event(operation, "", "", min(end, now), SENT) for end, count in ends if end > now - RATE_S for _ in range(count)
    )


def _slot(at: float) -> str:
    return f"{_SLOT}{at // _SLOT_S:.0f}"


def _end(slot: str) -> float:
    return (float(slot.removeprefix(_SLOT)) + 1) * _SLOT_S
