"""The queue and the thread of one place that gets notices. No call of the program waits for it."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable
from typing import Any

from guardrails.notify.grouping import PERIOD_S, Grouping
from guardrails.notify.notices import Notice
from guardrails.notify.troubles import Troubles
from guardrails.waiting.clock import monotonic
from guardrails.waiting.own_thread import OwnThread
from guardrails.waiting.program_log import ProgramLog

_logger = ProgramLog()
# So many notices wait; what comes while they do is dropped, and counted. The decision log has it anyway.
_MOST = 1000
# Made in the outbox's thread: the words of a notice take longer than a call may wait. None is no notice.
Making = Callable[[], Notice | None]


class NotDelivered(Exception):
    """A notice did not arrive; the sentence says why, without secrets."""


class Outbox:
    """Sends notices to one place, `name`, by `deliver`, which raises NotDelivered."""

    def __init__(
        self,
        name: str,
        deliver: Callable[[Notice], None],
        troubles: Troubles,
        period_s: float = PERIOD_S,
    ) -> None:
        self.name = name
        self._thread = OwnThread(
            "guardrails-notices", lambda: _Worker(name, deliver, troubles, Grouping(period_s)), _Worker.work
        )

    def put(self, making: Making) -> None:
        """Send what `making` returns, some time. Never waits, never raises."""
        worker = self._thread.here
        self._thread.start()
        if worker.queue.qsize() >= _MOST:
            worker.dropped += 1
            return
        worker.queue.put(making)

    def flush(self) -> Callable[[float], bool]:
        """Send all that waits, grouped or not. Returns what waits for that, for so many seconds at most."""
        worker = self._thread.there
        if worker is None:
            return lambda _seconds: True
        if not self._thread.start():
            worker.lose()
            return lambda _seconds: False
        done = threading.Event()
        worker.queue.put(done)
        return done.wait


class _Worker:
    """What one process's thread does."""

    def __init__(self, name: str, deliver: Callable[[Notice], None], troubles: Troubles, grouping: Grouping) -> None:
        # Its `put` never waits, and a signal handler may call it at any moment.
        self.queue: queue.SimpleQueue[Making | threading.Event] = queue.SimpleQueue()
        self.dropped = 0
        self._name = name
        self._deliver = deliver
        self._troubles = troubles
        self._grouping = grouping
        self._counted = 0

    def lose(self) -> None:
        """Count what waits, because the process ends without a thread."""
        lost = 0
        while not self.queue.empty():
            self.queue.get()
            lost += 1
        if lost:
            self._troubles.failed(self._name, "this host had no thread left to send it", lost)

    def work(self) -> None:
        """Until the process ends."""
        while True:
            try:
                item: Any = self.queue.get(timeout=self._grouping.wait_s(monotonic()))
            except queue.Empty:
                item = None
            try:
                self._handle(item)
            except Exception:
                # A notice that breaks something must not end those that follow.
                _logger.debug("a notice could not be sent", exc_info=True)
                self._troubles.failed(self._name, "the guard could not make the notice (see the log at level DEBUG)")
            if isinstance(item, threading.Event):
                item.set()

    def _handle(self, item: Any) -> None:
        if self.dropped > self._counted:
            dropped, self._counted = self.dropped - self._counted, self.dropped
            self._troubles.dropped(self._name, dropped)
        if isinstance(item, threading.Event):
            for notice in self._grouping.all():
                self._send(notice)
            return
        for notice in self._grouping.due(monotonic()):
            self._send(notice)
        made = item() if item is not None else None
        first = self._grouping.add(made, monotonic()) if made is not None else None
        if first is not None:
            self._send(first)

    def _send(self, notice: Notice) -> None:
        try:
            self._deliver(notice)
        except NotDelivered as error:
            self._troubles.failed(self._name, str(error))
        else:
            self._troubles.arrived(self._name)
