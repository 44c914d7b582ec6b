"""Where files are that no configuration names."""

from __future__ import annotations

import os
from pathlib import Path


def state_home() -> Path:
    """The folder for the log and the state; without a home folder one that cannot exist, so that opening it fails."""
    # A relative path there is to be ignored (XDG Base Directory Specification): it would mean another log per folder.
    configured = os.environ.get("XDG_STATE_HOME", "")
    try:
        home = Path(configured).expanduser()
        return (home if home.is_absolute() else Path("~/.local/state").expanduser()) / "guardrails"
    except RuntimeError:
        return Path(os.devnull, "no home folder")


def approval_folder() -> Path:
    """The folder in which the users of this host ask each other for approvals. It outlives a restart of the host."""
    return Path(os.environ.get("GUARDRAILS_APPROVALS") or "/var/tmp/guardrails-approvals")  # noqa: S108  (owners count)
