"""What the requests and grants of an operation mean for one call: an approval, an open request, or why not."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from guardrails.enforce.approvals import people
from guardrails.enforce.approvals.digest import digest, worse
from guardrails.memory.approvals import Grant, Identity, Record, Request
from guardrails.memory.approvals.reading import AHEAD_S
from guardrails.values import Approval, frozen, rfc3339


@frozen
class Terms:
    """Who may approve each rule that blocks the call, by patterns, and for how many minutes that counts.

    `leaves` is what the call would leave of each cluster now, and how many machines of it run.
    """

    by: Mapping[str, tuple[str, ...]]
    minutes: float
    leaves: Mapping[str, tuple[int, int]]


@frozen
class Standing:
    """`approval` is one that counts and `record` where it is; `request` is one that is open. `note` is for people."""

    approval: Approval | None = None
    record: Record | None = None
    request: Request | None = None
    note: str = ""


def of(records: Iterable[Record], what: Mapping[str, Any], asker: Identity, terms: Terms, now: float) -> Standing:
    """`records` are those of the operation, the oldest first; `what` is the call's document."""
    every, wanted = list(records), digest(what)
    mine = [record for record in every if record.request.digest == wanted and record.request.asked_by.id == asker.id]
    standing = Standing()
    for record in mine:
        standing = _one(record, wanted, asker, terms, now)
        if standing.approval is not None:
            return standing
    if standing.note or standing.request:
        return standing
    return Standing(note=next(_others(every, what, asker, terms, now), ""))


def _one(record: Record, wanted: str, asker: Identity, terms: Terms, now: float) -> Standing:
    request = record.request
    if record.used_by:
        names = _names(record.grants) or "someone else"
        return Standing(
            note=f"Approval {request.id} by {names} was used already, by decision {record.used_by}: one approval is "
            "good for one call"
        )
    refused = ""
    for grant in record.grants:
        refused = _refusal(request, grant, wanted, asker, terms, now)
        if not refused:
            return Standing(approval=_approval(request, grant, terms), record=record)
    opened = now < min(request.until, request.asked_at + terms.minutes * 60)
    # Who approves must see what would be left now.
    opened = opened and not worse(terms.leaves, request.leaves)
    return Standing(request=request if opened else None, note=refused)


def _refusal(request: Request, grant: Grant, wanted: str, asker: Identity, terms: Terms, now: float) -> str:
    """Why a grant does not count; "" where it does."""
    if not grant.name:
        return (
            f"Approval {request.id} does not count: nothing proves which IAM user {grant.by} is. Use the IAM policy of "
            "`guardrails state init --policy`, and approve with `guardrails approve`, both of this version"
        )
    if people.is_same(asker.names | request.asked_by.names, (grant.by, grant.name)):
        return (
            f"Approval {request.id} does not count, because {grant.name} also asked for it, or has the same user or "
            "session name: there is no second person. Give each person a user or a session name of their own"
        )
    if not people.is_person(grant.by):
        return (
            f"Approval {request.id} does not count: the session name of {grant.by} is a machine's or anyone's, not a "
            "person's. Set role_session_name in the profile of who approves"
        )
    if not people.may_approve(grant.by, terms.by.values()):
        return f"Approval {request.id} does not count: {grant.name} is not among those who may approve {_rules(terms)}"
    if grant.digest != wanted:
        return f"Approval {request.id} by {grant.name} was given to another form of this call, so it does not cover it"
    if grant.at > now + AHEAD_S:
        return f"Approval {request.id} by {grant.name} is from the future: correct the clock of that host"
    end = grant.at + terms.minutes * 60
    if now >= end:
        return (
            f"Approval {request.id} by {grant.name} expired at {rfc3339(end)[:19]}Z: it counted for "
            f"{terms.minutes:g} minutes"
        )
    less = worse(terms.leaves, grant.leaves)
    return f"Approval {request.id} by {grant.name} does not count: {less}" if less else ""


def _approval(request: Request, grant: Grant, terms: Terms) -> Approval:
    return Approval(
        id=request.id,
        digest=request.digest,
        rules=tuple(sorted(terms.by)),
        by=grant.by,
        name=grant.name,
        reason=grant.reason,
        at=grant.at,
        until=grant.at + terms.minutes * 60,
        asked_by=request.asked_by.id,
        asker=request.asked_by.name,
        leaves=grant.leaves,
    )


def _others(
    records: Iterable[Record], what: Mapping[str, Any], asker: Identity, terms: Terms, now: float
) -> Iterator[str]:
    """Sentences about approvals that someone may think cover this call."""
    for record in reversed(list(records)):
        request = record.request
        granted = [grant for grant in record.grants if now < grant.at + terms.minutes * 60]
        if not granted or record.used_by:
            continue
        names = _names(granted)
        if request.asked_by.id == asker.id:
            yield (
                f"Approval {request.id} by {names} does not cover this call, which was altered: it is for "
                f"“{request.summary}” ({_difference(request.document, what)} differ)"
            )
        elif digest({**request.document, "user": asker.id, "hidden": what["hidden"]}) == digest(what):
            yield f"Approval {request.id} by {names} was given to {request.asked_by.name}, and not to you"


def _difference(before: Mapping[str, Any], now: Mapping[str, Any]) -> str:
    """What differs between two documents, in the words of their keys."""
    differ = [name for name in now if before.get(name) != now[name]]
    said = ["parameters" if name in ("params", "hidden") else name for name in differ if name != "user"]
    return ", ".join(dict.fromkeys(said)) or "its parts"


def _names(grants: Iterable[Grant]) -> str:
    return ", ".join(dict.fromkeys(grant.name for grant in grants))


def _rules(terms: Terms) -> str:
    return ", ".join(sorted(terms.by))
