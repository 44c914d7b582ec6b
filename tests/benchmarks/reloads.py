"""Whether memory stays flat where policies are edited again and again: the resident set over many loads.

    python -m tests.benchmarks.reloads [--loads N]

Eight threads; one of them, another one each time, loads the shipped policies with one that was never there before, and
then all evaluate. Memory grows with the first loads: to parse policies and to try them takes more than what is kept of
them, and the last eight texts are kept. After that it must be flat.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

from attrs import evolve

from guardrails.evaluate import bundle
from guardrails.evaluate.embedded import EmbeddedEngine
from tests.benchmarks.memory import resident_mb
from tests.benchmarks.row import Row

COMMAND = "python -m tests.benchmarks.reloads"
LOADS, WARM, MOST_GROWTH_MB = 60, 20, 8.0
_THREADS = 8
_RULE = """package guardrails.quiet

# METADATA
# title: Machines with a certain name are left alone
# custom:
#   rule: quiet/name
deny contains {"rule": "quiet/name", "target": id, "message": "It is quiet.", "remediation": "Leave it."} if {
	some id, target in input.targets
	target.tags.Name == "number %d"
}
"""


def work(loads: int) -> None:
    """Print the resident set in MB after each load."""
    shipped = bundle.read([bundle.shipped()])
    threads = [ThreadPoolExecutor(1) for _ in range(_THREADS)]
    for number in range(loads):
        edited = evolve(shipped, modules={**shipped.modules, "own/quiet.rego": _RULE % number})
        engine = threads[number % _THREADS].submit(EmbeddedEngine, edited).result()
        for thread in threads:
            thread.submit(engine.evaluate, {}).result()
        print(resident_mb(), flush=True)


def rows(*, quick: bool = False, loads: int = LOADS) -> list[Row]:
    """One row, measured in a process of its own."""
    loads, warm = (3, 2) if quick else (loads, min(WARM, loads))
    command = [sys.executable, "-m", "tests.benchmarks.reloads", "--worker", str(loads)]
    seen = [*map(float, subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout.split())]
    figure = f"{seen[0]:.0f} MB after the first, {seen[warm - 1]:.0f} after {warm}, {seen[-1]:.0f} at the end"
    goal, met = f"at most +{MOST_GROWTH_MB:.0f} MB after {warm}", seen[-1] - seen[warm - 1] <= MOST_GROWTH_MB
    return [Row(f"resident memory over {loads} loads of policies by 8 threads", figure, COMMAND, goal=goal, met=met)]


def main() -> None:
    """Measure and print."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--loads", type=int, default=LOADS)
    options.add_argument("--worker", type=int, help=argparse.SUPPRESS)
    given = options.parse_args()
    if given.worker:
        work(given.worker)
        return
    for row in rows(loads=given.loads):
        print(f"{row.what}: {row.figure}")


if __name__ == "__main__":
    main()
