"""Ctrl-C ends the guard's own waits, whatever the program does about it otherwise."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def interruptible() -> Iterator[None]:
    """Inside, Ctrl-C raises KeyboardInterrupt at once, as it does by default in Python.

    A handler of the program (asyncio's, or one that sets a flag) would swallow it, and the wait would go on. It is put
    back afterwards. Outside the main thread nothing changes: Python sets signal handlers in the main thread only.
    """
    before = signal.getsignal(signal.SIGINT)
    # None: set by something other than Python, and could not be put back.
    if before is None or threading.current_thread() is not threading.main_thread():
        yield
        return
    signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
