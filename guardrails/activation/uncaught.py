"""A blocked call that the program of `guardrails run` does not catch: what is printed, and the exit code."""

from __future__ import annotations

import sys
from types import TracebackType

from .output import leave, say

BLOCKED = 3
# `guardrails run` puts its process id here. The program that replaces it has the same one, its children have others.
PROCESS = "GUARDRAILS_RUN"


def denials(error: BaseException) -> list[BaseException]:
    """The blocked calls that `error` is: a CallDenied, or a group of nothing else."""
    # Not imported here: a script that never imports botocore must not get it through guardrails.
    errors = sys.modules.get("guardrails.errors")
    parts = _parts(error)
    return parts if errors is not None and all(isinstance(part, errors.CallDenied) for part in parts) else []


def _parts(error: BaseException) -> list[BaseException]:
    if isinstance(error, BaseExceptionGroup):
        return [part for each in error.exceptions for part in _parts(each)]
    return [error]


class Watch:
    """From now on, a Python that ends with a denial has the exit code 3.

    A program that handles uncaught exceptions itself, such as pytest, keeps its own exit code.
    """

    def __init__(self) -> None:
        """Watch this process."""
        import atexit  # noqa: PLC0415  (only this Python needs it, not each one that starts)

        self._blocked = False
        self._usual, sys.excepthook = sys.excepthook, self._report
        # The first to be registered runs last, when everything else has been cleaned up.
        atexit.register(self._end)

    def shown(self, error: BaseException) -> bool:
        """Write a denial to standard error, without a traceback; False for another error."""
        blocked = denials(error)
        for each in blocked:
            say(_what_the_log_left_out(str(getattr(each, "paragraph", each))))
        self._blocked = self._blocked or bool(blocked)
        return bool(blocked)

    def _report(self, kind: type[BaseException], error: BaseException, traceback: TracebackType | None) -> None:
        # A person at Python's prompt goes on after an error.
        if hasattr(sys, "ps1") or sys.flags.interactive or not self.shown(error):
            self._usual(kind, error, traceback)

    def _end(self) -> None:
        if self._blocked:
            leave(BLOCKED)


def _what_the_log_left_out(paragraph: str) -> str:
    """The denial without its first sentence, where the log has put that on standard error already."""
    import logging  # noqa: PLC0415  (only a denial needs it, and a script must not find it imported)

    _, _, rules = paragraph.partition(". Rule ")
    logger = logging.getLogger("guardrails")
    if not rules or not logger.isEnabledFor(logging.WARNING) or logger.hasHandlers() or logging.lastResort is None:
        return paragraph
    return f"Rule {rules}"
