"""Looks for new bundles again and again, off the path of calls, in a thread of each process."""

from __future__ import annotations

import random
import threading
import weakref
from collections.abc import Callable
from concurrent.futures import Future

from attrs import Factory

from guardrails.values import frozen
from guardrails.waiting.own_thread import OwnThread
from guardrails.waiting.program_log import ProgramLog

_logger = ProgramLog()


class Poller:
    """Calls `refresh` every `every_s` seconds, more or less, so that the hosts of a fleet do not come together.

    The thread ends with the object that has `refresh`. A forked process starts its own at the first `ensure`.
    """

    def __init__(self, refresh: Callable[[], None], every_s: float) -> None:
        found = weakref.WeakMethod(refresh)
        self._thread = OwnThread("guardrails-bundles", _Looking, lambda looking: _run(looking, found, every_s))

    def ensure(self) -> None:
        """Start the thread where this process has none."""
        self._thread.start()

    def look(self) -> Future[None]:
        """Look now. Done when that was done."""
        looking, done = self._thread.here, Future[None]()
        if not self._thread.start():
            done.set_result(None)
            return done
        looking.asked.append(done)
        looking.wake.set()
        return done


@frozen(eq=False)
class _Looking:
    """The thread of a process: `asked` are those who wait for its next look."""

    wake: threading.Event = Factory(threading.Event)
    asked: list[Future[None]] = Factory(list)


def _run(looking: _Looking, refresh: weakref.WeakMethod[Callable[[], None]], every_s: float) -> None:
    # Its own: the script may have seeded the shared one, and count on what comes next.
    chance = random.Random()  # noqa: S311  (no secret)
    while True:
        looking.wake.wait(every_s * chance.uniform(0.8, 1.2))
        looking.wake.clear()
        asked = [looking.asked.pop(0) for _ in range(len(looking.asked))]
        look = refresh()
        if look is None:
            return
        try:
            look()
        except Exception:
            _logger.warning("the guard failed while it looked for new bundles", exc_info=True)
        del look
        for done in asked:
            done.set_result(None)
