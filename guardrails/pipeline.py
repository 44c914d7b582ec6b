"""A governed call's way through the stages, in their order: classify -> resolve -> evaluate -> enforce -> record.

One admission decides on the process's calls, and one with other means on the canaries (canary.py); both go this way.
"""

from __future__ import annotations

import logging
import time
import uuid
from collections.abc import Callable, Mapping
from typing import Any, Protocol

from attrs import evolve, frozen

from guardrails import caller
from guardrails.classify.catalogue import UNREVIEWED, Catalogue
from guardrails.classify.classify import Evidence, classify
from guardrails.config.settings import Settings
from guardrails.enforce.confirm import Answer, still_means
from guardrails.enforce.enforce import enforce
from guardrails.enforce.pacing import Turns
from guardrails.errors import CallDenied, GuardUnavailable
from guardrails.evaluate import rego_input
from guardrails.evaluate.engine import Engine, EngineFailure, read_result
from guardrails.memory import Claim, StateUnavailable
from guardrails.resolve.finder import NOTHING_KNOWN, FactFinder, scope_of
from guardrails.show.sentences import failure_sentence, paragraph
from guardrails.values import Call, Decision, Facts, Origin, Outcome, Violation

_logger = logging.getLogger("guardrails")
_SLOWER = "Make fewer calls, or one call for several machines; or raise pacing.max_wait_s and let it wait."


class Log(Protocol):
    """Where decisions are recorded."""

    def write(self, decision: Decision, outcome: Outcome, mode: str, /) -> None:
        """Keep it, whole. Raises OSError."""
        ...


