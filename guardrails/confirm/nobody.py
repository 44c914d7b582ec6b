"""Whether anybody can be asked here, and what to do where nobody can."""

from __future__ import annotations

import os
import sys
import threading
from typing import Any

_HERE = "make the call in a terminal or a notebook"
_NO = frozenset(("", "0", "false", "no"))


class NobodyThere(Exception):
    """Nobody can answer; says why, and what to do instead."""


def find_out(shell: Any) -> None:
    """Raises NobodyThere. `shell` is that of the notebook's kernel, None elsewhere."""
    if os.environ.get("CI", "").lower() not in _NO:
        raise NobodyThere(f"this is a CI job (CI is set): {_HERE}")
    if threading.current_thread() is not threading.main_thread():
        raise NobodyThere(
            "the call comes from a thread, or from an asynchronous client, and only the main thread asks: make it "
            "there, with boto3"
        )
    if shell is None:
        _terminal()
    elif getattr(shell.kernel.session, "pid", os.getpid()) != os.getpid():
        raise NobodyThere("this process is a child of the notebook's kernel: make the call in the notebook itself")


def in_foreground(fd: int) -> bool:
    """False for a job in the background of its terminal."""
    return os.tcgetpgrp(fd) == os.getpgrp()


def _terminal() -> None:
    try:
        stdin = sys.stdin.fileno()
        seen = os.isatty(stdin) and os.isatty(sys.stderr.fileno())
        behind = seen and not in_foreground(stdin)
    except (OSError, ValueError, AttributeError):
        raise NobodyThere(f"standard input or standard error is closed or replaced: {_HERE}") from None
    if not seen:
        raise NobodyThere(f"standard input or standard error is no terminal: {_HERE}")
    if behind:
        raise NobodyThere(f"this process runs in the background: {_HERE}")
