"""The wait for a turn. Ctrl-C ends it at once, and the call is not sent."""

from __future__ import annotations

import shutil
import sys
import time

from guardrails.enforce.ctrl_c import interruptible
from guardrails.waiting.clock import monotonic
from guardrails.waiting.program_log import ProgramLog

_logger = ProgramLog()
_STEP_S = 0.2
# Shorter waits are over before anyone has read why.
_SHOWN_S = 1.0


def wait(seconds: float, what: str) -> None:
    """Sleep. Counts down on standard error where a person watches, else logs one line. `what` is the reason."""
    if seconds < _SHOWN_S:
        time.sleep(seconds)
        return
    if not _watched():
        _logger.info("waiting %.1f s: %s", seconds, what)
        time.sleep(seconds)
        return
    until = monotonic() + seconds
    longest = 0
    try:
        with interruptible():
            while (left := until - monotonic()) > 0:
                line = f"guardrails: waiting {left:.0f} s, {what} (Ctrl-C cancels the call)"[: _columns()]
                longest = max(longest, len(line))
                _write(f"\r{line.ljust(longest)}")
                time.sleep(min(_STEP_S, left))
    finally:
        # Clear the line: the script's own output comes next.
        _write("\r" + " " * longest + "\r")


def _watched() -> bool:
    try:
        return sys.stderr.isatty()
    except (AttributeError, ValueError):
        return False


def _columns() -> int:
    return shutil.get_terminal_size().columns - 1


def _write(text: str) -> None:
    sys.stderr.write(text)
    sys.stderr.flush()
