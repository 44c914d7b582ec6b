"""Prints the table, or a row of it; `--write` puts it into the page."""

from __future__ import annotations

import argparse
import logging
import sys
import time

from tests.faults.everything import page, rows, running
from tests.support import environments, service_models


def main() -> None:
    """The exit code is 1 where something is not as it must be."""
    parser = argparse.ArgumentParser(prog="python -m tests.faults.everything", description=__doc__)
    parser.add_argument("--row", metavar="NAME", action="append", help="only this row, or the rows of this part")
    parser.add_argument("--write", action="store_true", help="put the table into the page")
    asked = parser.parse_args()
    wanted = [each for each in rows.ROWS if asked.row is None or {each.name, each.part} & {*asked.row}]
    if not wanted or (asked.write and asked.row):
        parser.error("there is no such row" if not wanted else "--write needs every row")
    environments.leave_the_machine_out()
    service_models.read_once()
    logging.basicConfig(stream=sys.stderr)
    cells, wrong = {}, 0
    with running.site() as at:
        for row in wanted:
            started = time.monotonic()
            cells[row.name] = found = running.run(at, row)
            wrong += bool(found.problems)
            print(
                f"{time.monotonic() - started:5.1f} s  {page.line(row, found)}",
                *found.problems,
                sep="\n  PROBLEM ",
                flush=True,
            )
    if asked.write:
        page.write(cells)
    sys.exit(wrong > 0)


main()
