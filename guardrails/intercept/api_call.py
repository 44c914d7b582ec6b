"""The decisions of one call of a client's method, until it is over: a request that has not left by then never will.

A handler may answer in AWS's place, a task may be cancelled, Ctrl-C may come between the decision and the request.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar


class ApiCall:
    """Decisions may come from another thread (aiobotocore), and later than the end of a call that was cancelled."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._decisions: list[str] = []
        self._over = False

    def add(self, decision_id: str) -> bool:
        """Note a decision; false where the call is over, so that its request will not be sent."""
        with self._lock:
            self._decisions.append(decision_id)
            return not self._over

    def end(self) -> list[str]:
        """The decisions that were made, each once."""
        with self._lock:
            self._over = True
            return list(dict.fromkeys(self._decisions))


current: ContextVar[ApiCall | None] = ContextVar("guardrails_api_call", default=None)


@contextmanager
def under_way(finished: Callable[[str], None]) -> Iterator[None]:
    """Inside, decisions belong to one API call. At the end, `finished` is called with the id of each."""
    call = ApiCall()
    token = current.set(call)
    try:
        yield
    finally:
        current.reset(token)
        for decision_id in call.end():
            finished(decision_id)
