"""Generate until something breaks: ``python -m tests.fuzz [AREA ...] [--seconds N] [--seed S]``.

The exit code is 1 where something was found. The same seed makes the same examples.
"""

from __future__ import annotations

import argparse
import importlib
import os
import sys

from tests.fuzz.area import Run

AREAS = ("calls", "rego", "config", "cli", "logs", "bundles")


def main() -> int:
    """Run the areas one after the other."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("areas", nargs="*", metavar="AREA", help=f"only these: {', '.join(AREAS)}")
    options.add_argument("--seconds", type=float, default=60, help="for each area (default 60)")
    options.add_argument("--seed", type=int, default=int.from_bytes(os.urandom(4)), help="by default another each time")
    given = options.parse_args()
    if unknown := set(given.areas) - set(AREAS):
        options.error(f"unknown area: {', '.join(sorted(unknown))}")
    found = 0
    for area in given.areas or AREAS:
        run = Run(area, given.seed, given.seconds)
        importlib.import_module(f"tests.fuzz.{area}").fuzz(run)
        print(run, flush=True)
        found += len(run.findings)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
