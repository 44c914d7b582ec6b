"""A governed call's way through the stages: classify -> resolve -> evaluate -> enforce -> record.

One pipeline decides on the calls of this process, another one on those of the self-test; both go this way.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress

from attrs import evolve, field

from guardrails.decider import Decider, denied, undecided
from guardrails.enforce.approvals import Desk, approvable
from guardrails.enforce.confirm import still_confirmed
from guardrails.enforce.enforce import enforce
from guardrails.enforce.pacing import Turns
from guardrails.errors import CallDenied, failed
from guardrails.evaluate import rego_input
from guardrails.evaluate.evaluate import allowed, unasked
from guardrails.memory import Claim
from guardrails.memory.sent_claims import SentClaims, settle
from guardrails.record.decision_log import not_recorded
from guardrails.resolve.finder import scope_of
from guardrails.resolve.lasting import adds
from guardrails.surroundings import Log
from guardrails.values import Approval, Call, Decision, Origin, Outcome, Violation, frozen
from guardrails.waiting.interruptions import held_back, is_injected
from guardrails.waiting.program_log import ProgramLog

_logger = ProgramLog()
_NOT_SENT = "it was cancelled or answered inside the process, or there was no connection"
_SLOWER = "Make fewer calls, or one call for several machines; or raise pacing.max_wait_s and let it wait."


@frozen(eq=False)
class Pipeline(Decider):
    """Decides on calls, and lets them pass or blocks them.

    `turns` is None where calls are not paced, `desk` where no one can approve them.
    """

    log: Log
    turns: Turns | None
    desk: Desk | None = None
    sent_claims: SentClaims = field(factory=SentClaims)

    def admit(self, call: Call, origin: Origin, deliver: Callable[[], None]) -> str | None:
        """Decide on a call that is about to be sent. Raises CallDenied when it must not be.

        Returns the decision's id, which the request carries; None for an ungoverned call. The script's signal handlers
        are held back: `deliver` runs them. What one raises is raised instead, and nothing is sent.
        """
        try:
            return self._admit(call, origin, deliver)
        except CallDenied:
            raise
        except Exception as error:
            # What a signal handler has raised is the script's.
            deliver()
            if is_injected(error):
                raise
            return self._undecided(call, error)

    def _admit(self, call: Call, origin: Origin, deliver: Callable[[], None]) -> str | None:
        claims: list[Claim] = []
        sent: Decision | None = None
        passed: Decision | None = None
        try:
            decision = self.decide(call, origin, claims)
            if decision is None:
                if adds(call):
                    self.around.changed(call)
                return None
            passed = decision = self._confirm(decision, call, origin, claims)
            decision, outcome = self._enforce(decision, call, origin, claims)
            deliver()
            # From here on the log may have it as sent.
            sent = decision if outcome.send else None
            try:
                self.record(decision, outcome)
            except CallDenied:
                sent = None
                raise
            if not outcome.send:
                # A script that prints only the error's code still leaves a trace.
                self._reported(decision)
                raise denied(decision)
            self._on_its_way(decision, origin, claims)
            if outcome.warning:
                self.around.warn(outcome.warning)
            return decision.id
        except BaseException:
            self._take_back(passed, sent, claims)
            raise

    def _on_its_way(self, decision: Decision, origin: Origin, claims: list[Claim]) -> None:
        self.sent_claims.keep(decision.id, decision.call, claims)
        if self.turns is not None:
            self.turns.sent(decision.id, scope_of(decision.call.account, origin), decision.call)
        settle(claims, sent=True)
        self.around.changed(decision.call)

    def _take_back(self, passed: Decision | None, sent: Decision | None, claims: list[Claim]) -> None:
        """The call is not sent: drop its claims, give its approval back, and say so where the log has it as sent."""
        settle(claims, sent=False)
        if passed is not None and self.desk is not None:
            self.desk.give_back(passed)
        if sent is not None:
            self.sent_claims.over(sent.id, time.time())
            self._not_sent(sent.id)

    def _reported(self, decision: Decision) -> None:
        try:
            self.around.denied(decision)
        except Exception as error:
            if is_injected(error):
                raise
            # The denial itself reaches the script.
            _logger.debug("a denial is not reported", exc_info=True)

    def _undecided(self, call: Call, error: Exception) -> str | None:
        """A part of the guard itself failed: the call is denied, in words."""
        _logger.debug("the guard failed while it decided on a call", exc_info=error)
        decision = undecided(call, error, self.engine.revision)
        outcome = enforce(decision, self.settings.mode, time.time())
        # The log may be what failed; the call is not sent because of it, or was to be sent whatever fails.
        with suppress(Exception):
            self.log.write(decision, outcome, self.settings.mode)
        if not outcome.send:
            self._reported(decision)
            raise denied(decision) from error
        if outcome.warning:
            self.around.warn(outcome.warning)
        return decision.id

    def leaves(self, decision_id: str) -> None:
        """The request of an allowed call is about to leave the process."""
        self.sent_claims.leaves(decision_id)

    def finished(self, decision_id: str) -> None:
        """An API call is over. If its request never reached a server, it took nothing away, and the log says so."""
        with held_back():
            if self.sent_claims.over(decision_id, time.time()):
                self._not_sent(decision_id)

    def joined(self, service: str, operation: str) -> None:
        """An ungoverned call is over after which more may serve than before: facts from before it are old."""
        self.around.changed(Call(service, operation, {}, "", ""))

    def _not_sent(self, decision_id: str) -> None:
        try:
            self.log.not_sent(decision_id, _NOT_SENT)
        except Exception as error:
            if is_injected(error):
                raise
            _logger.warning("the decision log %s cannot be written: %s", self.settings.log.path, error)

    def came_back(self, decision_id: str, status: int | None, *, connected: bool = True) -> None:
        """A call that was sent has an HTTP status, or failed without one, perhaps before there was a connection.

        The script must get AWS's answer whatever fails here.
        """
        with held_back():
            try:
                self._came_back(decision_id, status, connected=connected)
            except Exception as error:
                if is_injected(error):
                    raise
                _logger.warning("what became of a call is not remembered: %s", failed(error))

    def _came_back(self, decision_id: str, status: int | None, *, connected: bool) -> None:
        # Facts fetched while it was under way may be from before it.
        self.around.changed(self.sent_claims.call(decision_id))
        self.sent_claims.came_back(decision_id, status, time.time(), connected=connected)
        if self.turns is not None:
            self.turns.came_back(decision_id, status)

    def _confirm(self, decision: Decision, call: Call, origin: Origin, claims: list[Claim]) -> Decision:
        """Ask a person where a rule wants that, and decide again: the world may have changed while they read.

        What no one here may confirm may be approved by a second person.
        """
        if decision.action != "confirm" or self.settings.mode != "enforce":
            return self._approve(decision, call, origin, claims)
        settle(claims, sent=False)
        confirmation = self.around.ask(decision, self.settings.confirm_timeout_s)
        if not confirmation.given:
            refused = evolve(decision, reason=confirmation.why)
            return refused if confirmation.asked else self._approve(refused, call, origin, claims)
        self.around.changed(None)
        try:
            again = self.decide(call, origin, claims)
        except KeyboardInterrupt:
            return evolve(
                decision, reason="The question was interrupted (Ctrl-C); make the call again to be asked again"
            )
        return still_confirmed(again or decision, evolve(decision, confirmed=True))

    def _approve(self, decision: Decision, call: Call, origin: Origin, claims: list[Claim]) -> Decision:
        """Where a second person may allow a blocked call: with their approval, or with the request for it."""
        if self.desk is None or self.settings.mode != "enforce" or not approvable(decision):
            return decision
        settle(claims, sent=False)

        def again(approval: Approval | None) -> Decision:
            settle(claims, sent=False)
            self.around.changed(None)
            return self.decide(call, origin, claims, approval) or decision

        return self.desk.answer(decision, origin, again)

    def _enforce(self, decision: Decision, call: Call, origin: Origin, claims: list[Claim]) -> tuple[Decision, Outcome]:
        """Send or block, once it is the call's turn in AWS's rate limits; decided again after a wait."""
        mode = self.settings.mode
        outcome = enforce(decision, mode, time.time())
        if self.turns is None or not outcome.send or mode != "enforce" or call.dry_run or call.presigned:
            return decision, outcome
        pause = self.turns.wait(scope_of(decision.call.account, origin), decision.call)
        if pause.refused:
            late = Violation("pacing/rate-limit", decision.call.name, pause.sentence, _SLOWER, "deny")
            decision = evolve(decision, action="deny", violations=(*decision.violations, late))
            return decision, Outcome(send=False, enforcement="deny")
        if pause.seconds:
            settle(claims, sent=False)
            again = self.decide(call, origin, claims, decision.approved) or decision
            before, decision = decision, still_confirmed(again, decision)
            decision = self.desk.holds(decision, before) if self.desk is not None else decision
            outcome = evolve(enforce(decision, mode, time.time()), waited_s=pause.seconds)
        return decision, outcome

    def record(self, decision: Decision, outcome: Outcome) -> None:
        """Write it into the decision log. Raises GuardUnavailable where that fails and mode is ``enforce``."""
        try:
            self.log.write(decision, outcome, self.settings.mode)
        except OSError as error:
            reason = not_recorded(error, self.settings.log)
            _logger.error("%s", reason)  # noqa: TRY400  (no traceback)
            if outcome.send and self.settings.mode == "enforce":
                # A change that leaves no trace cannot be explained afterwards.
                raise denied(evolve(decision, action="deny", unavailable=reason)) from error

    def record_unasked(self, call: Call, reason: str) -> None:
        """Write a call into the decision log that was sent without a decision, as a warning. Raises OSError."""
        who = self.around.caller(None)
        document = rego_input.without_facts(call, who, self.around.break_glass(time.time()))
        decision = allowed(unasked(call, document, who, self.engine.revision, time.time()), reason)
        warned = Outcome(send=True, enforcement="warn")
        self.log.write(evolve(decision, action="warn"), warned, self.settings.mode)
