"""The limits page's table of failing look-ups, from real calls. `python -m tests.faults.table` writes it."""

from __future__ import annotations

import logging
import tempfile
from collections.abc import Mapping
from pathlib import Path

from guardrails.testing import SimulatedAWS
from tests.faults import matrix
from tests.support import environments, service_models
from tests.support.generated import Generated

PART = Generated("limits.md", "faults", "tests.faults.table")
# Rules of this area are named without it.
_AREA = "live-cluster/"


def cell(outcomes: frozenset[matrix.Outcome]) -> str:
    """``denied (rules)``, ``unavailable``, ``sent``, or several of them."""
    rules = sorted({rule.removeprefix(_AREA) for outcome in outcomes for rule in outcome.rules})
    words = {outcome.word for outcome in outcomes}
    denied = [f"denied ({', '.join(rules)})"] if "denied" in words else []
    return ", ".join([*denied, *sorted(words - {"denied"})])


def table(cells: Mapping[str, Mapping[str, frozenset[matrix.Outcome]]]) -> str:
    """A line for each fault, a column for each call."""
    head = ["look-ups", *(column.title for column in matrix.COLUMNS)]
    lines = [[fault, *(cell(row[title]) for title in head[1:])] for fault, row in cells.items()]
    return "\n".join(f"| {' | '.join(line)} |" for line in [head, ["---"] * len(head), *lines]) + "\n"


def write() -> None:
    """Make every call, and put the table into the page."""
    with SimulatedAWS() as aws, tempfile.TemporaryDirectory() as folder:
        cells = matrix.cells(aws, Path(folder))
    PART.write(table(cells))


if __name__ == "__main__":
    environments.leave_the_machine_out()
    service_models.read_once()
    logging.disable(logging.CRITICAL)
    write()
