"""Compare what CloudTrail saw with what the guard decided: which governed calls went round it.

CloudTrail records the User-Agent of every call (docs.aws.amazon.com, CloudTrail record contents), and the guard puts
the id of its decision there. A presigned request is sent by somebody else's client, without it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Literal

from attrs import frozen

from guardrails.audit.cloudtrail import Event, events
from guardrails.classify.catalogue import Catalogue
from guardrails.record.entries import Entry

Why = Literal["no decision", "unknown decision", "blocked", "another call"]


@frozen
class Round:
    """A governed call that CloudTrail saw and the guard did not let through.

    `why` is ``no decision`` (no id: not made through the guard), ``unknown decision`` (an id that is in no log given),
    ``blocked`` (the guard refused it, and it was sent all the same) or ``another call`` (the id is of another one).
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


def reconcile(files: Iterable[Path], decisions: Iterable[Entry], catalogue: Catalogue) -> Iterator[Round | str]:
    """Every call that went round, in the files' order; what cannot be read comes as a sentence with its place.

    `files` are CloudTrail's or folders of them. Calls that AWS made by itself are left out, and so are rehearsals
    (DryRun).
    """
    known = {entry.decision_id: entry for entry in decisions}
    for event in events(files, catalogue):
        found = event if isinstance(event, str) else _judge(event, known, catalogue)
        if found is not None:
            yield found


def _judge(event: Event, known: Mapping[str, Entry], catalogue: Catalogue) -> Round | None:
    governed = catalogue.governs(event.service, event.operation)
    if not governed or event.by_aws or event.error.endswith("DryRunOperation"):
        return None
    why = _why(event, known)
    if why is None:
        return None
    return Round(
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
