"""Files in the guard's own folder, which count only where no one but this user can have written them.

They lie where the decision log and the shared memory are by default: a cache folder may be restored from another
machine's. Folder and file must belong to this user, who alone may write to them, and the contents must match the digest
in the first line, which half a file does not.
"""

from __future__ import annotations

import hashlib
import os
import secrets
import stat
from pathlib import Path

from guardrails.config.places import state_home
from guardrails.system import users
from guardrails.system.files import FOR_US, NOT_A_LINK, make_folder


def folder(name: str) -> Path:
    """The folder of this name; it may not exist yet."""
    return state_home() / name


def read(file: Path) -> bytes | None:
    """What was written, None where the file is missing, damaged or not private."""
    try:
        if not is_private(file.parent):
            return None
        descriptor = os.open(file, os.O_RDONLY | NOT_A_LINK | FOR_US)
        with os.fdopen(descriptor, "rb") as opened:
            if not _is_ours(os.fstat(descriptor)):
                return None
            digest, _, content = opened.read().partition(b"\n")
    except OSError:
        return None
    return content if digest == _digest(content) else None


def write(file: Path, content: bytes) -> None:
    """Replace the file as a whole. Raises OSError."""
    make_folder(file.parent)
    if not is_private(file.parent):
        raise PermissionError(1, "others may write to this folder", str(file.parent))
    new = file.with_suffix(f".{secrets.token_hex(8)}")
    descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL | FOR_US, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as opened:
            opened.write(_digest(content) + b"\n" + content)
        new.replace(file)
    except OSError:
        new.unlink(missing_ok=True)
        raise


def is_private(place: Path) -> bool:
    """Whether no one but this user can have written to it. Raises OSError."""
    return _is_ours(place.stat())


def _is_ours(found: os.stat_result) -> bool:
    # On Windows no number names an owner, so nothing counts.
    return found.st_uid == users.me() and not found.st_mode & (stat.S_IWGRP | stat.S_IWOTH)


def _digest(content: bytes) -> bytes:
    return hashlib.sha256(content).hexdigest().encode()
