"""What a switch does to users: which share of them each cluster has, before and after. A file for each kind of switch.

    forwards.py   a listener or rule that forwards to other target groups, or with other weights
    targets.py    machines that join or leave a target group or classic balancer, alone or with their group
    records.py    DNS records that lead elsewhere, or with other weights
    cnames.py     two Elastic Beanstalk environments that swap their names
    addresses.py  an address that goes to another machine
    pointer.py    the parameter that names the live cluster, where nothing else says what users reach

shares.py counts. A switch is allowed where the clusters that gain users can serve them (policies/guardrails/lib/
replacement.rego). To add a kind, write a file with a `Way` and add it to `_WAYS`.
"""

from __future__ import annotations

from guardrails.resolve.shifts import addresses, cnames, forwards, pointer, records, targets
from guardrails.resolve.shifts.records import losing
from guardrails.resolve.shifts.shares import Answers, Situation
from guardrails.values import Call, Lookup, Shift

__all__ = ["Situation", "followups", "lookups", "losing", "shift"]
_WAYS = (forwards.WAY, targets.WAY, records.WAY, cnames.WAY, addresses.WAY, pointer.WAY)


def lookups(call: Call) -> tuple[Lookup, ...]:
    """What shows who is served now, and who will be."""
    return tuple(lookup for way in _WAYS for lookup in way.lookups(call))


def followups(call: Call, answers: Answers) -> tuple[Lookup, ...]:
    """What the answers so far call for."""
    return tuple(lookup for way in _WAYS for lookup in way.followups(call, answers))


def shift(situation: Situation) -> Shift | None:
    """What the call does to users; None for a call that moves none in a way that is understood here."""
    return next((made for way in _WAYS if (made := way.shift(situation)) is not None), None)
