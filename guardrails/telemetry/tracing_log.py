"""A decision log that also reports to OpenTelemetry."""

from __future__ import annotations

from guardrails.surroundings import Log
from guardrails.telemetry.telemetry import Telemetry
from guardrails.values import Decision, Outcome


class TracingLog:
    """Writes to another log, and reports to `telemetry`."""

    def __init__(self, log: Log, telemetry: Telemetry) -> None:
        self._log = log
        self._telemetry = telemetry

    def write(self, decision: Decision, outcome: Outcome, mode: str, /) -> None:
        """Keep it. Raises OSError."""
        self._telemetry.decided(decision, outcome, mode)
        self._log.write(decision, outcome, mode)

    def not_sent(self, decision_id: str, why: str, /) -> None:
        """Add to an allowed call that it was not sent after all. Raises OSError."""
        self._log.not_sent(decision_id, why)
