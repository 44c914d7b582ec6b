"""Whether calls that must be denied are, from botocore to the verdict, and how long a verdict takes here."""

from __future__ import annotations

import statistics
import time
from collections.abc import Iterator, Mapping

from guardrails.doctor.report import Finding
from guardrails.errors import GuardrailsError
from guardrails.guard import Guard
from guardrails.values import Decision

_ROUNDS = 10


def _canaries(sung: Mapping[str, Decision], mode: str) -> Finding:
    rules = {name: sorted({one.rule for one in decision.violations}) for name, decision in sung.items()}
    weak = sorted(name for name, decision in sung.items() if decision.allowed)
    facts = {"rules": rules, "sent": weak, "mode": mode}
    if weak:
        said = f"`enforcement` is why these would be sent though they hit a live cluster: {', '.join(weak)}"
        return Finding("canaries", "note", said, facts)
    said = ", ".join(f"{name} by {', '.join(names)}" for name, names in rules.items())
    if mode != "enforce":
        return Finding("canaries", "note", f"mode is {mode!r}, so they would be sent; else denied: {said}", facts)
    return Finding("canaries", "well", f"denied as they must be, short of the network: {said}", facts)


def _set_aside(guard: Guard) -> Iterator[Finding]:
    glass = guard.broken_glass.current(time.time())
    if glass is not None:
        yield Finding("break glass", "note", glass.sentence(), glass.document())
    elif guard.broken_glass.refused:
        yield Finding("break glass", "note", guard.broken_glass.refused)


def examine(guard: Guard) -> Iterator[Finding]:
    """`guard` is installed; nothing is sent, looked up or logged."""
    yield from _set_aside(guard)
    try:
        sung = guard.self_test()
        rounds = [decision for _ in range(_ROUNDS) for decision in guard.self_test().values()]
    except GuardrailsError as error:
        yield Finding("canaries", "ill", str(error))
        return
    yield _canaries(sung, guard.settings.mode)
    median = statistics.median(decision.metrics["timer_rego_query_eval_ns"] for decision in rounds) / 1e6
    facts = {"engine": guard.settings.engine, "median_ms": round(median, 3), "decisions": len(rounds)}
    yield Finding(
        "engine", "well", f"{guard.settings.engine}, {median:.1f} ms a verdict (median of {len(rounds)})", facts
    )
