"""When the script's signal handlers run while the guard decides, and whose exception it is that interrupts it.

A handler may raise (a script's time limit), fork, or make calls. In the middle of the guard's bookkeeping that would
leave locks and claims behind, and the guard would take the exception for a failure of its own. So handlers run while
the guard waits for something, and otherwise when it has decided. What they raise reaches the script.
"""

from __future__ import annotations

import os
import queue
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, wait
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from types import FrameType
from typing import Any

from guardrails.waiting.deadline import Deadline
from guardrails.waiting.nested import anew

_Handler = Callable[[int, FrameType | None], Any]
_SIGNALS = tuple(signal.valid_signals())
# Whose exceptions the guard's own code may raise.
_OURS = sys.stdlib_module_names | frozenset(
    ("attr", "attrs", "awscli", "boto3", "botocore", "builtins", "guardrails", "jmespath", "opa_client", "regorus",
     "requests", "urllib3", "wcwidth")
)  # fmt: skip


def is_injected(error: Exception) -> bool:
    """True for an exception that no code of the guard raises: another thread put it here, as time limits do.

    (PyThreadState_SetAsyncExc; stopit and others use it.)
    """
    return type(error).__module__.partition(".")[0] not in _OURS


def is_raised_outside(error: Exception) -> bool:
    """Whether it comes from other code that the guard has called, such as a handler of the script's log."""
    last = error.__traceback__
    while last is not None and last.tb_next is not None:
        last = last.tb_next
    return last is not None and str(last.tb_frame.f_globals.get("__name__")).partition(".")[0] not in _OURS


def fails_by_itself(error: Exception, act: Callable[[], object]) -> bool:
    """Whether what raised `error` does so again. False for what a handler or a thread of the script put in between.

    For where handlers are not held back, because nearly every call of the process passes there.
    """
    if is_injected(error):
        return False
    try:
        act()
    except Exception as again:
        return not is_injected(again)
    return False


class HeldBack:
    """The signal handlers of the script, held back in the main thread until `close`."""

    def __init__(self) -> None:
        self._usual: dict[int, _Handler] = {}
        self._pending: list[tuple[int, FrameType | None]] = []
        self._raised: Exception | None = None
        self._pid, self._thread = os.getpid(), threading.get_ident()
        self._open = True
        self.waiting = False
        # By its name in the module, where gevent puts its own. Signal handlers may put something into it at any moment.
        self.awake: queue.SimpleQueue[None] = queue.SimpleQueue()

    def start(self) -> None:
        """Hold back from now on. Always `close`."""
        for number in _SIGNALS:
            handler = signal.getsignal(number)
            # What is not Python's, or does nothing, cannot raise.
            if callable(handler):
                self._usual[number] = _left_behind(handler, number)
                signal.signal(number, self._handle)

    @property
    def is_here(self) -> bool:
        """False in a thread or fork that has only a copy of the context."""
        return self._pid == os.getpid() and self._thread == threading.get_ident()

    def deliver(self) -> None:
        """Run what was held back. Raises what a handler raises, or has raised while the guard waited."""
        if self._raised is not None:
            raise self._raised
        while self._pending:
            self._run(*self._pending.pop(0))

    def close(self) -> None:
        """Give the script its handlers back, those that it has not replaced meanwhile; then as `deliver`."""
        # First, so that a handler that raises in between leaves none behind that holds back for ever.
        self._open = False
        for number, handler in self._usual.items():
            if signal.getsignal(number) == self._handle:
                signal.signal(number, handler)
        self.deliver()

    def _handle(self, number: int, frame: FrameType | None) -> None:
        # A process that was forked meanwhile has this handler, and nobody who closes it.
        if self._open and not self.waiting and self._pid == os.getpid():
            self._pending.append((number, frame))
            self.awake.put(None)
        else:
            self._run(number, frame)

    def _run(self, number: int, frame: FrameType | None) -> None:
        try:
            with anew():
                self._usual[number](number, frame)
        except Exception as error:
            # Some `except` on the way may take it for its own.
            self._raised = self._raised or error
            raise


def _left_behind(handler: _Handler, number: int) -> _Handler:
    """The script's handler, where `handler` is one that holds nothing back any more."""
    owner = getattr(handler, "__self__", None)
    return owner._usual[number] if isinstance(owner, HeldBack) and not owner._open else handler


_held: ContextVar[HeldBack | None] = ContextVar("guardrails_signals", default=None)


@contextmanager
def held_back() -> Iterator[Callable[[], None]]:
    """Inside, the script's signal handlers run only where the guard is `waiting`, and where the result is called.

    Raises at the end what a handler has raised. Python runs signal handlers in the main thread only.
    """
    if threading.current_thread() is not threading.main_thread():
        yield _nothing
        return
    outer = _held.get()
    if outer is not None and outer.is_here and not outer.waiting:
        yield outer.deliver
        return
    held = HeldBack()
    try:
        # Inside: another thread may put an exception in after any call.
        _held.set(held)
        held.start()
        yield held.deliver
    finally:
        held._open = False
        _held.set(outer)
        held.close()


def wait_for(future: Future[Any], seconds: float) -> bool:
    """Wait until it is done, for `seconds` at most; False where it is not. The script's signal handlers run meanwhile.

    Not future.result(): an exception in the middle of that breaks the locks inside, and a TimeoutError of the script's
    would look like the future's.
    """
    held = _held.get()
    if held is None or not held.is_here:
        wait([future], timeout=seconds)
        return future.done()
    awake = held.awake
    future.add_done_callback(lambda _: awake.put(None))
    until = Deadline(seconds)
    while not future.done() and until.left():
        with suppress(queue.Empty):
            awake.get(timeout=until.left())
        held.deliver()
    return future.done()


@contextmanager
def waiting() -> Iterator[None]:
    """The script's signal handlers run inside, and may raise at any moment: this is for a sleep."""
    held = _held.get()
    if held is None or held.waiting or not held.is_here:
        yield
        return
    held.waiting = True
    try:
        held.deliver()
        yield
    finally:
        held.waiting = False


def _nothing() -> None:
    """Where no handler runs, there is nothing to deliver."""
