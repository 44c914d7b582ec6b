"""Files of people and programs, read without waiting: a pipe that no one writes has no end, and no deadline ends it."""

from __future__ import annotations

import errno
import io
import os
import stat
from pathlib import Path

from guardrails.system.files import FOR_US, NEVER_WAITING


def content(path: Path, most: int | None = None) -> bytes:
    """What is in a file. Raises OSError, also for a pipe and for more than `most` bytes."""
    descriptor = os.open(path, os.O_RDONLY | NEVER_WAITING | FOR_US)
    try:
        found = os.fstat(descriptor)
        if stat.S_ISFIFO(found.st_mode):
            raise OSError(errno.ESPIPE, "it is a pipe and not a file", str(path))
        if most is not None and found.st_size > most:
            raise OSError(errno.EFBIG, f"it has {found.st_size:,} bytes, more than the {most:,} allowed", str(path))
        with open(descriptor, "rb", closefd=False) as file:
            return file.read()
    finally:
        os.close(descriptor)


def text(path: Path, most: int | None = None) -> str:
    """As `content`, decoded. Raises UnicodeDecodeError where it is not UTF-8."""
    return decoded(content(path, most))


def decoded(content: bytes) -> str:
    """The text, with a line feed at the end of each line, and without the mark that Windows puts before it.

    Raises UnicodeDecodeError.
    """
    return io.TextIOWrapper(io.BytesIO(content), encoding="utf-8-sig").read()
