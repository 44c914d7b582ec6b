"""Write the last words of a process, whatever the script has made of its streams: closed, broken, none at all."""

from __future__ import annotations

import os
import sys
from typing import NoReturn


def flush() -> None:
    """Write out what standard output and standard error hold, as far as they can."""
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except Exception:  # noqa: S112  (whatever it is, it is the script's, and nothing helps)
            continue


def say(sentence: str) -> None:
    """Write a sentence to standard error, or below it where the script's own stream fails."""
    line = f"guardrails: {sentence}\n"
    try:
        sys.stderr.write(line)
        sys.stderr.flush()
    except Exception:
        below(line)


def below(line: str) -> None:
    """Write a line to the file that standard error was at the start. If there was none, file 2 is another one now."""
    if sys.__stderr__ is None:
        return
    try:
        os.write(2, line.encode(errors="replace"))
    except OSError:
        return


def leave(code: int) -> NoReturn:
    """End the process, in a way that no code can catch."""
    try:
        flush()
    finally:
        os._exit(code)
