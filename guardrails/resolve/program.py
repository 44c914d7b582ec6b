"""Answers of programs: a look-up that asks a command of the configuration instead of AWS."""

from __future__ import annotations

import os
import selectors
import subprocess
import time
from collections.abc import Mapping, Sequence
from typing import Any

from guardrails.system import processes
from guardrails.values import Answer, Lookup
from guardrails.waiting import deadline, ending
from guardrails.waiting.deadline import Deadline

# Set for the program: what guards itself there must not start it again to decide on its own calls.
MARKER = "GUARDRAILS_LIVE_COMMAND"
# The share of the look-up's time that a program has, so that it ends before the look-up does.
_SHARE = 0.8
_MOST = 65_536


def asking(command: Sequence[str]) -> Lookup:
    """The look-up that runs this command, without a shell."""
    return Lookup("", "command", "@", {"command": [*command]})


def run(lookup: Lookup, timeout_s: float) -> Answer:
    """One item: its `output`, or the `problem`, with `failed` where that is no answer of the program's own.

    It has no input, and a session of its own, so that all of it can be ended.
    """
    observed_at = time.time()
    return Answer((_run(lookup.params["command"], deadline.left(timeout_s) * _SHARE),), observed_at)


def _run(command: list[str], patience_s: float) -> Mapping[str, Any]:
    name = command[0]
    if not processes.can_end_all():
        return {
            "problem": f"{name} was not started: this system cannot end a program with all that it started",
            "failed": True,
        }
    try:
        process = subprocess.Popen(  # noqa: S603  (the command of the configuration, without a shell)
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={**os.environ, MARKER: "1"},
            start_new_session=True,
        )
    except (OSError, ValueError) as error:
        return {"problem": f"{name} could not be started ({error})", "failed": True}
    with process:
        try:
            output, code = _finished(process, Deadline(patience_s))
        except BaseException as error:
            processes.end_all(process)
            if isinstance(error, processes.ExitCodeUnknown):
                return {"problem": f"{name} ended, but {error}", "failed": True}
            if isinstance(error, OverflowError):
                return {"problem": f"{name} printed more than {_MOST} bytes", "failed": True}
            if isinstance(error, (TimeoutError, subprocess.TimeoutExpired)):
                return {"problem": f"{name} did not end within {patience_s:.1f} s"}
            raise
    if code:
        return {"problem": f"{name} ended with exit code {code}"}
    try:
        return {"output": output.decode("utf-8")}
    except UnicodeDecodeError:
        return {"problem": f"{name} printed what is not text in UTF-8", "failed": True}


def _finished(process: subprocess.Popen[bytes], until: Deadline) -> tuple[bytes, int]:
    """All that it prints, and its exit code. Raises OverflowError for too much, and at the deadline."""
    assert process.stdout is not None
    output = bytearray()
    with selectors.DefaultSelector() as selector:
        selector.register(process.stdout, selectors.EVENT_READ)
        while True:
            left = until.left()
            if not left or not selector.select(left):
                raise TimeoutError
            piece = os.read(process.stdout.fileno(), _MOST)
            output += piece
            if len(output) > _MOST:
                raise OverflowError
            if not piece:
                return bytes(output), ending.exit_code(process, until.left())
