"""Stage 4: the decision on a call, by the facts about it and the policies. Whatever goes wrong is a denial."""

from __future__ import annotations

import time
import uuid
from collections.abc import Mapping
from typing import Any

from attrs import evolve

from guardrails.errors import failed
from guardrails.evaluate import rego_input
from guardrails.evaluate.engine import Engine, EngineFailure, Evaluation, read_result
from guardrails.show.failures import failures_sentence
from guardrails.values import Approval, Call, Caller, Decision, Facts
from guardrails.waiting.interruptions import is_injected
from guardrails.waiting.program_log import ProgramLog

_logger = ProgramLog()
_WAY = "make the call again; `guardrails doctor` checks the engine and the policies"


def evaluate(
    call: Call,
    facts: Facts | None,
    engine: Engine,
    caller: Caller,
    break_glass: Mapping[str, Any] | None,
    approval: Approval | None = None,
) -> Decision:
    """Never raises. `facts` is None where nothing was looked up; `break_glass` and `approval` are for the input."""
    now, started = time.time(), time.perf_counter_ns()
    document = rego_input.without_facts(call, caller, break_glass, approval)
    undecided = unasked(call, document, caller, engine.revision, now, facts)
    if call.undecodable and not call.unreviewed:
        return evolve(undecided, unavailable=f"the request could not be read: {call.undecodable}")
    if call.dry_run:
        return allowed(undecided, "dry run: AWS only checks permissions")
    if (problem := _problem(facts)) or facts is None:
        return evolve(undecided, unavailable=problem)
    try:
        document = rego_input.with_facts(document, facts, now)
        evaluation = engine.evaluate(document)
        action, violations = read_result(evaluation.result)
    except EngineFailure as error:
        return evolve(undecided, unavailable=f"the policy engine gave no answer: {error}; {_WAY}")
    except Exception as error:
        if is_injected(error):
            raise
        _logger.debug("the guard failed while it evaluated a call", exc_info=True)
        return evolve(undecided, unavailable=failed(error))
    return evolve(
        _by_policies_of(undecided, evaluation),
        action=action,
        violations=violations,
        input=document,
        result=evaluation.result,
        metrics={**evaluation.metrics, "timer_rego_query_eval_ns": time.perf_counter_ns() - started},
    )


def _by_policies_of(decision: Decision, evaluation: Evaluation) -> Decision:
    """The decision with what is known of the policies that made it."""
    return evolve(
        decision,
        revision=evaluation.revision,
        loaded_at=evaluation.loaded_at,
        behind=evaluation.behind,
        checked_at=evaluation.checked_at,
    )


def _problem(facts: Facts | None) -> str:
    """Why these facts are not enough to decide on, "" where they are."""
    if facts is None:
        return "nothing was looked up"
    return facts.problem or failures_sentence(facts.failures)


def unasked(
    call: Call,
    document: Mapping[str, Any],
    caller: Caller | None,
    revision: str,
    now: float,
    facts: Facts | None = None,
) -> Decision:
    """A denial that no policy was asked about, to start from."""
    return Decision(
        id=str(uuid.uuid4()),
        action="deny",
        call=call,
        facts=facts,
        caller=caller,
        revision=revision,
        decided_at=now,
        input=document,
        result={"action": "deny", "violations": []},
    )


def allowed(decision: Decision, reason: str) -> Decision:
    """The same as an allow that no policy was asked about."""
    return evolve(decision, action="allow", reason=reason, result={"action": "allow", "violations": []})
