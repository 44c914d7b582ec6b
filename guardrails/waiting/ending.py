"""How a program ends that was started here."""

from __future__ import annotations

import subprocess
import time
from typing import Any

from guardrails.system import processes
from guardrails.waiting.deadline import Deadline

_FIRST_PAUSE_S, _LONGEST_PAUSE_S = 0.0005, 0.05


def exit_code(process: subprocess.Popen[Any], timeout_s: float) -> int:
    """Wait until it ends, and say how: minus the signal's number where one ended it.

    Raises subprocess.TimeoutExpired, and processes.ExitCodeUnknown.
    """
    until, pause_s = Deadline(timeout_s), _FIRST_PAUSE_S
    while (code := processes.ended(process)) is None:
        left = until.left()
        if not left:
            raise subprocess.TimeoutExpired(process.args, timeout_s)
        time.sleep(min(pause_s, left))
        pause_s = min(2 * pause_s, _LONGEST_PAUSE_S)
    return code
