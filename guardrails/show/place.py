"""The line of a person's own code that an error came from."""

from __future__ import annotations

import linecache
import os
from types import TracebackType

_NOT_THEIRS = frozenset(("guardrails", "botocore", "boto3", "s3transfer", "aiobotocore", "aioboto3", "IPython"))


def of(traceback: TracebackType | None) -> str:
    """``ops.py:12: ec2.terminate_instances(...)``, or ``line 2 of the cell: …``; "" where nothing is known."""
    found = ""
    while traceback is not None:
        frame = traceback.tb_frame
        if str(frame.f_globals.get("__name__", "")).partition(".")[0] not in _NOT_THEIRS:
            found = _told(frame.f_code.co_filename, traceback.tb_lineno)
        traceback = traceback.tb_next
    return found


def _told(file: str, line: int) -> str:
    source = linecache.getline(file, line).strip()
    # ipykernel's files are cells; their names mean nothing to anyone.
    cell = "ipykernel" in os.path.basename(os.path.dirname(file)) or "ipython-input" in os.path.basename(file)
    where = f"line {line} of the cell" if cell else f"{os.path.basename(file)}:{line}"
    return f"{where}: {source}" if source else where