@frozen(eq=False)
class Admission:
    """Decides on calls, and has them sent or blocked.

    `home(call, origin)` is where to look for what a call acts on, `ask(decision, seconds)` asks a person, `glass(now)`
    is `input.break_glass`, `sent()` is told that the world may look different now, `warn(sentence)` tells whoever reads
    the program's log. `turns` is None where nothing waits.
    """

    settings: Settings
    catalogue: Catalogue
    evidence: Evidence
    engine: Engine
    finder: FactFinder
    home: Callable[[Call, Origin], Origin]
    log: Log
    turns: Turns | None
    ask: Callable[[Decision, float], Answer]
    glass: Callable[[float], Mapping[str, Any] | None]
    sent: Callable[[], None]
    warn: Callable[[str], None]

    def admit(self, call: Call, origin: Origin) -> str | None:
        """Decide on a call that is about to be sent; raises CallDenied when it must not be.

        Returns the decision's id, for the trace that the call carries; None for an ungoverned call.
        """
        mode = self.settings.mode
        claims: list[Claim] = []
        sent = False
        try:
            decision = self.decide(call, origin, claims)
            if decision is None:
                return None
            if decision.action == "confirm" and mode == "enforce":
                decision = self._confirmed(decision, call, origin, claims)
            outcome = enforce(decision, mode, time.time())
            waited = self._pace(decision, origin) if outcome.send else 0.0
            if waited:
                # The world may have changed meanwhile.
                _settle(claims, sent=False)
                decision = _as_before(self.decide(call, origin, claims) or decision, decision)
                outcome = evolve(enforce(decision, mode, time.time()), waited_s=waited)
            self.record(decision, outcome)
            if not outcome.send:
                raise _denied(decision)
            sent = True
            if self.turns is not None:
                self.turns.sent(decision.id, scope_of(decision.call.account, origin), decision.call)
        finally:
            _settle(claims, sent=sent)
        self.sent()
        if outcome.warning:
            self.warn(outcome.warning)
        return decision.id

    def decide(self, call: Call, origin: Origin, claims: list[Claim] | None = None) -> Decision | None:
        """None for an ungoverned call. Whatever goes wrong for a governed one becomes a denial, never an exception.

        What the call would do is claimed in the history, and the claim added to `claims`, where such a list is given.
        """
        started = time.perf_counter_ns()
        try:
            governed = classify(call, self.catalogue, self.evidence)
            if governed is None:
                return None
            call = governed
            if call.undecodable and call.effects != (UNREVIEWED,):
                return self._unavailable(call, origin, f"the request could not be read: {call.undecodable}")
            if call.dry_run:
                return self.passed(call, origin.credentials, "dry run: AWS only checks permissions")
            # Nobody knows what an unreviewed operation acts on, so there is nothing to look up.
            nothing = Facts((), (), NOTHING_KNOWN, time.time())
            facts = nothing if call.effects == (UNREVIEWED,) else self.facts(call, origin, claims)
            looked_up = time.perf_counter_ns()
            call = evolve(call, account=facts.account)
            if facts.failures:
                return self._unavailable(
                    call, origin, "; ".join(map(failure_sentence, facts.failures)), facts, looked_up - started
                )
            decision = self._evaluate(call, facts, origin)
            return evolve(
                decision,
                metrics={
                    **decision.metrics,
                    "timer_guardrails_lookup_ns": looked_up - started,
                    "timer_rego_query_eval_ns": time.perf_counter_ns() - looked_up,
                },
            )
        except EngineFailure as error:
            return self._unavailable(call, origin, f"the policy engine gave no answer: {error}")
        except StateUnavailable as error:
            return self._unavailable(call, origin, str(error))
        except Exception as error:
            _logger.debug("the guard failed while deciding", exc_info=True)
            return self._unavailable(call, origin, f"{type(error).__name__}: {error}")

    def facts(self, call: Call, origin: Origin, claims: list[Claim] | None = None) -> Facts:
        """What AWS says about what the call acts on."""
        return self.finder.find(call, self.home(call, origin), claims)

    def record(self, decision: Decision, outcome: Outcome) -> None:
        """Write it into the decision log. Raises GuardUnavailable where that fails and mode is ``enforce``."""
        try:
            self.log.write(decision, outcome, self.settings.mode)
        except OSError as error:
            where = self.settings.log.path
            _logger.error("the decision log %s cannot be written: %s", where, error)  # noqa: TRY400  (no traceback)
            if outcome.send and self.settings.mode == "enforce":
                # A change that leaves no trace is one nobody can explain afterwards.
                reason = f"the decision log {where} cannot be written ({error}); mend it or set log.enabled = false"
                raise _denied(evolve(decision, action="deny", unavailable=reason)) from error

    def passed(self, call: Call, credentials: Any, reason: str) -> Decision:
        """An allow that no policy was asked about."""
        result = {"action": "allow", "violations": []}
        return self._unasked(call, credentials, action="allow", reason=reason, result=result)

    def _evaluate(self, call: Call, facts: Facts, origin: Origin) -> Decision:
        now = time.time()
        who = caller.describe(origin.credentials)
        asked = rego_input.build(call, facts, who, now, self.glass(now))
        evaluated = self.engine.evaluate(asked)
        action, violations = read_result(evaluated.result)
        return Decision(
            id=new_id(),
            action=action,
            call=call,
            violations=violations,
            facts=facts,
            caller=who,
            revision=evaluated.revision,
            loaded_at=evaluated.loaded_at,
            behind=evaluated.behind,
            decided_at=now,
            input=asked,
            result=evaluated.result,
            metrics=evaluated.metrics,
        )

    def _confirmed(self, decision: Decision, call: Call, origin: Origin, claims: list[Claim]) -> Decision:
        """The decision after a person was asked; made anew, because the world may have changed while somebody read."""
        _settle(claims, sent=False)
        answer = self.ask(decision, self.settings.confirm_timeout_s)
        if not answer.given:
            return evolve(decision, reason=answer.why)
        self.sent()
        try:
            again = self.decide(call, origin, claims)
        except KeyboardInterrupt:
            return evolve(decision, reason="It was interrupted (Ctrl-C); make the call again to be asked again")
        return _as_before(again or decision, evolve(decision, confirmed=True))

    def _pace(self, decision: Decision, origin: Origin) -> float:
        """Wait until EC2's rate limits have room for the call; returns the seconds waited.

        Raises CallDenied where its turn would come too late.
        """
        call = decision.call
        if self.turns is None or self.settings.mode != "enforce" or call.dry_run or call.presigned:
            return 0.0
        pause = self.turns.wait(scope_of(call.account, origin), call)
        if pause.refused:
            late = Violation("pacing/rate-limit", call.name, pause.sentence, _SLOWER, "deny")
            decision = evolve(decision, action="deny", violations=(*decision.violations, late))
            self.record(decision, Outcome(send=False, enforcement="deny"))
            raise _denied(decision)
        return pause.seconds

    def _unavailable(
        self, call: Call, origin: Origin, why: str, facts: Facts | None = None, lookup_ns: int | None = None
    ) -> Decision:
        return self._unasked(
            call,
            origin.credentials,
            action="deny",
            unavailable=why,
            facts=facts,
            result={"action": "deny", "violations": []},
            metrics={} if lookup_ns is None else {"timer_guardrails_lookup_ns": lookup_ns},
        )

    def _unasked(self, call: Call, credentials: Any, **more: Any) -> Decision:
        now = time.time()
        who = caller.describe(credentials)
        return Decision(
            new_id(),
            call=call,
            caller=who,
            revision=self.engine.revision,
            decided_at=now,
            input=rego_input.unasked(call, who, self.glass(now)),
            **more,
        )


def new_id() -> str:
    """A decision's id."""
    return str(uuid.uuid4())


def _settle(claims: list[Claim], *, sent: bool) -> None:
    for claim in claims:
        try:
            claim.settle(time.time(), sent=sent)
        except StateUnavailable as error:
            # The claim stays as it is, which counts more than was done, never less.
            _logger.warning("%s", error)
    claims.clear()


def _as_before(now: Decision, before: Decision) -> Decision:
    """A person's word for `before` holds for `now` where it would have been asked for in the same words."""
    if not before.confirmed or now.action != "confirm":
        return now
    if still_means(now, before):
        return evolve(now, confirmed=True)
    return evolve(now, reason="The situation changed while you were asked; make the call again")


def _denied(decision: Decision) -> CallDenied:
    kind = GuardUnavailable if decision.unavailable else CallDenied
    return kind(decision, paragraph(decision, time.time()))
