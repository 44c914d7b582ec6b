"""Whether a program says that all is well, by its exit code."""

from __future__ import annotations

import os
import subprocess
import tempfile
from collections.abc import Sequence
from typing import IO

from attrs import frozen

from guardrails.health import numbers
from guardrails.health.check import Check, Health
from guardrails.system import processes
from guardrails.waiting import ending

# The end of what it printed, in bytes, that the sentence may quote.
_QUOTED = 200
_SHORTEST_S = 0.001


def command(argv: Sequence[str], *, timeout_s: float = 30.0) -> Check:
    """A check that is true when this program ends with exit code 0 within `timeout_s` seconds.

    `argv` is the program and its arguments; there is no shell. It has no input. Another exit code is false, with the
    last line that it printed. A program that does not end in time is killed with all that it started, and unknown; so
    is one that cannot be started, and one whose exit code is lost, because this process ignores SIGCHLD. Raises
    ValueError for a string or an empty list, and for a time below 0.001.
    """
    if isinstance(argv, (str, bytes)) or not argv or not all(isinstance(part, (str, os.PathLike)) for part in argv):
        raise ValueError(f"command({argv!r}): give a list of strings, the program and its arguments")
    numbers.check("command", "timeout_s", timeout_s, _SHORTEST_S)
    return _Command(tuple(map(os.fspath, argv)), timeout_s)


@frozen
class _Command:
    argv: tuple[str, ...]
    timeout_s: float

    def __call__(self) -> Health:
        # A file, not a pipe: a program that it leaves behind may hold a pipe open for ever.
        with tempfile.TemporaryFile() as output:
            try:
                process = subprocess.Popen(  # noqa: S603  (the caller's own command, without a shell)
                    self.argv, stdin=subprocess.DEVNULL, stdout=output, stderr=output, start_new_session=True
                )
            except (OSError, ValueError) as error:
                return Health(None, f"{self.argv[0]} could not be started ({error})")
            try:
                code = ending.exit_code(process, self.timeout_s)
            except BaseException as error:
                processes.end_all(process)
                process.wait()
                if isinstance(error, processes.ExitCodeUnknown):
                    return Health(None, f"{self.argv[0]} ended, but {error}")
                if isinstance(error, subprocess.TimeoutExpired):
                    return Health(None, f"{self.argv[0]} did not end within {self.timeout_s:g} s")
                raise
            said = _last_line(output)
        return Health(code == 0, f"{self.argv[0]} ended with exit code {code}" + (f": {said}" if code and said else ""))


def _last_line(output: IO[bytes]) -> str:
    size = output.seek(0, os.SEEK_END)
    output.seek(max(0, size - _QUOTED))
    lines = output.read().decode("utf-8", "replace").split("\n")
    return next((line.strip() for line in reversed(lines) if line.strip()), "")
