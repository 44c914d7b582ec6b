"""The queue and the thread of one place that gets notices. No call of the program waits for it."""

from __future__ import annotations

import contextvars
import logging
import os
import queue
import threading
from collections.abc import Callable
from typing import Any

from guardrails.notify.grouping import PERIOD_S, Grouping
from guardrails.notify.notices import Notice
from guardrails.notify.troubles import Troubles
from guardrails.waiting.clock import monotonic

_logger = logging.getLogger("guardrails")
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
        self._deliver = deliver
        self._troubles = troubles
        self._period_s = period_s
        self._lock = threading.Lock()
        self._worker: _Worker | None = None
        self._pid = 0

    def put(self, making: Making) -> None:
        """Send what `making` returns, some time. Never waits, never raises."""
        worker = self._here()
        worker.start()
        if worker.queue.qsize() >= _MOST:
            worker.dropped += 1
            return
        worker.queue.put(making)

    def flush(self) -> Callable[[float], bool]:
        """Send all that waits, grouped or not. Returns what waits for that, for so many seconds at most."""
        worker = self._worker
        if worker is None or self._pid != os.getpid():
            return lambda _seconds: True
        if not worker.start():
            worker.lose()
            return lambda _seconds: False
        done = threading.Event()
        worker.queue.put(done)
        return done.wait

    def _here(self) -> _Worker:
        worker = self._worker
        if worker is not None and self._pid == os.getpid():
            return worker
        # In a forked child the thread is missing, and another one may have had the lock.
        if self._pid != os.getpid():
            self._lock, self._worker = threading.Lock(), None
        with self._lock:
            if self._worker is None:
                self._worker = _Worker(self.name, self._deliver, self._troubles, Grouping(self._period_s))
                self._pid = os.getpid()
            return self._worker


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
        self._starting = threading.Lock()
        self._started = False

    def start(self) -> bool:
        """Start the thread if there is none yet; False where the host has no thread left. Never waits."""
        if self._started or not self._starting.acquire(blocking=False):
            return True
        try:
            # A daemon: a place that does not answer must not keep the program from ending. With an empty context,
            # neither a deadline nor a broken glass of the call reaches it.
            threading.Thread(
                target=contextvars.Context().run, args=(self.work,), name="guardrails-notices", daemon=True
            ).start()
            self._started = True
        except RuntimeError as error:
            # Also while the interpreter shuts down. The next notice tries again.
            _logger.debug("the thread for notices cannot be started: %s", error)
        finally:
            self._starting.release()
        return self._started

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
