"""Whether a process runs, and how a program is ended with all that it started."""

from __future__ import annotations

import os
import signal
import subprocess
from typing import Any


def can_end_all() -> bool:
    """Whether a program can be ended with all that it started. Windows has no sessions."""
    return hasattr(os, "killpg")


def end_all(process: subprocess.Popen[Any]) -> None:
    """Kill a program that has a session of its own (start_new_session) and was not waited for yet.

    Where `can_end_all` is false, what the program itself started goes on. Raises ProcessLookupError.
    """
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
