"""How the spool opens its files: for its owner alone, also where root works in the folder of another user."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from guardrails.memory.file_lock import LockedElsewhere
from guardrails.system import locks, users
from guardrails.system.files import FOR_US

# The folders that this process uploads from: a lock of lockf does not keep its own threads apart, and any close of the
# file ends it. With the process's id, because a forked child inherits this.
_uploading: dict[tuple[int, str], object] = {}


@contextmanager
def opened(path: Path, flags: int) -> Iterator[int]:
    """The file's descriptor. A new file belongs to the owner of its folder. Raises OSError."""
    file = os.open(path, flags | FOR_US, 0o600)
    try:
        if flags & os.O_CREAT:
            _give(file, path.parent)
        yield file
    finally:
        os.close(file)


def _give(file: int, folder: Path) -> None:
    """What root makes, as `guardrails log upload`, must not stop the programs whose spool it is."""
    if users.me() == 0 and os.fstat(file).st_uid != (owner := folder.stat()).st_uid:
        with suppress(OSError):
            os.fchown(file, owner.st_uid, owner.st_gid)


def replace(path: Path, content: bytes) -> None:
    """Write the file anew, in one step for its readers. Raises OSError."""
    new = path.with_name(f"{path.name}.{os.getpid()}")
    with opened(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC) as file:
        written = os.write(file, content)
        if written != len(content):
            raise OSError(errno.ENOSPC, f"only {written} of {len(content)} bytes fit on the disk")
    new.replace(path)


def size_of(path: Path) -> int:
    """Its bytes; 0 without the file."""
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0


@contextmanager
def alone(lock: Path) -> Iterator[None]:
    """Inside, no other process or thread is. Raises LockedElsewhere at once if one is."""
    key, mine = (os.getpid(), os.path.realpath(lock)), object()
    if _uploading.setdefault(key, mine) is not mine:
        raise LockedElsewhere(errno.EAGAIN, "another thread of this process uploads them")
    try:
        with opened(lock, os.O_RDWR | os.O_CREAT) as file:
            try:
                # Not flock: a process that is forked meanwhile would keep it after this one is killed.
                locks.take_for_process(file)
            except (BlockingIOError, PermissionError) as error:
                raise LockedElsewhere(error.errno, "another process uploads them") from error
            yield
    finally:
        del _uploading[key]


def not_permitted(folder: Path) -> str:
    """For a spool that this user may not read."""
    try:
        name = users.name_of(folder.stat().st_uid)
    except OSError:
        name = None
    owner = f" ({name})" if name else ""
    return f"the spool {folder} is closed to this user; run this as the user of the guarded programs{owner}, or as root"
