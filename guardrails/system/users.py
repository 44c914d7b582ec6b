"""Who this process is, and who owns a file. Windows tells neither by a number, and keeps lists of rights instead."""

from __future__ import annotations

import os
from importlib import import_module
from typing import Any


def _system(name: str) -> Any:
    try:
        return import_module(name)
    except ModuleNotFoundError:
        return None


_pwd, _grp = _system("pwd"), _system("grp")


def me() -> int | None:
    """The number of the user whose rights this process has; None where users have none."""
    return os.geteuid() if hasattr(os, "geteuid") else None


def name_of(uid: int) -> str | None:
    """The name of a user of this host; None where the number has none."""
    try:
        return str(_pwd.getpwuid(uid).pw_name) if _pwd else None
    except KeyError:
        return None


def group_name(gid: int) -> str | None:
    """The name of a group of this host; None where the number has none."""
    try:
        return str(_grp.getgrgid(gid).gr_name) if _grp else None
    except KeyError:
        return None


def is_private_group(gid: int) -> bool:
    """Whether a group has this user only, as many systems give one to each user."""
    try:
        own, members = _pwd.getpwuid(os.geteuid()), _grp.getgrgid(gid).gr_mem
    except (KeyError, AttributeError):
        return False
    return own.pw_gid == gid and set(members) <= {own.pw_name}
