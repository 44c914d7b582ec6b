"""All benchmarks in one table: ``python -m tests.benchmarks [--quick] [--only MODULE ...]``.

Each module named in MODULES has a function ``rows(*, quick: bool)`` that returns its rows. With --quick the counts are
tiny: the figures mean nothing, and only show that everything still runs.
"""

from __future__ import annotations

import argparse
import importlib
from collections.abc import Iterable

MODULES = (
    "overhead", "accounts", "networks", "balancers", "reading", "state", "log", "replay", "start", "memory", "reloads",
    "engine",
)  # fmt: skip
_COLUMNS = ("what", "figure", "CPU", "requests", "fsyncs", "goal", "command")


def _line(cells: Iterable[str]) -> str:
    """A line of a table in Markdown."""
    return f"| {' | '.join(cells)} |"


def main() -> None:
    """Measure and print."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--quick", action="store_true", help="tiny counts: seconds instead of many minutes")
    options.add_argument("--only", nargs="+", choices=MODULES, default=MODULES, help="only these modules")
    given = options.parse_args()
    modules = [importlib.import_module(f"tests.benchmarks.{name}") for name in given.only]
    print(_line(_COLUMNS), _line("---" for _ in _COLUMNS), sep="\n", flush=True)
    for module in modules:
        for row in module.rows(quick=given.quick):
            print(_line(row.cells), flush=True)


if __name__ == "__main__":
    main()
