"""Whether other users of the host can change a configuration that was found, not named."""

from __future__ import annotations

import grp
import os
import pwd
import stat
from pathlib import Path

from guardrails.config.settings import Settings


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
    if status.st_uid not in (os.geteuid(), 0):
        return f"belongs to {_user(status.st_uid)}"
    if status.st_mode & stat.S_IWOTH:
        return f"may be written by every user (mode {stat.S_IMODE(status.st_mode):o})"
    if status.st_mode & stat.S_IWGRP and not _private(status.st_gid):
        return f"may be written by the group {_group(status.st_gid)} (mode {stat.S_IMODE(status.st_mode):o})"
    return ""


def _private(group: int) -> bool:
    """Whether a group has this user only, as many systems give one to each user."""
    try:
        own, members = pwd.getpwuid(os.geteuid()), grp.getgrgid(group).gr_mem
    except KeyError:
        return False
    return own.pw_gid == group and set(members) <= {own.pw_name}


def _user(number: int) -> str:
    try:
        return pwd.getpwuid(number).pw_name
    except KeyError:
        return f"the user {number}"


def _group(number: int) -> str:
    try:
        return grp.getgrgid(number).gr_name
    except KeyError:
        return str(number)
