"""Which options of a Python interpreter keep the guard out."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence

PYTHON = re.compile(r"python[\d.]*t?")
# With these Python does not read PYTHONPATH, through which the guard gets there.
_ISOLATED = frozenset("IES")


def isolating(arguments: Sequence[str]) -> str:
    """The option of an interpreter's arguments with which the guard is not installed; "" where there is none."""
    for argument in arguments:
        if not argument.startswith("-") or argument.startswith("--") or argument == "-":
            return ""
        # In `-Ic CODE` and `-m MODULE` the rest belongs to the program.
        flags = re.split("[cm]", argument[1:])[0]
        if set(flags) & _ISOLATED:
            return argument
        if flags != argument[1:]:
            return ""
    return ""


def leaves_the_plan(command: object) -> str:
    """The same for a command that starts a process, as a list; "" for one that is no Python, or not understood."""
    if not isinstance(command, (list, tuple)) or not all(
        isinstance(each, (str, bytes, os.PathLike)) for each in command
    ):
        return ""
    words = [os.fsdecode(each) for each in command]
    return isolating(words[1:]) if words and PYTHON.fullmatch(os.path.basename(words[0])) else ""
