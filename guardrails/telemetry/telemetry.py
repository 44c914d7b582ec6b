"""Decisions and look-ups as spans, and what is counted of them. They have no parameters of calls.

A span begins when something about a governed call is looked up or decided: ungoverned calls make none. What an exporter
or a processor raises is logged at level DEBUG, and no call fails because of it.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from attrs import define, field

from guardrails.notify.notices import live_clusters
from guardrails.show.sentences import effective
from guardrails.values import Call, Decision, Lookup, Outcome
from guardrails.waiting.program_log import ProgramLog

_logger = ProgramLog()
_NAME = "guardrails"


@define(eq=False)
class _Deciding:
    """A call that is being decided on; its span is made when it is known to be governed."""

    make: Callable[[], Any]
    started_at: float = field(factory=time.perf_counter)
    _span: Any = None
    _lock: Any = field(factory=threading.RLock)

    def span(self) -> Any:
        """The span of the decision. Look-ups in several threads may be the first to ask for it."""
        with self._lock:
            if self._span is None:
                self._span = self.make()
            return self._span

    def end(self) -> None:
        """End the span, if there is one."""
        if self._span is not None:
            self._span.end()


class Telemetry:
    """Reports to OpenTelemetry's global providers. `trace` and `metrics` are the modules of its API.

    `spooled` says how many bytes of the decision log wait for their sink; None where there is no spool.
    """

    def __init__(self, trace: Any, metrics: Any, spooled: Callable[[], int] | None = None) -> None:
        self._trace = trace
        self._tracer = trace.get_tracer(_NAME)
        meter = metrics.get_meter(_NAME)
        self._decisions = meter.create_counter("guardrails.decisions", description="Decisions on governed calls")
        self._rules = meter.create_counter("guardrails.rules", description="Decisions in which a rule spoke")
        self._saves = meter.create_counter("guardrails.saves", description="Blocked calls that named something live")
        self._took = meter.create_histogram("guardrails.decision.duration", "ms")
        self._lookup_took = meter.create_histogram("guardrails.lookup.duration", "ms")
        self._store_took = meter.create_histogram("guardrails.store.duration", "ms")
        self._age = meter.create_histogram("guardrails.evidence.age", "s")
        if spooled is not None:
            # Asked for whenever the program's reader collects, in its thread.
            meter.create_observable_gauge("guardrails.spool.size", [lambda _: [metrics.Observation(spooled())]], "By")
        self._deciding: ContextVar[_Deciding | None] = ContextVar("guardrails_telemetry", default=None)

    @contextmanager
    def deciding(self, call: Call) -> Iterator[None]:
        """What is looked up and decided inside belongs to one span, a child of the caller's."""
        started = time.time_ns()
        deciding = _Deciding(
            lambda: self._tracer.start_span(
                f"guardrails {call.name}",
                start_time=started,
                attributes={
                    "guardrails.service": call.service,
                    "guardrails.operation": call.operation,
                    "guardrails.region": call.region,
                },
            )
        )
        token = self._deciding.set(deciding)
        try:
            yield
        finally:
            self._deciding.reset(token)
            with _harmless():
                deciding.end()

    @contextmanager
    def looking_up(self, lookup: Lookup) -> Iterator[None]:
        """A look-up is a child of the decision that needs it, or of what the caller does."""
        name = "the live command" if lookup.is_program else f"{lookup.service}:{lookup.operation}"
        started, span = time.perf_counter(), None
        with _harmless():
            deciding = self._deciding.get()
            around = self._trace.set_span_in_context(deciding.span()) if deciding is not None else None
            span = self._tracer.start_span(f"guardrails look-up {name}", context=around)
        try:
            yield
        finally:
            with _harmless():
                self._lookup_took.record((time.perf_counter() - started) * 1e3, {"guardrails.lookup": name})
                if span is not None:
                    span.end()

    def stored(self, step: str, milliseconds: float) -> None:
        """A step of the memory is over."""
        with _harmless():
            self._store_took.record(milliseconds, {"guardrails.step": step})

    def decided(self, decision: Decision, outcome: Outcome, mode: str) -> None:
        """A call was decided on."""
        with _harmless():
            self._count(decision, outcome, mode)
            deciding = self._deciding.get()
            if deciding is not None:
                self._took.record((time.perf_counter() - deciding.started_at) * 1e3, {"guardrails.mode": mode})
                span = deciding.span()
                span.set_attributes(_attributes(decision, outcome, mode))
                if decision.unavailable:
                    span.set_status(self._trace.StatusCode.ERROR, "the guard could not decide")

    def _count(self, decision: Decision, outcome: Outcome, mode: str) -> None:
        kind = {"guardrails.action": decision.action, "guardrails.mode": mode, "guardrails.sent": outcome.send}
        self._decisions.add(1, kind)
        for rule, action in {(each.rule, each.action) for each in decision.violations}:
            self._rules.add(1, {"guardrails.rule": rule, "guardrails.action": action})
        if not outcome.send and live_clusters(decision):
            self._saves.add(1)
        age_s = _age_s(decision)
        if age_s is not None:
            self._age.record(age_s)


def _attributes(decision: Decision, outcome: Outcome, mode: str) -> dict[str, Any]:
    facts = decision.facts
    given = {
        "guardrails.decision_id": decision.id,
        "guardrails.action": decision.action,
        "guardrails.mode": mode,
        "guardrails.enforcement": outcome.enforcement,
        "guardrails.sent": outcome.send,
        "guardrails.rules": sorted({each.rule for each in effective(decision)}),
        "guardrails.clusters": sorted({name for each in facts.targets for name in each.clusters}) if facts else [],
        "guardrails.live_clusters": sorted(facts.live.clusters) if facts else [],
        "guardrails.lookups": facts.lookups if facts else 0,
        "guardrails.unavailable": decision.unavailable,
        "guardrails.waited_s": outcome.waited_s,
        "guardrails.evidence_age_s": _age_s(decision),
        "guardrails.account": decision.call.account,
    }
    return {name: value for name, value in given.items() if value is not None}


def _age_s(decision: Decision) -> float | None:
    """How old the oldest evidence of what is live was; None where none was needed."""
    sources = decision.facts.live.sources if decision.facts is not None else ()
    return max((max(0.0, decision.decided_at - each.observed_at) for each in sources), default=None)


@contextmanager
def _harmless() -> Iterator[None]:
    try:
        yield
    except Exception:
        _logger.debug("telemetry failed", exc_info=True)
