"""The entries of a decision log as they are read: line by line, and part by part."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from guardrails.errors import ConfigError


def part(entry: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    """What an entry, or a part of one, has under `key`; {} where that is missing or no object."""
    found = entry.get(key)
    return found if isinstance(found, Mapping) else {}


def texts(value: Any) -> list[str]:
    """A list of an entry (a tuple, before it is written), its members as texts; [] where it is none."""
    return [str(one) for one in value] if isinstance(value, (list, tuple)) else []


def rules(entry: Mapping[str, Any], *actions: str) -> list[str]:
    """The ids of the rules that were violated, each once: with one of these actions, with any where none is named."""
    found = (part(entry, "result").get("violations"), part(entry, "custom").get("violations"))
    violated = [one for listed in found if isinstance(listed, list) for one in listed if isinstance(one, dict)]
    return sorted({str(one.get("rule")) for one in violated if not actions or one.get("action") in actions})


def revision(entry: Mapping[str, Any]) -> str:
    """The revision of the policies that an entry was decided by, ``?`` where it does not say."""
    return str(part(part(entry, "bundles"), "guardrails").get("revision") or "?")


def numbered(path: Path, number: int) -> Path:
    """The file of a log that was rotated `number` times, 0 for the one that is written."""
    return path.with_name(f"{path.name}.{number}") if number else path


def files(path: Path, keep: int = 0) -> list[Path]:
    """The files of a log that are there, the rotated ones first, so that the oldest entry comes first.

    Raises ConfigError where nobody can tell.
    """
    every = (numbered(path, number) for number in range(keep, -1, -1))
    return [file for file in every if _exists(file)]


def _exists(file: Path) -> bool:
    try:
        file.stat()
    except (FileNotFoundError, NotADirectoryError):
        return False
    except OSError as error:
        raise _unreadable(file, error) from error
    return True


def _unreadable(file: Path, error: OSError) -> ConfigError:
    return ConfigError(
        f"{file}: the decision log cannot be read ({error.strerror}); ask as a user who may, or name another"
    )


def read(path: Path, keep: int = 0) -> Iterator[dict[str, Any] | str]:
    """Every entry, oldest first, rotated files included. A line that is not one comes as a sentence with its place.

    Raises ConfigError for a file that cannot be read.
    """
    for file in files(path, keep):
        try:
            with file.open(encoding="utf-8", errors="replace") as lines:
                yield from (_entry(line, f"{file}:{position}") for position, line in enumerate(lines, 1))
        except OSError as error:
            raise _unreadable(file, error) from error


def _entry(line: str, place: str) -> dict[str, Any] | str:
    try:
        found = json.loads(line)
    except (ValueError, RecursionError):
        found = None
    if isinstance(found, dict) and "decision_id" in found:
        return found
    return f"{place}: not a decision; the line is left out"
