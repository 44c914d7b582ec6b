"""What each process has one of, with a thread for it: for work that no call waits for."""

from __future__ import annotations

import atexit
import contextvars
import os
import sys
import threading
from collections.abc import Callable
from functools import partial
from typing import Generic, TypeVar

from guardrails.waiting import threads
from guardrails.waiting.nested import at_work
from guardrails.waiting.program_log import ProgramLog

_logger = ProgramLog()
W = TypeVar("W")


class OwnThread(Generic[W]):
    """Makes a worker in each process where it is asked for, and starts its thread; a forked child has its own.

    The thread is a daemon: work that does not end must not keep the program from ending. Its context is empty, so that
    neither a deadline nor a broken glass of a call reaches it.
    """

    def __init__(
        self,
        name: str,
        make: Callable[[], W],
        work: Callable[[W], None],
        finish: Callable[[W, threading.Thread], None] | None = None,
    ) -> None:
        """The thread `name` does `work`. At the end of a process that has it, `finish` gets both."""
        self._name, self._make, self._work, self._finish = name, make, work, finish
        # By process. No lock: in a forked child, a thread that is not there may have had it.
        self._workers: dict[int, _Worker[W]] = {}

    @property
    def here(self) -> W:
        """The worker of this process."""
        return self._mine().worker

    @property
    def there(self) -> W | None:
        """The same, if it was asked for before."""
        mine = self._workers.get(os.getpid())
        return None if mine is None else mine.worker

    @property
    def runs(self) -> bool:
        """Whether this process has the thread."""
        return self._mine().thread is not None

    def start(self) -> bool:
        """Start the thread if there is none yet; False where the host has no thread left. Never waits, never raises."""
        mine = self._mine()
        # Another thread may be starting it, or this one below a signal handler.
        if mine.thread is not None or not mine.starting.acquire(blocking=False):
            return True
        try:
            return mine.thread is not None or self._started(mine)
        finally:
            mine.starting.release()

    def _mine(self) -> _Worker[W]:
        pid = os.getpid()
        mine = self._workers.get(pid)
        return mine if mine is not None else self._workers.setdefault(pid, _Worker(self._make()))

    def _do(self, worker: W) -> None:
        with at_work():
            self._work(worker)

    def _started(self, mine: _Worker[W]) -> bool:
        thread = threading.Thread(
            target=contextvars.Context().run, args=(self._do, mine.worker), name=self._name, daemon=True
        )
        try:
            threads.start(thread)
            if self._finish is not None:
                at_the_end(partial(self._finish, mine.worker, thread))
        except RuntimeError:
            # At the end of a process, or where the host has no thread left: the next use tries again.
            _logger.debug("the thread %s cannot be started", self._name, exc_info=True)
            return False
        mine.thread = thread
        return True


def at_the_end(act: Callable[[], object]) -> None:
    """Do it when this process ends, not when a forked child does."""
    pid = os.getpid()

    def end() -> None:
        if os.getpid() == pid:
            act()

    atexit.register(end)
    # A process of multiprocessing ends without atexit.
    if multiprocessing := sys.modules.get("multiprocessing.util"):
        multiprocessing.Finalize(None, end, exitpriority=0)


class _Worker(Generic[W]):
    def __init__(self, worker: W) -> None:
        self.worker = worker
        self.starting = threading.Lock()
        self.thread: threading.Thread | None = None
