"""The mutants that no test can notice: mutants.toml beside the policies, each with a reason."""

from __future__ import annotations

import tomllib
from pathlib import Path

from guardrails.errors import ConfigError
from guardrails.system import reading
from guardrails.values import frozen

NAME = "mutants.toml"
_KEYS = ("file", "line", "change", "reason")


@frozen
class Justified:
    """`file` is relative to the policy folder, `line` the text of the source line, `change` that of the mutant."""

    file: str
    line: str
    change: str
    reason: str

    @property
    def key(self) -> tuple[str, str, str]:
        """What a mutant is matched by: not the line's number, which changes with every edit above it."""
        return self.file, self.line, self.change


def read(folder: Path) -> list[Justified]:
    """The entries of the file in `folder`; none if there is no file. Raises ConfigError if it is invalid."""
    path = folder / NAME
    if not path.is_file():
        return []
    try:
        document = tomllib.loads(reading.text(path))
    except (OSError, ValueError) as error:
        raise ConfigError(f"{path}: cannot be read ({error})") from error
    entries = document.pop("justified", [])
    if document or not isinstance(entries, list):
        raise ConfigError(f"{path}: may contain only [[justified]] tables")
    return [_entry(path, number, entry) for number, entry in enumerate(entries, 1)]


def _entry(path: Path, number: int, entry: object) -> Justified:
    if (
        not isinstance(entry, dict)
        or set(entry) != set(_KEYS)
        or not all(isinstance(value, str) and value.strip() for value in entry.values())
    ):
        raise ConfigError(f"{path}: [[justified]] number {number} needs exactly the strings {', '.join(_KEYS)}")
    return Justified(entry["file"], entry["line"].strip(), entry["change"], entry["reason"])
