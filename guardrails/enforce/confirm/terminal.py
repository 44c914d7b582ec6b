"""One line from the terminal of this process, typed now and in time."""

from __future__ import annotations

import errno
import os
import select
import sys
import termios
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress

from guardrails.config.places import state_home
from guardrails.enforce.confirm.who_can_answer import NoOneThere, in_foreground
from guardrails.memory.file_lock import LockedElsewhere, locked
from guardrails.system.files import FOR_US, make_folder
from guardrails.waiting.clock import monotonic

# A terminal never hands over a longer line.
_LONGEST = 4096
_STEP_S = 0.2


def asked(question: str, timeout_s: float) -> str | None:
    """What is typed after `question`: "" where no line was finished, None when time ran out.

    Raises NoOneThere, OSError where the terminal is gone, KeyboardInterrupt.
    """
    typed = None
    with _opened() as fd:
        # What was typed before the question does not answer it.
        termios.tcflush(fd, termios.TCIFLUSH)
        # Starts before the question is shown: a process stopped in between has less time, not more.
        deadline = monotonic() + timeout_s
        try:
            sys.stderr.write(question)
            sys.stderr.flush()
            typed = _line(fd, deadline)
        finally:
            # In the background the line belongs to another program, and a terminal with tostop stops writers.
            if typed is None or not typed.endswith("\n"):
                with suppress(OSError, ValueError):
                    if in_foreground(fd):
                        sys.stderr.write("\n")
    # Ctrl-D ends a line, but does not finish it.
    return typed if typed is None or typed.endswith("\n") else ""


@contextmanager
def _opened() -> Iterator[int]:
    """The terminal on standard input, asked by one program at a time.

    Opened again, because processes that share standard input also share its lock and its blocking mode.
    """
    fd = _open(sys.stdin.fileno())
    try:
        with _alone(fd):
            yield fd
    except LockedElsewhere:
        raise NoOneThere(
            "another program is asking at this terminal", "make the call again once that is answered"
        ) from None
    finally:
        os.close(fd)


@contextmanager
def _alone(fd: int) -> Iterator[None]:
    """Raises LockedElsewhere. macOS locks no terminals: there a file stands for this one, for the user's programs."""
    with ExitStack() as stack:
        try:
            stack.enter_context(locked(fd))
        except OSError as error:
            if error.errno not in (errno.ENOTSUP, errno.EOPNOTSUPP):
                raise
            place = state_home()
            make_folder(place)
            file = os.open(place / f"terminal-{os.fstat(fd).st_rdev}.lock", os.O_RDWR | os.O_CREAT | FOR_US, 0o600)
            stack.callback(os.close, file)
            stack.enter_context(locked(file))
        yield


def _open(stdin: int) -> int:
    mode = os.O_RDONLY | os.O_NOCTTY | os.O_NONBLOCK | os.O_CLOEXEC
    try:
        return os.open(os.ttyname(stdin), mode)
    except OSError:
        # It has no name here, or belongs to the user who called sudo.
        return os.open(os.ctermid(), mode)


def _line(fd: int, deadline: float) -> str | None:
    """Time keeps running while the program is stopped (Ctrl-Z) or in the background, where nothing is read."""
    while (left := deadline - monotonic()) > 0:
        if not in_foreground(fd):
            # The terminal stops background jobs that read.
            time.sleep(min(_STEP_S, left))
            continue
        if not select.select([fd], [], [], min(_STEP_S, left))[0] or not in_foreground(fd):
            continue
        with suppress(BlockingIOError):
            typed = os.read(fd, _LONGEST)
            if monotonic() < deadline:
                return typed.decode("utf-8", "replace")
    # Half a line must not reach the shell after this program. In the background it was typed for another program, and
    # the terminal would stop this one for discarding it.
    if in_foreground(fd):
        termios.tcflush(fd, termios.TCIFLUSH)
    return None
