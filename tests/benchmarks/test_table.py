"""The benchmarks stay alive: their table has its form, with tiny counts. No figure is looked at."""

from __future__ import annotations

import os
import re
import subprocess
import sys

import pytest

from tests.benchmarks.__main__ import MODULES
from tests.benchmarks.overhead import CALLS
from tests.support.environments import ROOT


def _outside():
    # In a test run the guard denies calls to AWS's own addresses, which only a stub answers here.
    return {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}


@pytest.mark.long
def test_one_table():
    """Every module has a row, each row has a figure and the command that makes it; a goal says whether it is met."""
    command = [sys.executable, "-m", "tests.benchmarks", "--quick"]
    done = subprocess.run(command, cwd=ROOT, env=_outside(), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    names, _, *lines = [[cell.strip() for cell in line.strip("|").split("|")] for line in done.stdout.splitlines()]
    rows = [dict(zip(names, cells, strict=True)) for cells in lines]
    assert names == ["what", "figure", "CPU", "requests", "fsyncs", "goal", "command"]
    for row in rows:
        assert row["what"]
        assert re.search(r"\d|missing", row["figure"]), row
        assert not row["goal"] or re.search(r": (met|missed)$", row["goal"]) or "missing" in row["figure"], row
    made = {re.match(r"`python -m tests\.benchmarks\.(\w+)[^`]*`$", row["command"])[1] for row in rows}
    assert made == set(MODULES)


def test_every_gate_is_timed():
    """An ungoverned call of each service passes five gates, and each takes some time."""
    command = [sys.executable, "-m", "tests.benchmarks.gates", "--worker", "guardrails", "--calls", "1"]
    done = subprocess.run(command, cwd=ROOT, env=_outside(), capture_output=True, text=True, check=True)
    times = [[float(word) for word in line.split()] for line in done.stdout.splitlines()]
    assert [len(gates) for gates in times] == [5] * len(CALLS)
    assert all(took > 0 for gates in times for took in gates)
