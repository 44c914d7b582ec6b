"""Faults of the process: the clock, forks, memory, threads, signals, the end."""

from __future__ import annotations

import ctypes
import logging
import os
import resource
import signal
import stat
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path
from typing import Any

from guardrails.evaluate.reloading import ReloadingEngine
from guardrails.resolve import kept_answers
from guardrails.waiting.clock import monotonic
from tests.faults.everything.row import Row, Scene, replaced

Strike = Callable[[Scene], AbstractContextManager[None]]
_THREADS = 2000


class TimeIsUp(Exception):
    """A script's own time limit."""


def _clock(seconds: float) -> Strike:
    """The wall clock steps; the evidence is older than it may be by the clock that nobody sets."""

    @contextmanager
    def strike(_: Scene) -> Iterator[None]:
        original = time.time
        with (
            replaced(time, "time", lambda: original() + seconds),
            replaced(kept_answers, "monotonic", lambda: monotonic() + 100),
        ):
            yield

    return strike


def _meanwhile(act: Callable[[], object]) -> Strike:
    """While a call is decided on, this happens, each time."""

    @contextmanager
    def strike(_: Scene) -> Iterator[None]:
        evaluate = ReloadingEngine.evaluate

        def decide(engine: ReloadingEngine, document: Any) -> Any:
            act()
            return evaluate(engine, document)

        with replaced(ReloadingEngine, "evaluate", decide):
            yield

    return strike


def _fork() -> None:
    child = os.fork()
    if not child:
        os._exit(0)
    os.waitpid(child, 0)


def _killed() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def _signal_ends() -> None:
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    os.kill(os.getpid(), signal.SIGTERM)


def _handled(kind: type[BaseException]) -> Strike:
    """A signal comes while a call is decided on, and the script's handler of it raises."""

    def ring(*_: Any) -> None:
        raise kind("time is up")

    @contextmanager
    def strike(scene: Scene) -> Iterator[None]:
        before = signal.signal(signal.SIGALRM, ring)
        with _meanwhile(lambda: signal.raise_signal(signal.SIGALRM))(scene):
            yield
        signal.signal(signal.SIGALRM, before)

    return strike


def _thrown() -> None:
    """As time limits without signals do, from another thread."""
    here = ctypes.c_ulong(threading.get_ident())
    thread = threading.Thread(
        target=lambda: ctypes.pythonapi.PyThreadState_SetAsyncExc(here, ctypes.py_object(TimeIsUp))
    )
    thread.start()
    thread.join()


@contextmanager
def _many_threads(_: Scene) -> Iterator[None]:
    over = threading.Event()
    before = threading.stack_size(256 * 1024)
    threads = [threading.Thread(target=over.wait, daemon=True) for _ in range(_THREADS)]
    threading.stack_size(before)
    for thread in threads:
        thread.start()
    yield
    over.set()
    for thread in threads:
        thread.join()


@contextmanager
def _no_thread(_: Scene) -> Iterator[None]:
    """The host has no thread left: what Python raises then."""

    def start(thread: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    with replaced(threading.Thread, "start", start):
        yield


class _FailingHandler(logging.Handler):
    def emit(self, record: logging.LogRecord) -> None:
        raise ConnectionRefusedError("the log server is away")


@contextmanager
def _failing_log(_: Scene) -> Iterator[None]:
    """The script sends its log to a server, without what logging does about errors."""
    handler = _FailingHandler()
    logging.getLogger().addHandler(handler)
    try:
        yield
    finally:
        logging.getLogger().removeHandler(handler)


@contextmanager
def _closed_descriptors(_: Scene) -> Iterator[None]:
    """As programs do that go into the background; those that the row itself needs stay."""
    kept = {int(name) for name in os.listdir("/dev/fd")}
    sockets = {number for number in kept if _is(number, stat.S_ISSOCK) or _is(number, stat.S_ISFIFO)}
    for number in kept - sockets - {0, 1, 2}:
        with suppress(OSError):
            os.close(number)
    yield


def _is(number: int, kind: Callable[[int], bool]) -> bool:
    try:
        return kind(os.fstat(number).st_mode)
    except OSError:
        return False


def _memory(more: int) -> Strike:
    """The process may take so many more bytes of address space than it has."""

    @contextmanager
    def strike(_: Scene) -> Iterator[None]:
        usual = resource.getrlimit(resource.RLIMIT_AS)
        pages = int(Path("/proc/self/statm").read_text().split()[0])
        resource.setrlimit(resource.RLIMIT_AS, (pages * resource.getpagesize() + more, usual[1]))
        try:
            yield
        finally:
            resource.setrlimit(resource.RLIMIT_AS, usual)

    return strike


ROWS = (
    Row("process", "clock: an hour back", _clock(-3600)),
    Row("process", "clock: an hour ahead", _clock(3600)),
    Row("process", "fork in the middle of a decision", _meanwhile(_fork)),
    Row("process", "SIGKILL in the middle of a decision", _meanwhile(_killed)),
    Row("process", "SIGTERM in the middle of a decision", _meanwhile(_signal_ends)),
    Row("process", "Ctrl-C in the middle of a decision", _meanwhile(lambda: signal.raise_signal(signal.SIGINT))),
    Row("process", "a signal handler raises the script's time limit", _handled(TimeIsUp)),
    Row("process", "a signal handler raises TimeoutError", _handled(TimeoutError)),
    Row("process", "another thread throws an exception in", _meanwhile(_thrown)),
    Row("process", f"{_THREADS:,} other threads", _many_threads),
    Row("process", "no further thread can start", _no_thread),
    Row("process", "the script's own log handler raises", _failing_log),
    Row("process", "all files of the process are closed", _closed_descriptors, until_next_start=True),
    Row("process", "memory limit: 1 MB left", _memory(1_000_000)),
    Row("process", "memory limit: nothing left", _memory(0)),
)
