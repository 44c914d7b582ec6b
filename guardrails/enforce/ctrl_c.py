"""Ctrl-C ends what a person is told it ends, whatever the program around does about it."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def interruptible() -> Iterator[None]:
    """Inside, Ctrl-C raises KeyboardInterrupt at once, as Python itself has it.

    A handler of the program (asyncio's, or one that sets a flag) would swallow it, and the wait would go on. It is put
    back afterwards. Nothing is changed in other threads than the main one, where Python lets nobody set a handler.
    """
    before = signal.getsignal(signal.SIGINT)
    # None: set by something that is not Python, which could not be put back.
    if before is None or threading.current_thread() is not threading.main_thread():
        yield
        return
    signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
