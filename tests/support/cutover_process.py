"""``guardrails`` in a process whose waits are over at once: `python cutover_process.py CLOCK cutover start …`.

What it waits sets its clocks forward, as does the number of seconds in the file CLOCK. The rest is the real program.
"""

from __future__ import annotations

import functools
import sys
import time
from pathlib import Path

from guardrails.cli.app import app
from guardrails.cutover import runner
from guardrails.cutover.times import Times, elapsed
from guardrails.memory.sqlite.cutovers import SqliteCutovers


class Clock:
    """The time of this process: the system's, what it has waited, and what the file says."""

    def __init__(self, file: Path) -> None:
        self._file, self._waited = file, 0.0

    def sleep(self, seconds: float) -> None:
        self._waited += seconds

    def ahead(self) -> float:
        return self._waited + float(self._file.read_text())


def main() -> None:
    clock = Clock(Path(sys.argv[1]))
    runner.Times = functools.partial(Times, lambda: elapsed() + clock.ahead(), clock.sleep)  # type: ignore[misc]
    SqliteCutovers.now = lambda _: time.time() + clock.ahead()  # type: ignore[method-assign]
    app(sys.argv[2:], prog_name="guardrails")


if __name__ == "__main__":
    main()
