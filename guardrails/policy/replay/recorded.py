"""The lines of decision logs in pieces that a process decides on at once, without holding a file in memory."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator
from pathlib import Path

from attrs import frozen

from guardrails.record.entries import opened, unreadable

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


def pieces(files: Iterable[Path]) -> Iterator[Piece]:
    """Every line of the files in order; a name that ends in .gz is unpacked. Raises ConfigError for a missing file."""
    for file in files:
        try:
            with opened(file) as lines:
                for number in itertools.count(1, _LINES):
                    some = tuple(itertools.islice(lines, _LINES))
                    if not some:
                        break
                    yield Piece(str(file), number, some)
        except (OSError, EOFError) as error:
            raise unreadable(file, error) from error
