"""A decision log that also reports to OpenTelemetry."""

from __future__ import annotations

from guardrails.surroundings import Log
from guardrails.telemetry.telemetry import Telemetry
from guardrails.values import Decision, Outcome


def traced_log(log: Log, telemetry: Telemetry | None) -> Log:
    """The same log, which also reports to `telemetry`."""
    return log if telemetry is None else _TracingLog(log, telemetry)


class _TracingLog:
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
