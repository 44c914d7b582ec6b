"""The decisions of one call of a client's method, until it is over: a request that has not left by then never will.

A handler may answer in AWS's place, a task may be cancelled, Ctrl-C may come between the decision and the request.
"""

from __future__ import annotations

from collections.abc import Callable
from contextvars import ContextVar
from types import TracebackType


class ApiCall:
    """Decisions may come from another thread (aiobotocore), and later than the end of a call that was cancelled.

    Without a lock, which would cost every call of the process: one side writes the list and then reads the end, the
    other writes the end and then reads the list. So at least one of them sees the other.
    """

    __slots__ = ("_decisions", "_over")

    def __init__(self) -> None:
        self._decisions: list[str] = []
        self._over = False

    def add(self, decision_id: str) -> bool:
        """Note a decision; false where the call is over, so that its request will not be sent."""
        self._decisions.append(decision_id)
        return not self._over

    def end(self) -> list[str]:
        """The decisions that were made, each once."""
        self._over = True
        return list(dict.fromkeys(self._decisions)) if self._decisions else []


current: ContextVar[ApiCall | None] = ContextVar("guardrails_api_call", default=None)


class UnderWay:
    """Inside, decisions belong to one API call. At the end, `finished` is called with the id of each.

    A class, because a generator's context manager leaves its own lines in the traceback of a denial.
    """

    def __init__(self, finished: Callable[[str], None]) -> None:
        self._finished = finished
        self._call = ApiCall()

    def __enter__(self) -> None:
        self._token = current.set(self._call)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        current.reset(self._token)
        for decision_id in self._call.end():
            self._finished(decision_id)
