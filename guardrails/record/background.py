"""Uploads from a thread of the process that decides, never in the way of a call."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable

from guardrails.memory.file_lock import LockedElsewhere
from guardrails.record.sinks.sink import SinkFailure
from guardrails.record.upload import Uploader
from guardrails.waiting.own_thread import OwnThread
from guardrails.waiting.program_log import ProgramLog

_logger = ProgramLog()
_FIRST_PAUSE_S = 1.0
_LONGEST_PAUSE_S = 60.0
# How long the end of a process may wait for what it has recorded; the rest stays in the spool.
_END_S = 2.0


def pause(failures: int) -> float:
    """Seconds until the next attempt after so many failures. Hosts that failed together do not come back together."""
    longest: float = min(_LONGEST_PAUSE_S, _FIRST_PAUSE_S * 2.0 ** min(failures - 1, 10))
    return longest * (0.5 + 0.5 * random.random())  # noqa: S311  (no secret)


class Background:
    """A thread for each process, from its first decision on, which makes one more attempt when the process ends."""

    def __init__(self, make: Callable[[], Uploader], delay_s: float) -> None:
        """`make` makes the uploader of a process. Decisions are gathered for `delay_s` seconds."""
        self._thread = OwnThread("guardrails-log", lambda: _Worker(make, delay_s), _Worker.run, _Worker.finish)

    def wake(self) -> None:
        """There is something to upload. Never raises, never waits."""
        self._thread.here.awake.set()
        self._thread.start()


class _Worker:
    def __init__(self, make: Callable[[], Uploader], delay_s: float) -> None:
        self.awake = threading.Event()
        self._make = make
        self._delay_s = delay_s
        self._ending = threading.Event()
        self._failing = ""

    def run(self) -> None:
        """Until the process ends."""
        uploader = self._make()
        while not self._ending.is_set():
            self.awake.wait()
            self._ending.wait(self._delay_s)
            self.awake.clear()
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

    def finish(self, thread: threading.Thread) -> None:
        """One more attempt at the end of the process."""
        if not self._ending.is_set():
            self._ending.set()
            self.awake.set()
            thread.join(_END_S)
