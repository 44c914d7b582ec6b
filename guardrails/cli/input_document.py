"""An input document that the user named: a file, or an entry of the decision log in a file."""

from __future__ import annotations

import json
from pathlib import Path
from typing import IO, Any

from guardrails.errors import ConfigError


def read(file: IO[str]) -> dict[str, Any]:
    """The input in an open file. Raises ConfigError where it holds none."""
    try:
        content = json.load(file)
    except ValueError as error:
        raise ConfigError(f"{file.name}: not valid JSON: {error}") from error
    if isinstance(content, dict) and "decision_id" in content:
        content = content.get("input")
    if not isinstance(content, dict):
        raise ConfigError(f"{file.name}: not a JSON object; give an input document or an entry of the decision log")
    return content


def read_file(path: Path) -> dict[str, Any]:
    """The input in the file at `path`. Raises ConfigError where it cannot be read or holds none."""
    try:
        with path.open(encoding="utf-8-sig") as file:
            return read(file)
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read ({error.strerror}); name a file with an input document") from error
