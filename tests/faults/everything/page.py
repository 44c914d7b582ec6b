"""The page's tables."""

from __future__ import annotations

from collections.abc import Mapping

from tests.faults.everything.row import Row
from tests.faults.everything.rows import ROWS
from tests.faults.everything.running import ENDED, NEVER, NOT_STARTED, Cells
from tests.support.generated import Generated

PART = Generated("faults.md", "everything", "tests.faults.everything --write")
# What is no answer at all, and yet sends nothing.
ENDS = (ENDED, NEVER, NOT_STARTED)
SILENT = "nothing"
HEAD = ("what breaks", "live cluster", "staging", "ungoverned", "repaired", "what you read")


def line(row: Row, cells: Cells) -> str:
    """A line of the table."""
    sentence = cells.sentence or SILENT
    words = (row.name, cells.live, cells.staging, cells.ungoverned, cells.afterwards, sentence)
    return f"| {' | '.join(words)} |"


def table(part: str, cells: Mapping[str, Cells]) -> str:
    """A part's rows."""
    lines = [line(row, cells[row.name]) for row in ROWS if row.part == part]
    return "\n".join([f"| {' | '.join(HEAD)} |", f"|{' --- |' * len(HEAD)}", *lines])


def text(cells: Mapping[str, Cells]) -> str:
    """A table for each part."""
    parts = dict.fromkeys(row.part for row in ROWS)
    return "\n\n".join(f"### {part}\n\n{table(part, cells)}" for part in parts)


def write(cells: Mapping[str, Cells]) -> None:
    """Put all tables into the page."""
    PART.write(text(cells))
