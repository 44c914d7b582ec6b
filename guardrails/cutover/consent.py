"""One yes for the whole plan: at the terminal, by typing the new cluster's name, or by a second person."""

from __future__ import annotations

from typing import Protocol

from guardrails import caller
from guardrails.config.settings import Settings
from guardrails.cutover.plan import Plan
from guardrails.cutover.preflight import Checked
from guardrails.cutover.show import lines, plan_page
from guardrails.enforce.approvals import Whole, WholeDesk
from guardrails.enforce.approvals.whole import public
from guardrails.enforce.confirm import ask_about
from guardrails.errors import CutoverRefused
from guardrails.memory import StateUnavailable, configured

# No rule blocks a cutover that its preflight lets start. This stands for it where an approval names the rules.
RULE = "cutover/start"
_MINUTES = 30.0


class Consent(Protocol):
    """Has the plan confirmed. Raises CutoverRefused."""

    def __call__(self, plan: Plan, checked: list[Checked], /) -> None: ...


def consent(settings: Settings) -> Consent:
    """Ask at the terminal or notebook of this process; where no one is there, a second person."""

    def asked(plan: Plan, checked: list[Checked]) -> None:
        page = plan_page(plan, checked, "guardrails: this cutover needs your confirmation")
        answer = ask_about(page, plan.to, caller.describe(None, settings.caller), settings.confirm_timeout_s)
        if answer.given:
            return
        if answer.asked:
            raise CutoverRefused(f"not started: {answer.why.replace('make the call again', 'run the command again')}")
        _approved(settings, plan, answer.why)

    return asked


def _approved(settings: Settings, plan: Plan, why: str) -> None:
    """Use the approval of a second person, or ask for it."""
    terms = (settings.params.get("approvals") or {}).get("confirm") or {}
    by, minutes = tuple(terms.get("by", ("*",))), float(terms.get("minutes", _MINUTES))
    whole = Whole(
        kind="cutover",
        digest=plan.digest,
        summary=f"cutover from {plan.source} to {plan.to} in {plan.region}, plan {plan.digest[:12]}",
        lines=tuple(lines(plan)),
        terms={RULE: by},
        minutes=minutes,
        region=plan.region,
        account=plan.account,
        targets=tuple(entrance.id for entrance in plan.entrances),
        clusters={entrance.id: (plan.source, plan.to) for entrance in plan.entrances},
    )
    board = configured.board(settings)
    try:
        standing = WholeDesk(board, board.me(), settings.approval_wait_s).answer(whole, f"cutover {plan.digest[:12]}")
    except StateUnavailable as error:
        raise CutoverRefused(f"{why}; no approval can be asked for either: {error}") from error
    if standing.approval is None:
        request = public(standing.request, standing.note) if standing.request else None
        command = f"; a second person runs: {request.command}, then run this again" if request else ""
        note = f" {standing.note}." if standing.note else ""
        raise CutoverRefused(f"not started. {why}{command}.{note}")
