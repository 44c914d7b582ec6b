"""Uploads from a thread of the process that decides, never in the way of a call."""

from __future__ import annotations

import atexit
import logging
import os
import random
import sys
import threading
from collections.abc import Callable

from guardrails.memory.file_lock import LockedElsewhere
from guardrails.record.sinks.sink import SinkFailure
from guardrails.record.upload import Uploader

_logger = logging.getLogger("guardrails")
_FIRST_PAUSE_S = 1.0
_LONGEST_PAUSE_S = 60.0
# How long the end of a process may wait for what it has recorded; the rest stays in the spool.
_END_S = 2.0


def pause(failures: int) -> float:
    """Seconds until the next attempt after so many failures. Hosts that failed together do not come back together."""
    longest: float = min(_LONGEST_PAUSE_S, _FIRST_PAUSE_S * 2.0 ** min(failures - 1, 10))
    return longest * (0.5 + 0.5 * random.random())  # noqa: S311  (no secret)


class Background:
    """A daemon thread for each process, from its first decision on; a forked child gets one of its own."""

    def __init__(self, make: Callable[[], Uploader], delay_s: float) -> None:
        """`make` makes the uploader of a process. Decisions are gathered for `delay_s` seconds."""
        self._make = make
        self._delay_s = delay_s
        self._workers: dict[int, _Worker] = {}

    def wake(self) -> None:
        """There is something to upload. Never raises, never waits."""
        pid = os.getpid()
        worker = self._workers.get(pid)
        if worker is None:
            worker = self._workers.setdefault(pid, _Worker(self._make, self._delay_s))
        worker.wake()


class _Worker:
    def __init__(self, make: Callable[[], Uploader], delay_s: float) -> None:
        self._make = make
        self._delay_s = delay_s
        self._pid = os.getpid()
        self._awake, self._ending = threading.Event(), threading.Event()
        self._starting = threading.Lock()
        self._thread: threading.Thread | None = None
        self._failing = ""

    def wake(self) -> None:
        self._awake.set()
        if self._thread is None and self._starting.acquire(blocking=False):
            thread = threading.Thread(target=self._run, name="guardrails-log", daemon=True)
            try:
                thread.start()
                atexit.register(self._finish)
                if multiprocessing := sys.modules.get("multiprocessing.util"):
                    # Its processes end without atexit.
                    multiprocessing.Finalize(None, self._finish, exitpriority=0)
            except RuntimeError:
                # At the end of a process, or where the host has no thread left: the next decision tries again. The
                # spool keeps what is in it.
                _logger.debug("the upload of decisions cannot be started", exc_info=True)
                self._starting.release()
                return
            self._thread = thread

    def _run(self) -> None:
        uploader = self._make()
        while not self._ending.is_set():
            self._awake.wait()
            self._ending.wait(self._delay_s)
            self._awake.clear()
            failures = 0
            while not self._upload(uploader):
                failures += 1
                if self._ending.wait(pause(failures)):
                    # The last attempt: the sink may be back.
                    self._upload(uploader)
                    break

    def _upload(self, uploader: Uploader) -> bool:
        """Whether the sink has everything."""
        try:
            uploader.upload()
        except LockedElsewhere:
            return False
        except (SinkFailure, OSError) as error:
            self._report(str(error))
            return False
        except Exception as error:
            # A thread that ends would upload nothing more.
            _logger.debug("uploading decisions failed", exc_info=True)
            self._report(f"{type(error).__name__}: {error}")
            return False
        if self._failing:
            self._failing = ""
            _logger.warning("decisions are uploaded again")
        return True

    def _report(self, why: str) -> None:
        """Once for each reason."""
        if why != self._failing:
            self._failing = why
            _logger.warning("decisions are not uploaded, and wait in the spool: %s", why)

    def _finish(self) -> None:
        """One more attempt at the end of the process."""
        if self._pid == os.getpid() and self._thread is not None and not self._ending.is_set():
            self._ending.set()
            self._awake.set()
            self._thread.join(_END_S)
