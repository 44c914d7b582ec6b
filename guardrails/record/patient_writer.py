"""Writes a line where it may have to wait for a reader: into a pipe, a FIFO, a terminal. It waits, but not for ever.

What a write would wait for, the script's signal handlers would wait for, too: so the guard waits first, in a place
where they run, and writes what there is room for.
"""

from __future__ import annotations

import errno
import logging
import os
import select
import stat
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from guardrails.system.files import FOR_US, NEVER_WAITING
from guardrails.waiting.deadline import Deadline
from guardrails.waiting.interruptions import waiting

_ERROR = 2
_STEP_S = 0.02
# So much fits at once where a pipe takes anything (POSIX promises 512 bytes).
_PIECE = getattr(select, "PIPE_BUF", 512)


class NotRead(OSError):
    """No program reads what was to be written."""


def open_to_append(path: Path, patience_s: float) -> int:
    """A file that no write to it waits for; it is created if it is missing. Raises OSError.

    For a FIFO there must be a reader in `patience_s` seconds.
    """
    until = Deadline(patience_s)
    while True:
        try:
            return os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | NEVER_WAITING | FOR_US, 0o600)
        except OSError as error:
            if error.errno != errno.ENXIO or not stat.S_ISFIFO(os.stat(path).st_mode):
                raise
            if not until.left():
                raise NotRead(errno.ENXIO, f"no program has it open for reading, for {patience_s:g} s") from None
        with waiting():
            time.sleep(_STEP_S)


class PatientWriter:
    """Writes lines, each on a line of its own, whatever became of the one before."""

    def __init__(self) -> None:
        # A reader that went may have left half a line, which the next one must not continue.
        self._torn = False

    def to_standard_error(self, line: bytes, patience_s: float) -> None:
        """Write to the file, not to sys.stderr, which programs replace or close. Raises OSError."""
        with _another_way_to_it(_ERROR) as file:
            if file is not None:
                self.write(file, line, patience_s, whole=True)
                return
        self.write(_ERROR, line, patience_s, whole=stat.S_ISREG(os.fstat(_ERROR).st_mode))

    def write(self, file: int, line: bytes, patience_s: float, *, whole: bool) -> None:
        """Write a line in `patience_s` seconds. `whole` where a write takes what there is room for, and never waits.

        Raises NotRead where no one makes room in that time, otherwise OSError.
        """
        until = Deadline(patience_s)
        left = memoryview(b"\n" + line if self._torn else line)
        size = len(left)
        try:
            while left:
                if not _has_room(file, until):
                    raise NotRead(errno.EAGAIN, f"no program has read from it for {patience_s:g} s")
                with suppress(BlockingIOError):
                    left = left[os.write(file, left if whole else left[:_PIECE]) :]
        finally:
            self._torn = len(left) > 0 and (self._torn or len(left) < size)


@contextmanager
def _another_way_to_it(file: int) -> Iterator[int | None]:
    """The same pipe, opened for us alone: other programs that have the file rely on a write that waits. None if not."""
    other = None
    # Elsewhere than on Linux this does not open it again.
    if stat.S_ISFIFO(os.fstat(file).st_mode) and os.path.exists("/proc/self/fd"):
        with suppress(OSError):
            other = os.open(f"/proc/self/fd/{file}", os.O_WRONLY | NEVER_WAITING | FOR_US)
    try:
        yield other
    finally:
        if other is not None:
            os.close(other)


def _has_room(file: int, until: Deadline) -> bool:
    """Wait until a write makes progress, or fails at once."""
    if not hasattr(select, "poll"):
        return True
    poll = select.poll()
    poll.register(file, select.POLLOUT)
    if poll.poll(0):
        return True
    with waiting():
        return bool(poll.poll(1000 * until.left()))


class _UnlessNotRead(logging.Filter):
    def filter(self, _record: logging.LogRecord) -> bool:
        if logging.getLogger("guardrails").hasHandlers():
            # The script's own.
            return True
        try:
            return _has_room(_ERROR, Deadline(0))
        except OSError:
            return True


_UNLESS_NOT_READ = _UnlessNotRead()


def print_no_warning_for_ever() -> None:
    """From now on, warnings that Python itself would print are left out while no one reads standard error."""
    # Adding it again changes nothing.
    logging.getLogger("guardrails").addFilter(_UNLESS_NOT_READ)
