"""The lines of decision logs in pieces that a process decides on at once, without holding a file in memory."""

from __future__ import annotations

import gzip
import itertools
import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import IO, Any, cast

from attrs import frozen

from guardrails.errors import ConfigError

_LINES = 250


@frozen
class Piece:
    """Some lines of `file`, the first of them line `first`; lines that come from elsewhere have `places`."""

    file: str
    first: int
    lines: tuple[bytes, ...]
    places: tuple[str, ...] = ()

    def place(self, index: int) -> str:
        """Where a line stands: ``file:line``."""
        return self.places[index] if self.places else f"{self.file}:{self.first + index}"

    @property
    def size(self) -> int:
        """Bytes, as far as the progress is counted."""
        return sum(map(len, self.lines))


def decision(line: bytes) -> dict[str, Any] | None:
    """The decision in a line, None for what is none."""
    try:
        entry = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return entry if isinstance(entry, dict) and isinstance(entry.get("decision_id"), str) else None


def pieces(files: Iterable[Path]) -> Iterator[Piece]:
    """Every line of the files in order; a name that ends in .gz is unpacked. Raises ConfigError for a missing file."""
    for file in files:
        try:
            with _opened(file) as lines:
                for number in itertools.count(1, _LINES):
                    some = tuple(itertools.islice(lines, _LINES))
                    if not some:
                        break
                    yield Piece(str(file), number, some)
        except (OSError, EOFError) as error:
            raise ConfigError(f"{file}: cannot be read ({error}); name a decision log") from error


def _opened(file: Path) -> IO[bytes]:
    return cast("IO[bytes]", gzip.open(file)) if file.suffix == ".gz" else file.open("rb")
