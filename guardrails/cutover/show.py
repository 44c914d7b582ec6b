"""A plan, its checks and the state of a cutover, as a page for people and as JSON."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from guardrails.cutover.plan import FINISHED, RETURNED, RETURNING, STUCK, SWITCHED, SWITCHING, Plan, Record
from guardrails.cutover.preflight import Checked
from guardrails.show.page import Page, Section, without_empty
from guardrails.values import rfc3339

_NEXT = {
    SWITCHING: "it goes on by itself; if its process is gone: `guardrails cutover start --resume`, or `abort`",
    SWITCHED: "`guardrails cutover finish`, or `abort` to go back",
    RETURNING: "it goes back by itself; if its process is gone: `guardrails cutover abort`",
    STUCK: "look at what the note names, then `guardrails cutover abort` or `start --resume`",
    RETURNED: "nothing; `guardrails cutover start` begins a new one",
    FINISHED: "`guardrails backstop plan`, for AWS's own protection of the new cluster; to go back, start a cutover in "
    "the other direction",
}


def plan_page(plan: Plan, checked: Sequence[Checked], title: str) -> Page:
    """The plan with what was checked."""
    failed = [check for check in checked if not check.ok]
    return Page(
        title,
        f"from {plan.source} to {plan.to} in {plan.region}",
        "deny" if failed else "allow",
        without_empty((
            Section("Checks", columns=("", "check", "found"), rows=[_row(check) for check in checked]),
            Section("What to do first", [f"{check.name}: {check.way}" for check in failed]),
            Section("Steps", lines(plan)),
            Section("Notes", plan.notes),
        )),
        f"plan {plan.digest[:12]}",
    )  # fmt: skip


def lines(plan: Plan) -> list[str]:
    """What happens, in order."""
    every = []
    for number, step in enumerate(plan.steps, 1):
        every.append(f"{number}. {plan.share(number)} to {plan.to}")
        every += [f"   {move.what}" for move in step.moves]
        every.append(f"   then healthy for {max(step.wait_s, plan.bake_s):.0f} s ({', '.join(_checks(plan))})")
    every += [f"at `finish`: {move.what}" for move in plan.roles]
    if plan.steps:
        every.append(f"{plan.source} is kept for {plan.rollback_s / 60:.0f} min after that (rollback_window_s)")
    return every


def record_page(record: Record) -> Page:
    """How far it is, who works on it until when, and what to do next."""
    plan = record.plan
    rows = [
        ("phase", record.phase),
        ("step", f"{record.begun} of {len(plan.steps)}"),
        ("owner", f"{record.by} on {record.host}" if record.owner else "no one works on it"),
        ("until", f"{rfc3339(record.owner_until)[:19]}Z" if record.owner else ""),
        ("started", f"{rfc3339(record.started_at)[:19]}Z"),
        ("changed", f"{rfc3339(record.changed_at)[:19]}Z"),
        ("note", record.note),
        ("next", _NEXT[record.phase]),
    ]
    return Page(
        f"cutover {record.id}: {record.phase}",
        f"from {plan.source} to {plan.to} in {plan.region}",
        {FINISHED: "allow", SWITCHED: "allow", STUCK: "deny"}.get(record.phase, "warn"),  # type: ignore[arg-type]
        without_empty((
            Section("State", columns=("", ""), rows=[row for row in rows if row[1]]),
            Section("Steps", lines(plan)),
        )),
        f"plan {plan.digest[:12]}",
    )  # fmt: skip


def plan_json(plan: Plan, checked: Sequence[Checked]) -> dict[str, Any]:
    """The plan, its digest and the checks."""
    return {
        "plan": plan.document(),
        "digest": plan.digest,
        "ready": all(check.ok for check in checked),
        "checks": [check.document() for check in checked],
        "lines": lines(plan),
    }


def record_json(record: Record | None) -> dict[str, Any]:
    """The state of a cutover; its `id` is null where there was none."""
    if record is None:
        return {"id": None}
    return {
        **{name: value for name, value in record.document().items() if name not in ("plan", "owner")},
        "owned": bool(record.owner),
        "from": record.plan.source,
        "to": record.plan.to,
        "account": record.plan.account,
        "region": record.plan.region,
        "steps": len(record.plan.steps),
        "digest": record.plan.digest,
        "next": _NEXT[record.phase],
        "lines": lines(record.plan),
    }


def _row(check: Checked) -> tuple[str, str, str]:
    return ("ok" if check.ok else "no", check.name, check.found)


def _checks(plan: Plan) -> list[str]:
    groups = [f"targets of {group.split('/')[1]}" for group in plan.groups]
    return ["EC2's status checks", *groups, *plan.checks]
