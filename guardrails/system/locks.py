"""Locks on open files: fcntl's, on Windows those of msvcrt, which no other process may write over.

Windows lets no one read what is locked, so one byte is locked there that no file of ours is long enough to have.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from contextlib import suppress
from importlib import import_module
from typing import Any

_FAR = 1 << 30


def _system(name: str) -> Any:
    """A module of the standard library that not every system has; None without it."""
    try:
        return import_module(name)
    except ModuleNotFoundError:
        return None


_fcntl, _msvcrt = _system("fcntl"), _system("msvcrt")


def are_there() -> bool:
    """Whether this system has locks for files."""
    return _fcntl is not None or _msvcrt is not None


def take(file: int) -> None:
    """Lock it at once, against other opens of this file, also in this process. Raises BlockingIOError, or OSError."""
    if _fcntl is not None:
        _fcntl.flock(file, _fcntl.LOCK_EX | _fcntl.LOCK_NB)
    else:
        _take_far(file)


def give_back(file: int) -> None:
    """Let others have it. Closing is not enough: a process that was forked meanwhile has the same open file."""
    with suppress(OSError):
        if _fcntl is not None:
            _fcntl.flock(file, _fcntl.LOCK_UN)
        else:
            _at_far(file, lambda: _msvcrt.locking(file, _msvcrt.LK_UNLCK, 1))


def take_for_process(file: int) -> None:
    """Lock it at once, so that a process that is forked meanwhile does not keep it after this one was killed.

    Where it is locked raises BlockingIOError or PermissionError. It does not keep threads of a process apart.
    """
    if _fcntl is not None:
        _fcntl.lockf(file, _fcntl.LOCK_EX | _fcntl.LOCK_NB)
    else:
        _take_far(file)


def _take_far(file: int) -> None:
    if _msvcrt is None:
        raise OSError(errno.ENOTSUP, "this system has no locks for files (neither fcntl nor msvcrt)")
    try:
        _at_far(file, lambda: _msvcrt.locking(file, _msvcrt.LK_NBLCK, 1))
    except OSError as error:
        raise BlockingIOError(errno.EAGAIN, "another process has locked it") from error


def _at_far(file: int, action: Callable[[], object]) -> None:
    """For msvcrt, which locks where the file's position is."""
    before = os.lseek(file, 0, os.SEEK_CUR)
    os.lseek(file, _FAR, os.SEEK_SET)
    try:
        action()
    finally:
        os.lseek(file, before, os.SEEK_SET)
