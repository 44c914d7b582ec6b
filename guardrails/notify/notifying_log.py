"""A decision log that also sends a notice of what was blocked."""

from __future__ import annotations

from guardrails.notify.sender import Sender
from guardrails.surroundings import Log
from guardrails.values import Decision, Outcome
from guardrails.waiting.interruptions import is_injected
from guardrails.waiting.program_log import ProgramLog

_logger = ProgramLog()


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
                self._notify(decision)

    def _notify(self, decision: Decision) -> None:
        try:
            self._sender.blocked(decision)
        except Exception as error:
            if is_injected(error):
                raise
            # The call is decided on, and its decision recorded, without it.
            _logger.debug("a notice is not sent", exc_info=True)

    def not_sent(self, decision_id: str, why: str, /) -> None:
        """Add to an allowed call that it was not sent after all. Raises OSError."""
        self._log.not_sent(decision_id, why)
