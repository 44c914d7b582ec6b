"""Start a command that gets a document on its standard input, and end it, with all that it started, in time."""

from __future__ import annotations

import os
import selectors
import subprocess
from collections.abc import Mapping, Sequence
from contextlib import suppress

from guardrails.system import processes
from guardrails.waiting import ending
from guardrails.waiting.deadline import Deadline


def feed(command: Sequence[str], document: bytes, timeout_s: float, environment: Mapping[str, str]) -> None:
    """Run it without a shell. Raises OSError, or subprocess.SubprocessError where it fails or takes too long.

    That is ExitCodeUnknown where it may have failed.
    """
    # Its output goes nowhere. It has a session of its own, so that all of it can be ended.
    with subprocess.Popen(  # noqa: S603  (the command of the configuration, without a shell)
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env=dict(environment),
        start_new_session=True,
    ) as process:
        try:
            until = Deadline(timeout_s)
            _write(process, document, until)
            code = ending.exit_code(process, until.left())
        except subprocess.TimeoutExpired:
            processes.end_all(process)
            raise subprocess.TimeoutExpired(command, timeout_s) from None
        except BaseException:
            processes.end_all(process)
            raise
        if code:
            raise subprocess.CalledProcessError(code, command[0])


def _write(process: subprocess.Popen[bytes], document: bytes, until: Deadline) -> None:
    """Give it the document, as far as it reads. Raises subprocess.TimeoutExpired."""
    if not processes.can_end_all():
        # Windows cannot wait for a pipe.
        process.communicate(document, timeout=until.left())
        return
    assert process.stdin is not None
    pipe, left = process.stdin.fileno(), memoryview(document)
    os.set_blocking(pipe, False)
    with suppress(BrokenPipeError), process.stdin, selectors.DefaultSelector() as selector:
        selector.register(pipe, selectors.EVENT_WRITE)
        while left:
            if not selector.select(until.left()):
                raise subprocess.TimeoutExpired(process.args, until.left())
            left = left[os.write(pipe, left) :]
