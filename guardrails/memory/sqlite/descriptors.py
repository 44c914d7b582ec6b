"""The file descriptors that SQLite has open, and whether they are still its own.

A program that goes into the background closes all descriptors, and gives their numbers to files of its own. SQLite
would write into those.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from pathlib import Path

# Device and number on it.
Identity = tuple[int, int]
# The names that SQLite adds for its log and the index of it.
_BESIDE = ("", "-wal", "-shm")


def identity(path: Path) -> Identity | None:
    """The file at `path`; None without one."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino


def numbers() -> set[int]:
    """The descriptors that this process has; none where the system does not list them."""
    try:
        return {int(name) for name in os.listdir("/dev/fd")}
    except OSError:
        return set()


def of(path: Path, among: Iterable[int]) -> dict[int, Identity]:
    """Those that are the database at `path`, or what SQLite has beside it."""
    files = {identity(Path(f"{path}{end}")) for end in _BESIDE}
    return {number: found for number in among if (found := _behind(number)) is not None and found in files}


def are(known: Mapping[int, Identity]) -> bool:
    """Whether each is still the same file."""
    return all(_behind(number) == found for number, found in known.items())


def _behind(number: int) -> Identity | None:
    try:
        found = os.fstat(number)
    except OSError:
        return None
    return found.st_dev, found.st_ino
