"""Whether a process runs, how a program ended, and how it is ended with all that it started."""

from __future__ import annotations

import os
import signal
import subprocess
from contextlib import suppress
from typing import Any


class ExitCodeUnknown(subprocess.SubprocessError):
    """A program ended, and how is unknown."""

    def __init__(self) -> None:
        super().__init__(
            "its exit code is unknown, because this process ignores SIGCHLD, or another part of it waits for every "
            "child; call signal.signal(signal.SIGCHLD, signal.SIG_DFL), or wait only for your own children"
        )


def can_end_all() -> bool:
    """Whether a program can be ended with all that it started. Windows has no sessions."""
    return hasattr(os, "killpg")


def ended(process: subprocess.Popen[Any]) -> int | None:
    """Its exit code, minus the signal's number where one ended it; None while it runs.

    Raises ExitCodeUnknown where `Popen.poll` and `Popen.wait` say 0: nothing is known.
    """
    if not hasattr(os, "WNOHANG"):
        # Windows keeps it for the one who started it.
        return process.poll()
    if process.returncode is None:
        try:
            pid, status = os.waitpid(process.pid, os.WNOHANG)
        except ChildProcessError:
            raise ExitCodeUnknown from None
        if pid:
            process.returncode = os.waitstatus_to_exitcode(status)
    return process.returncode


def keep_exit_codes() -> None:
    """End that SIGCHLD is ignored, as the program that started this process may have left it: see `ended`."""
    if hasattr(signal, "SIGCHLD") and signal.getsignal(signal.SIGCHLD) is signal.SIG_IGN:
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)


def end_all(process: subprocess.Popen[Any]) -> None:
    """Kill a program that has a session of its own (start_new_session), with all that it started.

    Where it was waited for already, its number may be another's by now, and nothing is killed. Where `can_end_all` is
    false, what the program itself started goes on.
    """
    if process.returncode is not None:
        return
    # Just now it still has its number. What it started may outlive it.
    with suppress(ExitCodeUnknown, ProcessLookupError):
        ended(process)
        if can_end_all():
            os.killpg(process.pid, signal.SIGKILL)
        else:
            process.kill()


def runs(pid: int) -> bool | None:
    """Whether there is a process of this number; None where the system does not say."""
    if not hasattr(os, "fork"):
        # On Windows os.kill(pid, 0) does not ask: it sends Ctrl-C.
        return None
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:
        # It belongs to another user.
        return True
    return True
