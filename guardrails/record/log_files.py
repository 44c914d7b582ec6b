"""The files of a decision log: the one being written and those before it."""

from __future__ import annotations

import gzip
import os
import re
import zlib
from collections import defaultdict
from pathlib import Path
from typing import IO, cast

from guardrails.config.settings import STANDARD_ERROR
from guardrails.errors import ConfigError

# What reading a damaged gzip file raises.
DAMAGED = (EOFError, zlib.error, gzip.BadGzipFile)
# As many as Linux follows.
_MOST_LINKS = 40
_NAME = re.compile(r"(.+\.jsonl)(?:\.([0-9]{1,6}))?(\.gz)?")


def numbered(path: Path, number: int) -> Path:
    """The file of a log after `number` rotations; 0 is the one being written."""
    return path.with_name(f"{path.name}.{number}") if number else path


def place(path: Path) -> Path | None:
    """Where the file of a log really lies, if `path` is a link to it: its lock and its older files are there, too.

    None for what another program may have open under a name of the system (/dev/stdout): it is not ours to rename.
    """
    for _ in range(_MOST_LINKS):
        folder = Path(os.path.realpath(path.parent))
        if folder.is_relative_to("/proc") or (folder.is_relative_to("/dev") and "shm" not in folder.parts):
            return None
        if not os.path.islink(path):
            break
        path = folder / path.readlink()
    return path


def files(path: Path, keep: int = 0) -> list[Path]:
    """The existing files of a log, oldest first. Raises ConfigError where that cannot be determined."""
    if path == STANDARD_ERROR:
        raise ConfigError('the decision log goes to standard error (log.path = "-"); name a file with a saved log')
    path = place(path) or path
    every = (numbered(path, number) for number in range(keep, -1, -1))
    return [file for file in every if _exists(file)]


def below(folder: Path) -> list[tuple[Path, ...]]:
    """The logs below a folder: the files of each, those that were rotated and gzipped included, oldest first."""
    logs: dict[Path, list[tuple[int, Path]]] = defaultdict(list)
    for file in sorted(folder.rglob("*")):
        if (parts := _NAME.fullmatch(file.name)) and file.is_file():
            logs[file.with_name(parts[1])].append((-int(parts[2] or 0), file))
    return [tuple(file for _, file in sorted(each)) for each in logs.values()]


def _exists(file: Path) -> bool:
    try:
        file.stat()
    except (FileNotFoundError, NotADirectoryError):
        return False
    except OSError as error:
        raise unreadable(file, error) from error
    return True


def unreadable(file: Path, error: Exception) -> ConfigError:
    """For a log that cannot be read."""
    reason = getattr(error, "strerror", None) or error
    return ConfigError(
        f"{file}: cannot read the decision log ({reason}); run this as a user who can, or name another log"
    )


def opened(file: Path) -> IO[bytes]:
    """The file's lines; a name that ends in .gz is unpacked. Raises OSError."""
    return cast("IO[bytes]", gzip.open(file)) if file.suffix == ".gz" else file.open("rb")
