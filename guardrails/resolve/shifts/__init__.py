"""What a switch does to users: which share of them each cluster has, before and after. A file for each kind of switch.

    forwards.py   a listener or rule that forwards to other target groups, or with other weights
    targets.py    machines that join or leave a target group or classic balancer, alone or with their group
    records.py    DNS records that lead elsewhere, or with other weights
    deployments.py  databases of a blue/green deployment that change places
    cnames.py     two Elastic Beanstalk environments that swap their names
    addresses.py  an address that goes to another machine
    entrances.py  what a new entrance does to which entrances count
    pointer.py    the parameter that names the live cluster, where nothing else says what users reach

shares.py counts. A switch is allowed where the clusters that gain users can serve them (policies/guardrails/lib/
replacement.rego). To add a kind, write a file with a `Way` and add it to `_WAYS`.
"""

from __future__ import annotations

from functools import cache
from importlib import import_module
from types import ModuleType

from guardrails.resolve.shifts import addresses, entrances, forwards, pointer, targets
from guardrails.resolve.shifts.shares import Answers, Situation, Way
from guardrails.values import Call, Lookup, Shift, Target

__all__ = ["Situation", "followups", "lookups", "losing", "shift", "unseating"]
unseating = entrances.unseating
_WAYS = (forwards.WAY, targets.WAY, addresses.WAY, pointer.WAY)
_RECORDS = "route53:ChangeResourceRecordSets"
# Imported for the only operation that they are about, because much else comes with them.
_ALONE = {_RECORDS: "records", "elasticbeanstalk:SwapEnvironmentCNAMEs": "cnames",
          "rds:SwitchoverBlueGreenDeployment": "deployments"}  # fmt: skip


def lookups(call: Call) -> tuple[Lookup, ...]:
    """What shows who is served now, and who will be."""
    return (*(lookup for way in _ways(call) for lookup in way.lookups(call)), *entrances.lookups(call))


def followups(call: Call, answers: Answers) -> tuple[Lookup, ...]:
    """What the answers so far call for."""
    return tuple(lookup for way in _ways(call) for lookup in way.followups(call, answers))


def shift(situation: Situation) -> Shift | None:
    """What the call does to users; None for a call that moves none in a way that is understood here."""
    return next((made for way in _ways(situation.call) if (made := way.shift(situation)) is not None), None)


def losing(targets: tuple[Target, ...], situation: Situation) -> tuple[Target, ...]:
    """The targets, where it is clear who loses users by each record: those clusters, none where nobody does."""
    if situation.call.name != _RECORDS:
        return targets
    changed: tuple[Target, ...] = _module(_ALONE[_RECORDS]).losing(targets, situation)
    return changed


def _ways(call: Call) -> tuple[Way, ...]:
    alone = _ALONE.get(call.name)
    return _WAYS if alone is None else (_module(alone).WAY, *_WAYS)


@cache
def _module(name: str) -> ModuleType:
    return import_module(f"{__name__}.{name}")
