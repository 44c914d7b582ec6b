"""The line of a person's own code that an error came from."""

from __future__ import annotations

import linecache
import os
import sys
from types import TracebackType
from typing import Any

_NOT_THEIRS = frozenset(("guardrails", "botocore", "boto3", "s3transfer", "aiobotocore", "aioboto3", "IPython"))


def of(traceback: TracebackType | None) -> str:
    """``ops.py:12: ec2.terminate_instances(...)``, ``line 2 of the cell: …``; "" where nothing is known.

    A function that stands in another cell than the one that ran has ``line 2 of cell [7]: …``.
    """
    found = running = ""
    while traceback is not None:
        if _theirs(traceback):
            file, line = traceback.tb_frame.f_code.co_filename, traceback.tb_lineno
            cell = _cell(file)
            running = running or cell
            where = f"line {line} of {'the cell' if cell == running else cell}" if cell else None
            found = _told(where or f"{os.path.basename(file)}:{line}", file, line)
        traceback = traceback.tb_next
    return found


def trimmed(error: BaseException) -> BaseException:
    """Without its way through botocore and the guard, which says nothing to whoever made the call.

    Where code of theirs is on that way, such as a handler of botocore's events, all of it stays.
    """
    traceback = error.__traceback__
    while traceback is not None:
        if _theirs(traceback):
            return error
        traceback = traceback.tb_next
    return error.with_traceback(None)


def _theirs(traceback: TracebackType) -> bool:
    return str(traceback.tb_frame.f_globals.get("__name__", "")).partition(".")[0] not in _NOT_THEIRS


def _told(where: str, file: str, line: int) -> str:
    source = linecache.getline(file, line).strip()
    return f"{where}: {source}" if source else where


def _cell(file: str) -> str:
    """``cell [7]`` for one of IPython's cells, whose files have names that mean nothing to anyone; "" for others."""
    ipython = sys.modules.get("IPython")
    shell: Any = ipython.get_ipython() if ipython is not None else None
    named = shell.compile.format_code_name(file) if shell is not None else None
    return f"cell {named[1].removeprefix('In')}" if named is not None else ""
