"""Compares CloudTrail with the guard's decisions: which governed calls bypassed it.

CloudTrail records the User-Agent of every call (docs.aws.amazon.com, CloudTrail record contents), and the guard puts
the decision's id there. A presigned request does not have it, because another client sends it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Literal

from guardrails.audit.cloudtrail import Event, events
from guardrails.classify.catalogue import Catalogue
from guardrails.record.entries import Entry
from guardrails.values import frozen

Why = Literal["no decision", "unknown decision", "blocked", "another call"]


@frozen
class Bypass:
    """A governed call that CloudTrail saw and the guard did not allow.

    `why` is ``no decision`` (no id: not made through the guard), ``unknown decision`` (the id is in none of the logs),
    ``blocked`` (the guard denied it, and it was still sent) or ``another call`` (the id belongs to another call).
    """

    why: Why
    time: str
    service: str
    operation: str
    region: str
    principal: str
    address: str
    user_agent: str
    event_id: str
    error: str
    place: str


def reconcile(files: Iterable[Path], decisions: Iterable[Entry], catalogue: Catalogue) -> Iterator[Bypass | str]:
    """Every call that bypassed the guard, in file order; for what cannot be read, a sentence with its place.

    `files` are CloudTrail files or folders of them. Calls that AWS made by itself and dry runs are left out.
    """
    known = {entry.decision_id: entry for entry in decisions}
    for event in events(files, catalogue):
        result = event if isinstance(event, str) else _bypass(event, known, catalogue)
        if result is not None:
            yield result


def _bypass(event: Event, known: Mapping[str, Entry], catalogue: Catalogue) -> Bypass | None:
    governed = catalogue.governs(event.service, event.operation)
    if not governed or event.by_aws or event.error.endswith("DryRunOperation"):
        return None
    why = _why(event, known)
    if why is None:
        return None
    return Bypass(
        why=why,
        time=event.time,
        service=event.service,
        operation=event.operation,
        region=event.region,
        principal=event.principal,
        address=event.address,
        user_agent=event.user_agent,
        event_id=event.event_id,
        error=event.error,
        place=event.place,
    )


def _why(event: Event, known: Mapping[str, Entry]) -> Why | None:
    if event.decision_id is None:
        return "no decision"
    decision = known.get(event.decision_id)
    if decision is None:
        return "unknown decision"
    if decision.call_name != f"{event.service}:{event.operation}":
        return "another call"
    return None if decision.sent else "blocked"
