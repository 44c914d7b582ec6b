"""What a start costs: processor time and memory of `import guardrails` and of `guardrails.install()`.

    python -m tests.benchmarks.start [--rounds N] [--beside CHECKOUT]

Each round is a process of its own, with the default settings (the decision log and the shared memory in a temporary
folder). It has imported boto3, and in every second round it has made a client of EC2, so that nothing is counted that
such a program pays anyway. CPU is the process's own time; memory is what its resident set grows by. Prints medians.
With --beside, rounds of another checkout (an older version) take turns with those of this one.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path

from tests.benchmarks.row import Row

ROOT = Path(__file__).parent.parent.parent
COMMAND = "python -m tests.benchmarks.start"
MOST_CPU_S, MOST_MB = 0.25, 25.0
PROGRAMS = {"boto3 is imported": "", "a client of EC2 exists": "client"}
_PROGRAM = """
import json, os, sys, time
import boto3
if sys.argv[2:]:
    made = boto3.client("ec2", "eu-west-1", aws_access_key_id="testing", aws_secret_access_key="testing")

def now():
    pages = int(open("/proc/self/statm").read().split()[1])
    return time.process_time(), pages * os.sysconf("SC_PAGE_SIZE") / 1e6

before = now()
import guardrails
imported = now()
guardrails.install({"log": {"path": sys.argv[1] + "/decisions.jsonl"}})
print(json.dumps([before, imported, now()]))
"""


def measure(checkout: Path, program: str) -> tuple[float, float, float, float]:
    """CPU seconds and MB of the import, then of install(), in a new process with this checkout's code."""
    environment = {key: value for key, value in os.environ.items() if not key.startswith(("AWS_", "GUARDRAILS_"))}
    # As users run it: compiled once.
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-c", _PROGRAM, folder, *program.split()]
        ran = subprocess.run(command, cwd=checkout, env=environment, capture_output=True, text=True, check=True)
    before, imported, installed = json.loads(ran.stdout)
    return (*(b - a for a, b in zip(before, imported, strict=True)),
            *(b - a for a, b in zip(imported, installed, strict=True)))  # fmt: skip


def medians(checkouts: Iterable[Path], rounds: int) -> dict[tuple[Path, str], list[float]]:
    """The medians of `measure` for each checkout and program, which take turns."""
    checkouts = list(checkouts)
    took: dict[tuple[Path, str], list[tuple[float, ...]]] = {}
    for number in range(rounds + 1):
        for name, program in PROGRAMS.items():
            for checkout in checkouts:
                figures = measure(checkout, program)
                # The first round compiles.
                if number:
                    took.setdefault((checkout, name), []).append(figures)
    return {key: [statistics.median(each) for each in zip(*all_, strict=True)] for key, all_ in took.items()}


def rows(*, quick: bool = False, rounds: int = 9, beside: Path | None = None) -> list[Row]:
    """A row for the import and one for install(), in each program and each checkout."""
    made = []
    for (checkout, name), figures in medians([ROOT, *([beside] if beside else [])], 1 if quick else rounds).items():
        import_s, import_mb, install_s, install_mb = figures
        where = f"; {checkout}" if beside else ""
        made.append(Row(f"import guardrails ({name}{where})", f"+{import_mb:.1f} MB", COMMAND, f"{import_s:.3f} s"))
        met = install_s <= MOST_CPU_S and install_mb <= MOST_MB
        goal = f"at most {MOST_CPU_S} s, +{MOST_MB:.0f} MB"
        made.append(
            Row(f"install() ({name}{where})", f"+{install_mb:.1f} MB", COMMAND, f"{install_s:.3f} s", "", "", goal, met)
        )
    return made


def main() -> None:
    """Measure and print."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--rounds", type=int, default=9)
    options.add_argument("--beside", type=Path, help="another checkout, to compare with")
    given = options.parse_args()
    for row in rows(rounds=given.rounds, beside=given.beside):
        print(f"{row.what:<60}{row.cpu:>10}{row.figure:>12}")


if __name__ == "__main__":
    main()
