"""A call's turn in AWS's rate limits: it waits before it is sent, and a refusal by AWS empties the bucket."""

from __future__ import annotations

import time
from collections import OrderedDict

from guardrails.enforce.pacing.waiting import wait
from guardrails.memory import StateUnavailable
from guardrails.memory.pacer import Pacer, Pause
from guardrails.values import Call
from guardrails.waiting.interruptions import is_injected, waiting
from guardrails.waiting.program_log import ProgramLog

_logger = ProgramLog()
# The status of RequestLimitExceeded in EC2 (and of a few rare failures, after which slowing down is right, too).
_THROTTLED = 503
# Calls on their way that may still come back.
_KEPT = 1000


class Turns:
    """Waits for the turns of calls in the buckets of `pacer`. Never raises: pacing is a courtesy, not protection."""

    def __init__(self, pacer: Pacer) -> None:
        self._pacer = pacer
        self._on_their_way: OrderedDict[str, tuple[str, Call]] = OrderedDict()

    def wait(self, scope: str, call: Call) -> Pause:
        """Wait for the turn of a call. `refused` when it would come too late; then there was no wait."""
        try:
            pause = self._pacer.take(scope, call, time.time())
        except StateUnavailable as error:
            _logger.warning("%s", error)
            return Pause()
        except Exception as error:
            if is_injected(error):
                raise
            _logger.warning("a call does not wait for its turn: %s: %s", type(error).__name__, error)
            return Pause()
        if pause.seconds and not pause.refused:
            with waiting():
                wait(pause.seconds, pause.sentence)
        return pause

    def sent(self, decision_id: str, scope: str, call: Call) -> None:
        """The call with this decision is on its way."""
        self._on_their_way[decision_id] = (scope, call)
        while len(self._on_their_way) > _KEPT:
            self._on_their_way.popitem(last=False)

    def came_back(self, decision_id: str | None, status: int | None) -> None:
        """A request of the call with this decision was answered with an HTTP status (None: it failed)."""
        on_its_way = self._on_their_way.get(decision_id or "")
        if decision_id is None or on_its_way is None:
            return
        if status != _THROTTLED:
            if status is not None and status < 500:
                # botocore tries no more; the parameters of a call may be long.
                self._on_their_way.pop(decision_id, None)
            return
        scope, call = on_its_way
        try:
            self._pacer.drained(scope, call, time.time())
        except StateUnavailable as error:
            _logger.warning("%s", error)
