"""Whether calls that must be denied are denied, from botocore to the decision, and how long a decision takes here."""

from __future__ import annotations

import statistics
import time
from collections.abc import Iterator, Mapping

from guardrails.doctor.finding import Finding
from guardrails.errors import GuardrailsError
from guardrails.guard import Guard
from guardrails.values import Decision

_ROUNDS = 10


def _self_test(decisions: Mapping[str, Decision], mode: str) -> Finding:
    """`decisions` are those on the self-test's calls, by operation."""
    rules = {
        name: sorted({violation.rule for violation in decision.violations}) for name, decision in decisions.items()
    }
    weak = sorted(name for name, decision in decisions.items() if decision.allowed)
    facts = {"rules": rules, "sent": weak, "mode": mode}
    if weak:
        sentence = f"because of `enforcement`, these would be sent though they hit a live cluster: {', '.join(weak)}"
        return Finding("self-test", "note", sentence, facts)
    by_rule = ", ".join(f"{name} by {', '.join(names)}" for name, names in rules.items())
    if mode != "enforce":
        return Finding("self-test", "note", f"mode is {mode!r}, so calls would be sent that violate: {by_rule}", facts)
    return Finding("self-test", "ok", f"calls on a live cluster are denied before they are sent: {by_rule}", facts)


def _break_glass(guard: Guard) -> Iterator[Finding]:
    glass = guard.broken_glass.current(time.time())
    if glass is not None:
        yield Finding("break glass", "note", glass.sentence(), glass.document())
    elif guard.broken_glass.refused:
        yield Finding("break glass", "note", guard.broken_glass.refused)


def examine(guard: Guard) -> Iterator[Finding]:
    """`guard` is installed. Nothing is sent, looked up or logged."""
    yield from _break_glass(guard)
    try:
        decisions = guard.self_test()
        timed = [decision for _ in range(_ROUNDS) for decision in guard.self_test().values()]
    except GuardrailsError as error:
        yield Finding("self-test", "problem", str(error))
        return
    yield _self_test(decisions, guard.settings.mode)
    median = statistics.median(decision.metrics["timer_rego_query_eval_ns"] for decision in timed) / 1e6
    facts = {"engine": guard.settings.engine, "median_ms": round(median, 3), "decisions": len(timed)}
    yield Finding(
        "engine", "ok", f"{guard.settings.engine}, {median:.1f} ms per decision (median of {len(timed)})", facts
    )
