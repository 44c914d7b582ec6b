"""Start a command that gets a document on its standard input, and end it, with all that it started, in time."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping, Sequence

from guardrails.system import processes


def feed(command: Sequence[str], document: bytes, timeout_s: float, environment: Mapping[str, str]) -> None:
    """Run it without a shell. Raises OSError, or subprocess.SubprocessError where it fails or takes too long."""
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
            process.communicate(document, timeout=timeout_s)
        except BaseException:
            processes.end_all(process)
            raise
        if process.returncode:
            raise subprocess.CalledProcessError(process.returncode, command[0])
