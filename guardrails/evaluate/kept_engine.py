"""An engine that only its own thread may drop, kept for that thread's next decision."""

from __future__ import annotations

import threading
import weakref
from collections.abc import Callable
from typing import Any

from guardrails.system.for_good import holder


class KeptEngine:
    """An engine of regorus, and for whom it was made.

    Where another thread drops it, it stays in memory for good: when the process ends while its thread goes on, and in
    the child of a fork, which has no other threads. Regorus would not free it either, but print an error.
    """

    # What `__del__` finds where `__init__` was interrupted.
    engine: Any = None
    _thread = 0
    _hold: Callable[[Any], None] | None = None

    def __init__(self, engine: Any, owner: object) -> None:
        self.engine = engine
        self.owner = weakref.ref(owner)
        # The thread of the system, which greenlets share.
        self._thread = threading.get_native_id()
        # At the end of the process nothing can be imported any more, and only the main thread is sure to be gone.
        self._hold = None if threading.current_thread() is threading.main_thread() else holder()

    def __del__(self, running: Callable[[], int] = threading.get_native_id) -> None:
        """Names of modules may be gone by then."""
        if self._thread != running():
            (self._hold or holder())(self.engine)
