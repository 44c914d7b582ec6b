"""A call's turn: waited for before it is sent, and lost for everybody when AWS refuses it for its rate."""

from __future__ import annotations

import logging
import time
from collections import OrderedDict

from guardrails.enforce.pacing.waiting import wait
from guardrails.memory import StateUnavailable
from guardrails.memory.pacer import Pacer, Pause
from guardrails.values import Call

_logger = logging.getLogger("guardrails")
# EC2 answers RequestLimitExceeded with this status (and a few rare failures, after which to go slowly is right, too).
_THROTTLED = 503
# Calls under way of which we may still hear.
_KEPT = 1000


class Turns:
    """Waits for the turns of calls in the buckets of `pacer`. Never raises: pacing is a courtesy, not a protection."""

    def __init__(self, pacer: Pacer) -> None:
        self._pacer = pacer
        self._under_way: OrderedDict[str, tuple[str, Call]] = OrderedDict()

    def wait(self, scope: str, call: Call) -> Pause:
        """Wait for the turn of a call; `refused` when it would come too late, and then nothing was waited for."""
        try:
            pause = self._pacer.take(scope, call, time.time())
        except StateUnavailable as error:
            _logger.warning("%s", error)
            return Pause()
        if pause.seconds and not pause.refused:
            wait(pause.seconds, pause.sentence)
        return pause

    def sent(self, decision_id: str, scope: str, call: Call) -> None:
        """The call with this decision is under way."""
        self._under_way[decision_id] = (scope, call)
        while len(self._under_way) > _KEPT:
            self._under_way.popitem(last=False)

    def came_back(self, decision_id: str | None, status: int | None) -> None:
        """A request of the call with this decision has been answered with an HTTP status."""
        if decision_id is None or status != _THROTTLED or decision_id not in self._under_way:
            return
        scope, call = self._under_way[decision_id]
        try:
            self._pacer.drained(scope, call, time.time())
        except StateUnavailable as error:
            _logger.warning("%s", error)
