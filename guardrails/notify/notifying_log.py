"""A decision log that also sends a notice of what was blocked."""

from __future__ import annotations

from guardrails.notify.sender import Sender
from guardrails.surroundings import Log
from guardrails.values import Decision, Outcome


class NotifyingLog:
    """Writes to another log, and sends notices by `sender`."""

    def __init__(self, log: Log, sender: Sender) -> None:
        self._log = log
        self._sender = sender

    def write(self, decision: Decision, outcome: Outcome, mode: str, /) -> None:
        """Keep it. Raises OSError."""
        try:
            self._log.write(decision, outcome, mode)
        finally:
            if not outcome.send:
                self._sender.blocked(decision)

    def not_sent(self, decision_id: str, why: str, /) -> None:
        """Add to an allowed call that it was not sent after all. Raises OSError."""
        self._log.not_sent(decision_id, why)
