"""The parts of a guard, reporting to OpenTelemetry."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import Any

from guardrails.config.settings import LogSettings
from guardrails.memory import History
from guardrails.pipeline import Pipeline
from guardrails.record.spool_files import size_of
from guardrails.record.upload import spool_of
from guardrails.surroundings import Log
from guardrails.telemetry.telemetry import Telemetry
from guardrails.telemetry.timed_store import timed
from guardrails.telemetry.traced_pipeline import TracedPipeline
from guardrails.telemetry.tracing_log import TracingLog
from guardrails.values import Lookup


class Reported:
    """What goes around them. `trace` and `metrics` are the modules of OpenTelemetry's API."""

    def __init__(self, trace: Any, metrics: Any, log: LogSettings) -> None:
        spool = spool_of(log)
        self._telemetry = Telemetry(
            trace, metrics, None if spool is None else lambda: sum(map(size_of, spool.segments()))
        )

    def looking_up(self, lookup: Lookup, /) -> AbstractContextManager[object]:
        """A look-up as a span."""
        return self._telemetry.looking_up(lookup)

    def pipeline(self, **parts: Any) -> Pipeline:
        """A pipeline whose decisions are spans."""
        return TracedPipeline(telemetry=self._telemetry, **parts)

    def log(self, log: Log, /) -> Log:
        """A log whose decisions are counted."""
        return TracingLog(log, self._telemetry)

    def history(self, history: History | None, /) -> History | None:
        """A memory that says how long its steps take."""
        return None if history is None else timed(history, self._telemetry)
