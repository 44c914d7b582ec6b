"""The file of mutants that no test can notice: mutants.toml beside the policies, each with a reason."""

from __future__ import annotations

import tomllib
from pathlib import Path

from attrs import frozen

from guardrails.errors import ConfigError

NAME = "mutants.toml"
_KEYS = ("file", "line", "change", "reason")


@frozen
class Justified:
    """`file` below the folder of policies, `line` the text of the source line, `change` as the mutant's."""

    file: str
    line: str
    change: str
    reason: str

    @property
    def key(self) -> tuple[str, str, str]:
        """What a mutant is matched by; a line's number would change with every edit above it."""
        return self.file, self.line, self.change


def read(folder: Path) -> list[Justified]:
    """The justifications beside these policies; none without the file. Raises ConfigError."""
    path = folder / NAME
    if not path.is_file():
        return []
    try:
        document = tomllib.loads(path.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise ConfigError(f"{path}: cannot be read ({error})") from error
    entries = document.pop("justified", [])
    if document or not isinstance(entries, list):
        raise ConfigError(f"{path}: holds [[justified]] tables and nothing else")
    return [_entry(path, number, entry) for number, entry in enumerate(entries, 1)]


def _entry(path: Path, number: int, entry: object) -> Justified:
    if (
        not isinstance(entry, dict)
        or set(entry) != set(_KEYS)
        or not all(isinstance(value, str) and value.strip() for value in entry.values())
    ):
        raise ConfigError(f"{path}: [[justified]] number {number} needs the texts {', '.join(_KEYS)} and no other key")
    return Justified(entry["file"], entry["line"].strip(), entry["change"], entry["reason"])
