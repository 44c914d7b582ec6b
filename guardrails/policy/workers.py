"""Processes that work for a command of the policy author's tools, and leave Ctrl-C to it."""

from __future__ import annotations

import multiprocessing
import signal
from collections.abc import Callable
from concurrent.futures import Future, ProcessPoolExecutor
from typing import Any


class WorkerPool(ProcessPoolExecutor):
    """A pool whose processes never see Ctrl-C, which a terminal sends to all of them: the parent decides what to stop.

    A worker that Ctrl-C ends while it starts would leave the others, and so the command, waiting for ever: until
    Python 3.12 such a pool hangs when a process of it dies (CPython's issue 94777).
    """

    def __init__(self, jobs: int, start: Callable[..., None], *args: Any) -> None:
        """`start(*args)` is called first in each process."""
        # Spawned, not forked: the parent may have threads and a compiled engine.
        super().__init__(jobs, multiprocessing.get_context("spawn"), start, args)

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        """As in any pool. A process may start here, and it inherits which signals are blocked."""
        before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
        try:
            return super().submit(fn, *args, **kwargs)
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)
