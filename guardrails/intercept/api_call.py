"""The decisions of one call of a client's method, until it is over: a request that has not left by then never will.

A handler may answer in AWS's place, a task may be cancelled, Ctrl-C may come between the decision and the request.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextvars import ContextVar
from typing import Any


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

    def end(self, finished: Callable[[str], None]) -> None:
        """Call `finished` with each decision that was made, once."""
        self._over = True
        for decision_id in dict.fromkeys(self._decisions) if self._decisions else ():
            finished(decision_id)


current: ContextVar[ApiCall | None] = ContextVar("guardrails_api_call", default=None)


def within(finished: Callable[[str], None], call: Callable[..., Any], *args: Any) -> Any:
    """Make a call to which decisions belong. At its end, `finished` is called with the id of each."""
    api_call, before = ApiCall(), current.get()
    try:
        # Inside: a signal handler or another thread may put an exception in after any call.
        current.set(api_call)
        return call(*args)
    finally:
        # Here at once, and not in a function: Python would run signal handlers where that begins.
        try:
            current.set(before)
        finally:
            api_call.end(finished)


def joining(joined: Callable[[], None], call: Callable[..., Any], *args: Any) -> Any:
    """Make an ungoverned call that adds something, such as a listener. After it, `joined` is called."""
    try:
        return call(*args)
    finally:
        joined()


async def joining_async(joined: Callable[[], None], call: Awaitable[Any]) -> Any:
    """The same for a call that is awaited."""
    try:
        return await call
    finally:
        joined()


async def within_async(finished: Callable[[str], None], call: Callable[..., Awaitable[Any]], *args: Any) -> Any:
    """The same for a call that is awaited."""
    api_call, before = ApiCall(), current.get()
    try:
        current.set(api_call)
        return await call(*args)
    finally:
        # Not by a token: what the garbage collector closes is not in its own context any more.
        try:
            current.set(before)
        finally:
            api_call.end(finished)
