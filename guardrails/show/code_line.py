"""The line of the user's own code that an error came from."""

from __future__ import annotations

import linecache
import os
import sys
from types import TracebackType
from typing import Any

from guardrails.intercept.traceback import is_user_code, is_user_module


def of(traceback: TracebackType | None) -> str:
    """``ops.py:12: ec2.terminate_instances(...)`` or ``line 2 of the cell: …``; "" where it is unknown.

    ``line 2 of cell [7]: …`` is a function defined in another cell than the one that ran.
    """
    line_of_code = running = ""
    while traceback is not None:
        if is_user_code(traceback):
            file, line = traceback.tb_frame.f_code.co_filename, traceback.tb_lineno
            cell = _cell(file)
            running = running or cell
            where = f"line {line} of {'the cell' if cell == running else cell}" if cell else None
            line_of_code = _with_source(where or f"{os.path.basename(file)}:{line}", file, line)
        traceback = traceback.tb_next
    return line_of_code


def calling() -> str:
    """The line of the user's own code that is running in this thread; "" where there is none."""
    frame = sys._getframe(1)
    while frame is not None:
        if is_user_module(str(frame.f_globals.get("__name__", ""))):
            file, line = frame.f_code.co_filename, frame.f_lineno
            cell = _cell(file)
            return _with_source(f"line {line} of {cell}" if cell else f"{os.path.basename(file)}:{line}", file, line)
        frame = frame.f_back  # type: ignore[assignment]
    return ""


def _with_source(where: str, file: str, line: int) -> str:
    source = linecache.getline(file, line).strip()
    return f"{where}: {source}" if source else where


def _cell(file: str) -> str:
    """``cell [7]`` for a cell of IPython, whose file name is meaningless; "" for other files."""
    ipython = sys.modules.get("IPython")
    shell: Any = ipython.get_ipython() if ipython is not None else None
    named = shell.compile.format_code_name(file) if shell is not None else None
    return f"cell {named[1].removeprefix('In')}" if named is not None else ""
