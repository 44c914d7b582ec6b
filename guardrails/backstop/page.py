"""A plan of the backstop for people, line by line, and for programs."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from guardrails.backstop.plan import Plan
from guardrails.show.sentences import counted
from guardrails.values import rfc3339

_SHOWN = 10


def lines(plan: Plan) -> Iterator[str]:
    """What would change, per cluster; what stays, and why."""
    if plan.blocked:
        yield f"Nothing is planned: {plan.blocked}."
        return
    yield f"live: {', '.join(plan.live) or 'nothing'}"
    for clusters in dict.fromkeys(change.clusters for change in plan.changes):
        mine = [change for change in plan.changes if change.clusters == clusters]
        yield ""
        yield f"{', '.join(clusters)}: {mine[0].why}"
        yield from (f"  {'on ' if change.on else 'off'}  {change.noun}" for change in mine)
    yield ""
    yield from _stays(plan)
    on = sum(change.on for change in plan.changes)
    yield (
        f"{on} to switch on, {len(plan.changes) - on} to switch off, {plan.in_order} in order, {plan.left} of other "
        "clusters left as they are"
    )
    if plan.changes:
        yield f"digest {plan.digest}"


def _stays(plan: Plan) -> Iterator[str]:
    if plan.kept:
        until = max(plan.kept.values())
        number = counted(len(plan.kept), "protection")
        yield f"kept for a rollback until {rfc3339(until)[:16]}Z: {number} of clusters that were live"
    if plan.members:
        yield f"protected as a group, which starts them again: {counted(plan.members, 'setting')} of single machines"
    yield from (f"unknown: {each}" for each in plan.problems)
    if plan.unknown:
        yield f"left alone, because it is not known whose it is: {counted(len(plan.unknown), 'resource')}"
        yield from (f"  {each}" for each in plan.unknown[:_SHOWN])
        if len(plan.unknown) > _SHOWN:
            yield f"  and {len(plan.unknown) - _SHOWN} more (--format json lists all)"
    if plan.not_shown:
        yield f"not shown by AWS here, and left alone: {', '.join(plan.not_shown)}"


def document(plan: Plan) -> dict[str, Any]:
    """As JSON."""
    return {
        "live": list(plan.live),
        "known": not plan.blocked,
        "complete": plan.complete,
        "reason": plan.blocked,
        "digest": plan.digest,
        "changes": [change.document() for change in plan.changes],
        "in_order": plan.in_order,
        "left": plan.left,
        "members": plan.members,
        "kept": [{"what": what, "until": rfc3339(until)} for what, until in plan.kept.items()],
        "unknown": list(plan.unknown),
        "problems": list(plan.problems),
        "not_shown": list(plan.not_shown),
    }
