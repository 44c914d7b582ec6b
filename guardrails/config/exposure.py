"""Whether other users of the host can change a configuration that was found, not named."""

from __future__ import annotations

import stat
from pathlib import Path

from guardrails.config.settings import Settings
from guardrails.system import users


def exposed(settings: Settings) -> str:
    """A sentence where the file that was found upward is one that others may write; "" where it is not."""
    if settings.file is None or not settings.found_upward:
        return ""
    file = settings.file.resolve()
    for path in (file, file.parent):
        why = _why(path)
        if why:
            return (
                f"the configuration {settings.file} was found in the working directory or above it, and {path} {why}, "
                "who can change what the guard allows; give file and folder to yourself and take the write permission "
                "from others, or name a file in GUARDRAILS_CONFIG"
            )
    return ""


def _why(path: Path) -> str:
    try:
        status = path.stat()
    except OSError:
        return ""
    if users.me() is None:
        # Windows keeps lists of rights instead, which only its own functions read.
        return ""
    if status.st_uid not in (users.me(), 0):
        return f"belongs to {users.name_of(status.st_uid) or f'the user {status.st_uid}'}"
    if status.st_mode & stat.S_IWOTH:
        return f"may be written by every user (mode {stat.S_IMODE(status.st_mode):o})"
    if status.st_mode & stat.S_IWGRP and not users.is_private_group(status.st_gid):
        group = users.group_name(status.st_gid) or status.st_gid
        return f"may be written by the group {group} (mode {stat.S_IMODE(status.st_mode):o})"
    return ""
