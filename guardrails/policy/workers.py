"""Processes that work for a command of the policy author's tools, and leave Ctrl-C to it."""

from __future__ import annotations

import multiprocessing
import signal
import threading
from collections.abc import Callable
from concurrent.futures import Future, ProcessPoolExecutor
from typing import Any, Self


class WorkerPool(ProcessPoolExecutor):
    """A pool whose processes never see Ctrl-C, which a terminal sends to all of them: the parent decides what to stop.

    A worker that Ctrl-C ends while it starts would leave the others, and so the command, waiting for ever: until
    Python 3.12 such a pool hangs when a process of it dies (CPython's issue 94777). Inside the `with`, the first
    Ctrl-C ends the work and further ones do nothing: one that came while the workers end would leave them behind.
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

    def __enter__(self) -> Self:
        # Python lets no other thread set a handler.
        in_main = threading.current_thread() is threading.main_thread()
        self._handles = in_main and signal.getsignal(signal.SIGINT) is signal.default_int_handler
        if self._handles:
            signal.signal(signal.SIGINT, _interrupt_once)
        return self

    def __exit__(self, *_: object) -> None:
        """Wait for what the workers are at, and no longer."""
        try:
            self.shutdown(wait=True, cancel_futures=True)
        finally:
            if self._handles and signal.getsignal(signal.SIGINT) in (_interrupt_once, _ignored):
                signal.signal(signal.SIGINT, signal.default_int_handler)


def _interrupt_once(*_: object) -> None:
    # Not SIG_IGN: of a Ctrl-C that has come already, Python would then say that it ignores it.
    signal.signal(signal.SIGINT, _ignored)
    raise KeyboardInterrupt


def _ignored(*_: object) -> None:
    pass
