"""Decision logs in chunks of lines, so that no file is held in memory as a whole."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator
from pathlib import Path

from guardrails.record.log_files import DAMAGED, opened, unreadable
from guardrails.values import frozen

_LINES = 250


@frozen
class LogChunk:
    """Consecutive lines of `file`, from line `first` on; lines that are not from one file have `places` instead."""

    file: str
    first: int
    lines: tuple[bytes, ...]
    places: tuple[str, ...] = ()

    def place(self, index: int) -> str:
        """``file:line`` of the line at `index`."""
        return self.places[index] if self.places else f"{self.file}:{self.first + index}"

    @property
    def size(self) -> int:
        """In bytes, for the progress bar."""
        return sum(map(len, self.lines))


def chunks(files: Iterable[Path]) -> Iterator[LogChunk]:
    """Every line of the files, in order; .gz files are unpacked. Raises ConfigError if a file cannot be read."""
    for file in files:
        try:
            with opened(file) as lines:
                for number in itertools.count(1, _LINES):
                    batch = tuple(itertools.islice(lines, _LINES))
                    if not batch:
                        break
                    yield LogChunk(str(file), number, batch)
        except (OSError, *DAMAGED) as error:
            raise unreadable(file, error) from error
