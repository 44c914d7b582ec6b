"""The line of a person's own code that an error came from."""

from __future__ import annotations

import linecache
import os
import sys
from types import TracebackType
from typing import Any

from guardrails.intercept.traceback import is_theirs


def of(traceback: TracebackType | None) -> str:
    """``ops.py:12: ec2.terminate_instances(...)``, ``line 2 of the cell: …``; "" where nothing is known.

    A function that stands in another cell than the one that ran has ``line 2 of cell [7]: …``.
    """
    found = running = ""
    while traceback is not None:
        if is_theirs(traceback):
            file, line = traceback.tb_frame.f_code.co_filename, traceback.tb_lineno
            cell = _cell(file)
            running = running or cell
            where = f"line {line} of {'the cell' if cell == running else cell}" if cell else None
            found = _told(where or f"{os.path.basename(file)}:{line}", file, line)
        traceback = traceback.tb_next
    return found


def _told(where: str, file: str, line: int) -> str:
    source = linecache.getline(file, line).strip()
    return f"{where}: {source}" if source else where


def _cell(file: str) -> str:
    """``cell [7]`` for one of IPython's cells, whose files have names that mean nothing to anyone; "" for others."""
    ipython = sys.modules.get("IPython")
    shell: Any = ipython.get_ipython() if ipython is not None else None
    named = shell.compile.format_code_name(file) if shell is not None else None
    return f"cell {named[1].removeprefix('In')}" if named is not None else ""
