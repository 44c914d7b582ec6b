"""All benchmarks in one table: ``python -m tests.benchmarks [--quick] [--only MODULE ...]``.

Each module named in MODULES has a function ``rows(*, quick: bool)`` that returns its rows. With --quick the counts are
tiny: the figures mean nothing, and only show that everything still runs.
"""

from __future__ import annotations

import argparse
import importlib
from collections.abc import Iterable

from tests.benchmarks.row import Row

MODULES: tuple[str, ...] = ()
_COLUMNS = ("what", "figure", "CPU", "requests", "fsyncs", "goal", "command")


def table(rows: Iterable[Row]) -> str:
    """The rows as a table in Markdown."""
    lines = [_COLUMNS, tuple("---" for _ in _COLUMNS), *map(_cells, rows)]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def _cells(row: Row) -> tuple[str, ...]:
    verdict = "" if row.met is None else ": met" if row.met else ": missed"
    return row.what, row.figure, row.cpu, row.requests, row.fsyncs, row.goal + verdict, f"`{row.command}`"


def main() -> None:
    """Measure and print."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--quick", action="store_true", help="tiny counts: seconds instead of many minutes")
    options.add_argument("--only", nargs="+", choices=MODULES, default=MODULES, help="only these modules")
    given = options.parse_args()
    modules = [importlib.import_module(f"tests.benchmarks.{name}") for name in given.only]
    print(table(row for module in modules for row in module.rows(quick=given.quick)))


if __name__ == "__main__":
    main()
