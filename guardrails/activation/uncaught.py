"""A blocked call that the program of `guardrails run` does not catch: what is printed, and the exit code."""

from __future__ import annotations

import sys
from types import TracebackType

BLOCKED = 3
# `guardrails run` puts its process id here. The program that replaces it has the same one, its children have others.
PROCESS = "GUARDRAILS_RUN"


def is_denial(error: BaseException) -> bool:
    """True for a CallDenied."""
    # Not imported here: a script that never imports botocore must not get it through guardrails.
    errors = sys.modules.get("guardrails.errors")
    return errors is not None and isinstance(error, errors.CallDenied)


def show(error: BaseException) -> None:
    """Write the denial to standard error, without a traceback."""
    sys.stderr.write(f"guardrails: {_what_the_log_left_out(str(getattr(error, 'paragraph', error)))}\n")


def watch() -> None:
    """For a Python that starts: end it with exit code 3 where it ends with a denial.

    A program that handles uncaught exceptions itself, such as pytest, keeps its own exit code.
    """
    import atexit  # noqa: PLC0415  (only this Python needs it, not each one that starts)

    usual = sys.excepthook
    blocked = []

    def report(kind: type[BaseException], error: BaseException, traceback: TracebackType | None) -> None:
        # A person at Python's prompt goes on after an error.
        if is_denial(error) and not hasattr(sys, "ps1") and not sys.flags.interactive:
            blocked.append(error)
            show(error)
        else:
            usual(kind, error, traceback)

    def end() -> None:
        if blocked:
            import os  # noqa: PLC0415

            for stream in (sys.stdout, sys.stderr):
                if stream is not None:
                    stream.flush()
            os._exit(BLOCKED)

    sys.excepthook = report
    # The first to be registered runs last, when everything else has been cleaned up.
    atexit.register(end)


def _what_the_log_left_out(paragraph: str) -> str:
    """The denial without its first sentence, where the log has put that on standard error already."""
    import logging  # noqa: PLC0415  (only a denial needs it, and a script must not find it imported)

    _, _, rules = paragraph.partition(". Rule ")
    if not rules or logging.getLogger("guardrails").hasHandlers() or logging.lastResort is None:
        return paragraph
    return f"Rule {rules}"
