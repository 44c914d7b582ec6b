"""The policies that commands for policy authors work on, and how their files are displayed."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from guardrails.config.load import load
from guardrails.evaluate import bundle, rule_book


def folders(config: str | None) -> Sequence[Path]:
    """The policy folders of this configuration; the shipped folder if it has none."""
    return rule_book.local_folders(load(config)) or [bundle.shipped()]


def short_path(file: str) -> str:
    """Relative to the working directory if the file is below it, else unchanged."""
    relative = os.path.relpath(file)
    return file if relative.startswith("..") else relative
