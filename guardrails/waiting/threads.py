"""Threads, also where none can be started any more."""

from __future__ import annotations

import sys
import threading


def start(thread: threading.Thread) -> None:
    """Start it. Raises RuntimeError where the host has no thread left, and at the end of the program.

    There, in a destructor, Python 3.11 would wait for ever for a thread that never begins.
    """
    if sys.is_finalizing():
        raise RuntimeError("no new threads start while the interpreter shuts down")
    thread.start()
