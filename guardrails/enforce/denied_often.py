"""Who makes a call, and how often they were denied on a live cluster within the last hour."""

from __future__ import annotations

import time
from typing import Any

from attrs import evolve

from guardrails import caller
from guardrails.caller.kinds import CallerSettings
from guardrails.memory import StateUnavailable
from guardrails.memory.sqlite import Denials
from guardrails.values import Caller, Decision, frozen
from guardrails.waiting.program_log import ProgramLog

_logger = ProgramLog()


@frozen
class DeniedOften:
    """Counts denials in the memory of this host; `denials` is None where nothing is remembered. Never raises."""

    settings: CallerSettings
    denials: Denials | None

    def caller(self, credentials: Any) -> Caller:
        """The caller of this process, with the number of denials; None where that is unknown."""
        who = caller.describe(credentials, self.settings)
        if self.denials is None:
            return who
        try:
            return evolve(who, denials=self.denials.count(caller.counted_as(who), time.time()))
        except StateUnavailable:
            return evolve(who, denials=None)

    def note(self, decision: Decision) -> None:
        """Count a denial of a call that named something live. What needs confirmation only asks."""
        if self.denials is None or decision.caller is None:
            return
        if decision.action != "deny" or not decision.names_something_live:
            return
        try:
            self.denials.note(caller.counted_as(decision.caller), time.time())
        except StateUnavailable as error:
            _logger.warning("a denial is not counted: %s", error)
