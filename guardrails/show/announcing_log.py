"""A decision log that also says once, in the program's log, which cluster is live and why."""

from __future__ import annotations

import time
from typing import Protocol

from guardrails.show.printable import printable
from guardrails.show.sentences import live_sentence, sentence
from guardrails.values import Decision, Outcome
from guardrails.waiting.program_log import ProgramLog

_logger = ProgramLog()


class _Log(Protocol):
    def write(self, decision: Decision, outcome: Outcome, mode: str, /) -> None: ...

    def not_sent(self, decision_id: str, why: str, /) -> None: ...


class AnnouncingLog:
    """Writes to another log. The first decision for which it was looked up what is live is announced, at level INFO.

    A freeze is announced when the first decision sees it, as a warning.

    Not install(): that would take look-ups in programs that never make a governed call.
    """

    def __init__(self, log: _Log) -> None:
        self._log = log
        self._announced = False
        self._frozen: set[str] = set()

    def write(self, decision: Decision, outcome: Outcome, mode: str, /) -> None:
        """Keep it. Raises OSError."""
        if not self._announced and decision.facts is not None and decision.facts.live.sources:
            self._announced = True
            live = sentence(live_sentence(decision.facts.live, time.time()))
            _logger.info("%s", printable(f"guardrails is on (mode {mode}). {live}"))
        for freeze in decision.facts.past.freezes if decision.facts is not None else ():
            if freeze.id not in self._frozen:
                self._frozen.add(freeze.id)
                _logger.warning("%s", printable(freeze.sentence()))
        self._log.write(decision, outcome, mode)

    def not_sent(self, decision_id: str, why: str, /) -> None:
        """Add to an allowed call that it was not sent after all. Raises OSError."""
        self._log.not_sent(decision_id, why)
