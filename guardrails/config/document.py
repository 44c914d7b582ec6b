"""One configuration file, or a mapping given to install(): its keys and values, and where each of them stands."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from attrs import Factory

from guardrails.config.keys import TABLES
from guardrails.config.lines import KeyPath, line_of, lines_of
from guardrails.errors import ConfigError
from guardrails.system import reading
from guardrails.values import frozen

# Where pyproject.toml has what guardrails.toml has at its top.
_IN_PYPROJECT = ("tool", "guardrails")


@frozen
class Document:
    """The keys of one file by their dotted names.

    `name` is for error messages, `directory` what relative paths start from. `start` is the table that all keys stand
    in. A mapping has no lines, and no `file`.
    """

    name: str
    values: Mapping[str, Any]
    directory: Path
    file: Path | None = None
    start: tuple[str, ...] = ()
    lines: Mapping[KeyPath, int] = Factory(dict)

    def at(self, key: str, *inside: str | int) -> str:
        """``guardrails.toml:7`` for what stands at the path `inside` the value of `key`."""
        written = (*self.start, *key.split("."), *inside)
        # Also with quotes, "live.sources" = …, which is one name.
        line = line_of(self.lines, written) or line_of(self.lines, (*self.start, key))
        return f"{self.name}:{line}" if line else self.name

    def places(self, key: str) -> dict[KeyPath, str]:
        """Where all that is inside the value of `key` stands, by its path from `key` on."""
        top = (*self.start, *key.split("."))
        length = len(top)
        return {
            (key, *path[length:]): f"{self.name}:{line}"
            for path, line in self.lines.items()
            if len(path) > length and path[:length] == top
        }


def from_mapping(config: Mapping[str, Any], directory: Path) -> Document:
    return Document("install(config)", _flat(_as_toml(config)), directory)


def _as_toml(value: Any) -> Any:
    """Paths as strings and tuples as lists, which is what a file could hold."""
    if isinstance(value, os.PathLike):
        return os.fspath(value)
    if isinstance(value, (list, tuple)):
        return [_as_toml(item) for item in value]
    return {key: _as_toml(item) for key, item in value.items()} if isinstance(value, Mapping) else value


def from_file(path: Path, missing: str) -> Document:
    """Raises ConfigError where the file cannot be read, or is not TOML; `missing` begins it where there is no file."""
    try:
        text = reading.text(path)
    except FileNotFoundError as error:
        raise ConfigError(f"{missing}; create it or name another file") from error
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: cannot be read ({error})") from error
    import tomllib  # noqa: PLC0415  (most programs have no file)

    try:
        parsed = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(_not_toml(path, str(error))) from error
    except RecursionError as error:
        raise ConfigError(f"{path}: nested too deeply to be read") from error
    start, lines = start_of(path), lines_of(text)
    ours = _inside(parsed, start)
    if not isinstance(ours, Mapping | None):
        raise ConfigError(f"{path}:{lines[start]}: `{'.'.join(start)}` must be a table")
    return Document(str(path), _flat(ours or {}), path.resolve().parent, path, start, lines)


def start_of(path: Path) -> tuple[str, ...]:
    """The table of the file that holds our keys."""
    return _IN_PYPROJECT if path.name == "pyproject.toml" else ()


def has_our_table(pyproject: Path) -> bool:
    """Whether a pyproject.toml has [tool.guardrails]; one that cannot be read belongs to someone else.

    One that is not valid TOML and has our heading counts, so that its mistake is reported and our keys are not ignored.
    """
    try:
        text = reading.text(pyproject)
    except (UnicodeDecodeError, OSError):
        return False
    import tomllib  # noqa: PLC0415

    try:
        return _inside(tomllib.loads(text), _IN_PYPROJECT) is not None
    except (tomllib.TOMLDecodeError, RecursionError):
        return _HEADING.search(text) is not None


_HEADING = re.compile(r"""^[ \t]*\[{0,2}[ \t]*tool[ \t]*\.[ \t]*["']?guardrails\b""", re.MULTILINE)


_PLACE = re.compile(r"^(?P<what>.*) \(at line (?P<line>\d+), column (?P<column>\d+)\)$")


def _not_toml(path: Path, error: str) -> str:
    """The standard parser gives the place only at the end of its sentence (attributes came with Python 3.14)."""
    place = _PLACE.match(error)
    return f"{path}:{place['line']}:{place['column']}: not valid TOML: {place['what']}" if place else f"{path}: {error}"


def _inside(parsed: Mapping[str, Any], start: tuple[str, ...]) -> Any:
    """What stands at `start`, None where there is nothing."""
    value: Any = parsed
    for step in start:
        value = value.get(step) if isinstance(value, Mapping) else None
    return value


def _flat(parsed: Mapping[str, Any]) -> dict[str, Any]:
    """Values by dotted key; tables that are values themselves (params, labels …) stay whole."""
    flat: dict[str, Any] = {}
    for key, value in parsed.items():
        if key in TABLES and isinstance(value, Mapping):
            flat |= {f"{key}.{inner}": item for inner, item in value.items()}
        else:
            flat[str(key)] = value
    return flat
