"""Whether calls that must be denied are, from botocore to the verdict, and how long a verdict takes here."""

from __future__ import annotations

import statistics
from collections.abc import Iterator

from guardrails.doctor.report import Finding
from guardrails.errors import GuardrailsError
from guardrails.guard import Guard

_ROUNDS = 10


def examine(guard: Guard) -> Iterator[Finding]:
    """`guard` is installed; nothing is sent, looked up or logged."""
    try:
        sung = guard.sing()
        rounds = [decision for _ in range(_ROUNDS) for decision in guard.sing().values()]
    except GuardrailsError as error:
        yield Finding("canaries", "ill", str(error))
        return
    rules = {operation: sorted({one.rule for one in decision.violations}) for operation, decision in sung.items()}
    said = ", ".join(f"{operation} by {', '.join(names)}" for operation, names in rules.items())
    yield Finding("canaries", "well", f"denied as they must be, short of the network: {said}", {"rules": rules})
    median = statistics.median(decision.metrics["timer_rego_query_eval_ns"] for decision in rounds) / 1e6
    facts = {"engine": guard.settings.engine, "median_ms": round(median, 3), "decisions": len(rounds)}
    yield Finding(
        "engine", "well", f"{guard.settings.engine}, {median:.1f} ms a verdict (median of {len(rounds)})", facts
    )
