"""What a switch does to users: which share of them each cluster has, before and after. A file for each kind of switch.

    forwards.py  a listener or rule that forwards to other target groups, or with other weights
    pointer.py   the parameter that names the live cluster, where nothing else says what users reach

A switch is allowed where the clusters that gain users can serve them (policies/guardrails/lib/replacement.rego).
"""

from __future__ import annotations

from collections.abc import Mapping

from guardrails.resolve.inventory import Inventory
from guardrails.resolve.shifts import forwards, pointer
from guardrails.values import Answer, Call, Live, Lookup, Shift


def lookups(call: Call) -> tuple[Lookup, ...]:
    """What shows who is served now, and who will be."""
    return (*forwards.lookups(call), *pointer.lookups(call))


def followups(call: Call, answers: Mapping[str, Answer]) -> tuple[Lookup, ...]:
    """What the answers so far call for."""
    return forwards.followups(call, answers)


def shift(call: Call, answers: Mapping[str, Answer], inventory: Inventory, seen: Live) -> Shift | None:
    """What the call does to users; None for a call that moves none in a way that is understood here."""
    return forwards.shift(call, answers, inventory) or pointer.shift(call, inventory, seen)
