"""How files are opened: no program that is started meanwhile gets them, and nothing translates their bytes."""

from __future__ import annotations

import os
from pathlib import Path

# Windows has other names for the first, and would write "\r\n" for "\n" without the last.
FOR_US: int = getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_NOINHERIT", 0) | getattr(os, "O_BINARY", 0)
# For a file that another user may have put there: no link is followed, and a pipe does not block.
NOT_A_LINK: int = getattr(os, "O_NOFOLLOW", 0)
NEVER_WAITING: int = getattr(os, "O_NONBLOCK", 0)


def make_folder(folder: Path, mode: int = 0o700) -> None:
    """Make a folder, and those above it that are missing, by default for this user only. Raises OSError.

    Path.mkdir(parents=True) gives its mode to the last one only, and a daemon's umask lets anyone write to the others.
    """
    try:
        folder.mkdir(mode, exist_ok=True)
    except FileNotFoundError:
        if folder.parent == folder:
            raise
        make_folder(folder.parent, mode)
        folder.mkdir(mode, exist_ok=True)


def read_at(file: int, length: int, offset: int) -> bytes:
    """Up to `length` bytes from `offset`. Raises OSError."""
    if hasattr(os, "pread"):
        return os.pread(file, length, offset)
    os.lseek(file, offset, os.SEEK_SET)
    return os.read(file, length)


def write_at(file: int, data: bytes, offset: int) -> int:
    """Write at `offset`; how many bytes were written. Raises OSError."""
    if hasattr(os, "pwrite"):
        return os.pwrite(file, data, offset)
    os.lseek(file, offset, os.SEEK_SET)
    return os.write(file, data)


def opens_folders() -> bool:
    """Whether a folder can be opened, to force the names in it to the disk."""
    return hasattr(os, "O_DIRECTORY")
