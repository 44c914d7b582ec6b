"""While an approved plan runs: what was confirmed or approved with the whole plan is not asked again for a call."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

from attrs import evolve

from guardrails.enforce.approvals import Desk
from guardrails.enforce.confirm import Confirmation
from guardrails.pipeline import Pipeline
from guardrails.planning.progress import Progress
from guardrails.show import blast_radius
from guardrails.values import Approval, Decision, Origin


def pipeline_of(usual: Pipeline, progress: Progress) -> Pipeline:
    """As the usual one; what the plan's confirmation or approval covers is not asked again."""
    desk = cast("Desk", _PlanDesk(usual.desk, progress)) if usual.desk is not None else None
    return evolve(usual, around=_PlanSurroundings(usual.around, progress), desk=desk)


def _covers(progress: Progress, decision: Decision) -> bool:
    """Whether the planned call was shown to do as much: the same rules ask, and no fewer machines remain."""
    entry = progress.planned(decision.call)
    if entry is None or (entry.account and decision.call.account and entry.account != decision.call.account):
        return False
    asked = {rule.id for rule in entry.rules}
    asks = {each.rule for each in decision.violations if each.action in ("deny", "confirm")}
    shown = {each.cluster: each.after for each in entry.left}
    hits = [hit for hit in blast_radius.of(decision.input) if hit.touched]
    return asks <= asked and all(hit.running - hit.down >= shown.get(hit.cluster, hit.running + 1) for hit in hits)


class _PlanSurroundings:
    """The usual ones, with the answer that was given to the whole plan."""

    def __init__(self, usual: Any, progress: Progress) -> None:
        self._usual = usual
        self._progress = progress

    def __getattr__(self, name: str) -> Any:
        return getattr(self._usual, name)

    def ask(self, decision: Decision, timeout_s: float) -> Confirmation:
        """Given already, where it covers the call."""
        if self._progress.confirmed and _covers(self._progress, decision):
            return Confirmation(given=True)
        answer: Confirmation = self._usual.ask(decision, timeout_s)
        return answer


class _PlanDesk:
    """The usual one, with the approval that was given to the whole plan."""

    def __init__(self, usual: Desk, progress: Progress) -> None:
        self._usual = usual
        self._progress = progress

    def answer(self, decision: Decision, origin: Origin, decide: Callable[[Approval | None], Decision]) -> Decision:
        """The decision with the plan's approval, where it covers the call."""
        approval = self._progress.approval
        if approval is not None and _covers(self._progress, decision):
            again = decide(approval)
            if again.allowed:
                return evolve(again, approved=evolve(approval, used_by=again.id))
        return self._usual.answer(decision, origin, decide)

    def holds(self, decision: Decision, before: Decision) -> Decision:
        """The new decision on a call that was approved before."""
        mine = self._progress.approval
        if mine is None or before.approved is None or before.approved.id != mine.id:
            return self._usual.holds(decision, before)
        covered = decision.allowed and _covers(self._progress, decision)
        return evolve(decision, approved=before.approved) if covered else evolve(decision, action="deny")

    def give_back(self, decision: Decision) -> None:
        """An approval of one call counts again; that of the plan goes on counting."""
        mine = self._progress.approval
        if mine is None or decision.approved is None or decision.approved.id != mine.id:
            self._usual.give_back(decision)
