"""A decision log that also reports to OpenTelemetry."""

from __future__ import annotations

from typing import Protocol

from guardrails.telemetry.telemetry import Telemetry
from guardrails.values import Decision, Outcome


class _Log(Protocol):
    def write(self, decision: Decision, outcome: Outcome, mode: str, /) -> None: ...

    def not_sent(self, decision_id: str, why: str, /) -> None: ...


class TracingLog:
    """Writes to another log."""

    def __init__(self, log: _Log, telemetry: Telemetry) -> None:
        self._log = log
        self._telemetry = telemetry

    def write(self, decision: Decision, outcome: Outcome, mode: str, /) -> None:
        """Keep it. Raises OSError."""
        self._telemetry.decided(decision, outcome, mode)
        self._log.write(decision, outcome, mode)

    def not_sent(self, decision_id: str, why: str, /) -> None:
        """Add to an allowed call that it was not sent after all. Raises OSError."""
        self._log.not_sent(decision_id, why)
