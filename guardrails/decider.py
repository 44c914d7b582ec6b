"""Decides on calls: classify -> resolve -> evaluate. Whatever fails on the way is a denial that says so."""

from __future__ import annotations

import sys
import time

from attrs import evolve

from guardrails.classify.catalogue import Catalogue
from guardrails.classify.classify import Evidence, classify
from guardrails.config.settings import Settings
from guardrails.errors import CallDenied, GuardUnavailable, failed
from guardrails.evaluate.engine import Engine
from guardrails.evaluate.evaluate import evaluate, unasked
from guardrails.memory import Claim
from guardrails.memory.sent_claims import settle
from guardrails.resolve.finder import FactFinder, nothing_known
from guardrails.show.sentences import paragraph
from guardrails.surroundings import Surroundings
from guardrails.values import Approval, Call, Decision, Facts, Origin, frozen
from guardrails.waiting.clock import monotonic
from guardrails.waiting.deadline import Deadline, within
from guardrails.waiting.interruptions import is_injected
from guardrails.waiting.program_log import ProgramLog

_logger = ProgramLog()
# What takes a machine of the live cluster away is denied whatever else is there by now.
_TAKING = frozenset(("terminate", "stop"))
_ENDING = (
    "the program ends, and nothing can be looked up any more; make the call before that, for example in a function "
    "that is registered with atexit"
)


@frozen(eq=False)
class Decider:
    """The stages up to a decision, and what they are made with."""

    settings: Settings
    catalogue: Catalogue
    evidence: Evidence
    finder: FactFinder
    engine: Engine
    around: Surroundings

    def decide(
        self, call: Call, origin: Origin, claims: list[Claim] | None = None, approval: Approval | None = None
    ) -> Decision | None:
        """None for an ungoverned call. Whatever goes wrong for a governed one becomes a denial, never an exception.

        With `claims`, the machines that the call would take away are claimed in the history, and the claim is added.
        `approval` is one that was given to this very call. What is decided on facts from before a cutover that another
        guard saw, and a denial that newer facts may lift, are decided once more.
        """
        with within(Deadline(self.settings.lookup_timeout_s)):
            began = monotonic()
            decision = self._decide(call, origin, claims, approval)
            if decision is None or not self._look_again(decision, self.around.home(call, origin), began):
                return decision
            settle(claims or [], sent=False)
            again = self._decide(call, origin, claims, approval)
            return decision if again is None else _second(decision, again)

    def _look_again(self, decision: Decision, home: Origin, began: float) -> bool:
        if _is_outdated(decision):
            self.around.changed(None)
            return True
        return _may_change(decision) and self.around.look_again(home, began)

    def _decide(
        self, call: Call, origin: Origin, claims: list[Claim] | None, approval: Approval | None
    ) -> Decision | None:
        started = time.perf_counter_ns()
        facts: Facts | None = None
        try:
            governed = classify(call, self.catalogue, self.evidence)
            if governed is None:
                return None
            call = governed
            if sys.is_finalizing():
                return unable(call, _ENDING, self.engine.revision)
            facts = self._resolve(call, origin, claims)
        except Exception as error:
            if is_injected(error):
                raise
            _logger.debug("the guard failed before it could evaluate a call", exc_info=True)
            facts = nothing_known(failed(error))
        looked_up = time.perf_counter_ns() - started
        decision = self._evaluated(call, facts, origin, approval)
        if facts is None:
            return decision
        return evolve(decision, metrics={**decision.metrics, "timer_guardrails_lookup_ns": looked_up})

    def _evaluated(self, call: Call, facts: Facts | None, origin: Origin, approval: Approval | None) -> Decision:
        try:
            return self._evaluate(call, facts, origin, approval)
        except Exception as error:
            if is_injected(error):
                raise
            _logger.debug("the guard failed before it could evaluate a call", exc_info=True)
            return undecided(call, error, self.engine.revision)

    def _resolve(self, call: Call, origin: Origin, claims: list[Claim] | None) -> Facts | None:
        if call.unreviewed:
            # What such an operation acts on is unknown, so there is nothing to look up.
            return self.finder.without_lookups()
        return self.facts(call, origin, claims) if call.needs_facts else None

    def facts(self, call: Call, origin: Origin, claims: list[Claim] | None = None) -> Facts:
        """What AWS says about what the call acts on."""
        return self.finder.find(call, self.around.home(call, origin), claims)

    def _evaluate(self, call: Call, facts: Facts | None, origin: Origin, approval: Approval | None) -> Decision:
        if facts is not None:
            call = evolve(facts.call or call, account=facts.account or call.account)
        who = self.around.caller(origin.credentials)
        if approval is not None:
            who = evolve(who, user_id=approval.asked_by, arn=approval.asker_arn)
        return evaluate(call, facts, self.engine, who, self.around.break_glass(time.time()), approval)


def undecided(call: Call, error: Exception, revision: str) -> Decision:
    """A denial of the call, because of the error."""
    return unable(call, failed(error), revision)


def unable(call: Call, why: str, revision: str) -> Decision:
    """A denial of the call, because the guard cannot decide; `why` says what to do, too."""
    return evolve(unasked(call, {}, None, revision, time.time()), unavailable=why)


def denied(decision: Decision) -> CallDenied:
    """What a script gets for a call that is not sent."""
    kind = GuardUnavailable if decision.unavailable else CallDenied
    return kind(decision, paragraph(decision, time.time()))


def _is_outdated(decision: Decision) -> bool:
    return decision.facts is not None and decision.facts.past.outdated


def _may_change(denial: Decision) -> bool:
    """Whether newer facts may lift it: some of its facts are from before, and it is not plainly about the live cluster.

    Another process may just have started what it names, or registered, tagged or moved something.
    """
    facts = denial.facts
    if denial.allowed or facts is None or not facts.reused:
        return False
    live = {each.id for each in facts.targets if each.resolved and not {*each.clusters}.isdisjoint(facts.live.clusters)}
    taken = _TAKING & {*denial.call.effects} and any(each.target in live for each in denial.violations)
    # What is frozen is known without AWS.
    return not taken and not any(each.rule.startswith("freeze/") for each in denial.violations)


def _second(first: Decision, second: Decision) -> Decision:
    """The decision on newer facts. Where they could not be had, the denial by those from before."""
    if not first.allowed and (second.facts is None or (second.unavailable and not first.unavailable)):
        return first
    before = first.facts.lookups if first.facts is not None else 0
    spent = {name: value + first.metrics.get(name, 0) for name, value in second.metrics.items()}
    facts = None if second.facts is None else evolve(second.facts, lookups=second.facts.lookups + before)
    return evolve(second, facts=facts, metrics=spent)
