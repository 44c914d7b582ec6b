"""Whether anyone can be asked here, and what to do where no one can."""

from __future__ import annotations

import os
import sys
import threading
from typing import Any

from guardrails.caller.kinds import CI_MARKS, mark_of
from guardrails.values import CallerKind


class NoOneThere(Exception):
    """No one can answer. The message says why, and what to do instead."""

    def __init__(self, why: str, instead: str = "make the call in a terminal or a notebook") -> None:
        super().__init__(f"{why}: {instead}")
        self.why = why


def check(shell: Any, kind: CallerKind) -> None:
    """Raises NoOneThere. `shell` is the one of the notebook's kernel, None elsewhere."""
    if kind == "agent":
        # It can type the name as well as a person, also where its host gives it a terminal.
        raise NoOneThere("an agent makes this call, and only a person can confirm it", "have a person approve it")
    if kind == "ci":
        raise NoOneThere(f"this is a CI job ({mark_of(CI_MARKS) or 'caller.kind'} is set)")
    if threading.current_thread() is not threading.main_thread():
        raise NoOneThere(
            "the call comes from a thread or an asynchronous client, and only the main thread can ask",
            "make the call in the main thread, with boto3",
        )
    if shell is None:
        _terminal()
    elif getattr(shell.kernel.session, "pid", os.getpid()) != os.getpid():
        raise NoOneThere("this process is a child of the notebook's kernel", "make the call in the notebook itself")


def in_foreground(fd: int) -> bool:
    """False for a job in the background of its terminal."""
    return os.tcgetpgrp(fd) == os.getpgrp()


def _terminal() -> None:
    try:
        stdin = sys.stdin.fileno()
        seen = os.isatty(stdin) and os.isatty(sys.stderr.fileno())
    except (OSError, ValueError, AttributeError):
        raise NoOneThere("standard input or standard error is closed or replaced") from None
    if not seen:
        raise NoOneThere("standard input or standard error is not a terminal")
    if not hasattr(os, "tcgetpgrp"):
        raise NoOneThere("a question at a terminal needs Linux or macOS", "have a person approve it")
    try:
        behind = not in_foreground(stdin)
    except OSError:
        raise NoOneThere("this process does not belong to its terminal (setsid starts processes like that)") from None
    if behind:
        raise NoOneThere("this process runs in the background")
