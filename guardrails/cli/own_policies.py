"""The policies that commands for their authors work on, and how their files are named."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from guardrails.config.load import load
from guardrails.evaluate import bundle, bundle_file


def folders(config: str | None) -> Sequence[Path]:
    """Those of this configuration; the shipped ones where it has none."""
    configured = [path for path in load(config).policies if not bundle_file.is_bundle(path)]
    return configured or [bundle.shipped()]


def near(file: str) -> str:
    """A file as it is named from the working directory; one that lies elsewhere as it is."""
    found = os.path.relpath(file)
    return file if found.startswith("..") else found
