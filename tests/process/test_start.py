"""A start is small: what the configuration does not use is not imported, and the engine takes no memory in advance."""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys

import pytest

from tests.support.environments import ROOT

# Each is needed by some calls or some configurations only.
LATER = (
    "evaluate.opa_server", "evaluate.remote.over_https", "memory.dynamodb",
    "notify.targets", "record.background", "record.sinks.s3", "resolve.changes.patches", "resolve.live.dns",
    "resolve.resources.every_type", "resolve.shifts.records", "telemetry.reported",
)  # fmt: skip
PROGRAM = """
import json, os, sys
from pathlib import Path
import guardrails
before = dict(os.environ)
guardrails.install({"log": {"path": sys.argv[1]}, "state": {"path": ":memory:"}})
smaps = Path("/proc/self/smaps")
huge = [line for line in smaps.read_text().splitlines() if "hg" in line.split()] if smaps.exists() else []
added = {name for name in os.environ if before.get(name) != os.environ[name]}
print(json.dumps({"modules": [*sys.modules], "added": [*added], "huge": huge}))
"""


@pytest.fixture(scope="module")
def started(tmp_path_factory):
    """What a new process has after install(), with a configuration that names nothing but a log."""
    log = tmp_path_factory.mktemp("start") / "decisions.jsonl"
    command = [sys.executable, "-c", PROGRAM, str(log)]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("MIMALLOC_")}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=True)
    return json.loads(done.stdout)


@pytest.mark.parametrize("name", LATER)
def test_imported_when_it_is_needed(name, started):
    """A module that only some calls or configurations need is there, and install() does not import it."""
    assert importlib.util.find_spec(f"guardrails.{name}")
    assert f"guardrails.{name}" not in started["modules"]


def test_the_engine_takes_no_huge_pages(started):
    """Its allocator would ask for 1 GB in huge pages, of which a start touches 5 MB more than it uses."""
    assert started["huge"] == []


def test_the_environment_is_as_it_was(started):
    """What the engine reads once is taken out again; only the way to guard children is handed down."""
    assert {name for name in started["added"] if not name.startswith(("GUARDRAILS_", "PYTHONPATH"))} == set()
