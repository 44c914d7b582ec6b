"""Asks for the approval of a blocked call, waits for it where that is configured, and uses it."""

from __future__ import annotations

import secrets
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any, Protocol

from attrs import evolve, field

from guardrails.enforce.approvals import standing
from guardrails.enforce.approvals.asking import TooMany, ask
from guardrails.enforce.approvals.digest import digest, document, leaves, worse
from guardrails.enforce.approvals.standing import Standing, Terms
from guardrails.enforce.approvals.whole import public
from guardrails.enforce.ctrl_c import interruptible
from guardrails.memory import StateUnavailable
from guardrails.memory.approvals import Board, Identity, Record, Request
from guardrails.show.sentences import summary
from guardrails.values import Approval, Decision, Origin, frozen
from guardrails.waiting.clock import monotonic
from guardrails.waiting.interruptions import is_injected, waiting
from guardrails.waiting.program_log import ProgramLog

_logger = ProgramLog()
# Between two looks for an approval.
_PAUSE_S = 1.5
_CHANGED = "The situation changed after the approval, so it does not count"


class DecideAgain(Protocol):
    """Decides on the call anew, with facts as they are now."""

    def __call__(self, approval: Approval | None, /) -> Decision: ...


@frozen
class _Case:
    """A blocked call that a second person may approve."""

    decision: Decision
    what: Mapping[str, Any]
    terms: Terms
    asker: Identity

    @property
    def place(self) -> str:
        """The account, region and operation: where the requests for calls like it are."""
        return _place(self.decision)


@frozen
class Desk:
    """Where a guard asks. `identify` says who makes a call.

    A blocked call waits for `wait_s` seconds; `notify` gets its decision before that.
    """

    board: Board
    identify: Callable[[Origin], Identity]
    notify: Callable[[Decision], None]
    wait_s: float = 0.0
    clock: Callable[[], float] = field(default=time.time)

    def answer(self, decision: Decision, origin: Origin, decide: DecideAgain) -> Decision:
        """The decision, with the approval that lets the call pass, or with the request for one. Never raises.

        The approval is used up then. Where no place answers, none counts, and the reason says so.
        """
        if not approvable(decision):
            return decision
        try:
            return self._answer(self._case(decision, self.identify(origin)), decide)
        except TooMany as error:
            return evolve(decision, reason=str(error))
        except StateUnavailable as error:
            return evolve(decision, reason=f"No approval can be asked for, and none counts: {error}")
        except KeyboardInterrupt:
            return evolve(decision, reason="The wait for an approval was interrupted (Ctrl-C); make the call again")
        except Exception as error:
            if is_injected(error):
                raise
            # Anything that goes wrong with an approval leaves the call denied.
            _logger.debug("the guard failed while it asked for an approval", exc_info=True)
            return evolve(decision, reason=f"No approval can be asked for: {type(error).__name__}: {error}")

    def holds(self, decision: Decision, before: Decision) -> Decision:
        """The new decision, on a call that was approved `before`: it covers exactly that."""
        if before.approved is None or not decision.allowed:
            return decision
        less = worse(leaves(decision), before.approved.leaves)
        if digest(document(decision, before.approved.asked_by)) == before.approved.digest and not less:
            return evolve(decision, approved=before.approved)
        reason = f"Approval {before.approved.id} does not count: {less}" if less else _CHANGED
        return evolve(decision, action="deny", reason=reason)

    def give_back(self, decision: Decision) -> None:
        """The call was not sent after all, so the approval that it used counts again. Never raises."""
        given = decision.approved
        if given is not None:
            # Where this fails, the approval stays used up.
            with suppress(Exception):
                self.board.give_back(_place(decision), given.id, given.used_by)

    def _case(self, decision: Decision, asker: Identity) -> _Case:
        found = {rule: (tuple(terms["by"]), float(terms["minutes"])) for rule, terms in approvable(decision).items()}
        minutes = min(minutes for _, minutes in found.values())
        terms = Terms({rule: by for rule, (by, _) in found.items()}, minutes, leaves(decision))
        return _Case(decision, document(decision, asker.id), terms, asker)

    def _answer(self, case: _Case, decide: DecideAgain) -> Decision:
        # Ctrl-C reaches only the main thread, so no other one waits.
        waits = threading.current_thread() is threading.main_thread()
        until = monotonic() + (self.wait_s if waits else 0.0)
        asked: Request | None = None
        note = ""
        while True:
            now = self._look(case)
            note = now.note or note
            if now.approval is not None and now.record is not None:
                approved = self._use(case, now.approval, now.record, decide)
                if approved is not None:
                    return approved
                # What blocks it now may be something else, or another call was first.
                fresh = decide(None)
                if not approvable(fresh):
                    return fresh
                case, asked, until = self._case(fresh, case.asker), None, 0.0
                changed = f"Approval {now.approval.id} by {now.approval.name} does not cover what the call would do now"
                now = self._look(case)
                note = now.note or changed
            if asked is None:
                asked = now.request or self._ask(case)
                self._announce(case, asked, note, until - monotonic())
            if until <= monotonic():
                return evolve(case.decision, approval=public(asked, note))
            with waiting(), interruptible():
                time.sleep(max(0.0, min(_PAUSE_S, until - monotonic())))

    def _look(self, case: _Case) -> Standing:
        records = self.board.records(case.place)
        return standing.of(records, case.what, case.asker, case.terms, self.clock())

    def _use(self, case: _Case, approval: Approval, record: Record, decide: DecideAgain) -> Decision | None:
        """The call decided on anew with the approval, which is used up; None where it does not cover it, or is gone."""
        again = decide(approval)
        same = digest(document(again, case.asker.id)) == approval.digest and not worse(leaves(again), approval.leaves)
        if not again.allowed or not same or not self.board.take(record.request, again.id):
            return None
        return evolve(again, approved=evolve(approval, used_by=again.id))

    def _ask(self, case: _Case) -> Request:
        request = Request(
            id=secrets.token_hex(5),
            place=case.place,
            digest=digest(case.what),
            document=case.what,
            summary=summary(case.decision),
            asked_at=self.clock(),
            minutes=case.terms.minutes,
            terms=case.terms.by,
            asked_by=case.asker,
            leaves=case.terms.leaves,
        )
        ask(self.board, request)
        return request

    def _announce(self, case: _Case, request: Request, note: str, left_s: float) -> None:
        if left_s > 0:
            shown = public(request, note)
            _logger.warning("waiting %.0f s for a second person (Ctrl-C ends it); they run: %s", left_s, shown.command)
            self.notify(evolve(case.decision, approval=shown))


def approvable(decision: Decision) -> Mapping[str, Any]:
    """The terms of every rule that blocks this call; empty where no one may approve it."""
    if decision.allowed or decision.unavailable or decision.confirmed or decision.call.presigned:
        return {}
    found = decision.result.get("approvable")
    # A URL that was signed once may be used many times. What the guard itself objects to is not in the rule book.
    blocked = {one.rule for one in decision.violations if one.action in ("deny", "confirm")}
    return found if isinstance(found, Mapping) and blocked == found.keys() else {}


def _place(decision: Decision) -> str:
    call = decision.call
    return f"{call.account or ''}#{call.region}#{call.name}"
