"""A suite run by pytest in its own environment, with the guard or without, and what became of each test."""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Any

from guardrails.values import frozen
from tests.suites.suites import Suite
from tests.support.environments import PROJECT, ROOT, made

_PLUGIN = Path(__file__).parent / "plugin"
# What of this process's environment a suite gets.
_KEPT = ("PATH", "LANG", "LC_ALL", "TMPDIR", "SSL_CERT_FILE", "SSL_CERT_DIR")


@frozen
class Run:
    """What became of each test, by its id, and how long it took together."""

    tests: dict[str, dict[str, Any]]
    seconds: float

    def count(self, outcome: str) -> int:
        """How many tests came to this outcome."""
        return sum(note["outcome"] == outcome for note in self.tests.values())


def python_of(suite: Suite) -> str:
    """The interpreter of the suite's environment. Raises NotMade."""
    guards = (*PROJECT["dependencies"], *PROJECT["optional-dependencies"]["cli"])
    return made(f"suite-{suite.project}", (*suite.requirements, *guards))


def run(
    suite: Suite, folder: Path, mode: str, only: list[str] | None = None, *, python: str | None = None, workers: int = 2
) -> Run:
    """The suite's tests, or `only` these, with the guard in this mode ("": without it).

    `python` is an interpreter that has what the suite needs; by default there is an environment for it.
    """
    with tempfile.TemporaryDirectory(prefix="guardrails-suite-") as place:
        results = Path(place) / "results.json"
        code = Path(place) / "code"
        code.mkdir()
        # This checkout without its tests: a suite's own package is called `tests`, too.
        for part in ("guardrails", "policies"):
            (code / part).symlink_to(ROOT / part)
        command = [python or python_of(suite), "-m", "pytest", "-q", "-p", "guarded_suite", "-p", "no:cacheprovider"]
        command += ["-n", str(workers), *(only or _arguments(suite, folder))]
        began = time.monotonic()
        done = subprocess.run(
            command,
            cwd=folder,
            env=_environment(Path(place), code, results, mode),
            capture_output=True,
            text=True,
            check=False,
        )
        if not results.exists():
            raise RuntimeError(f"{suite.name} did not run: {(done.stdout + done.stderr)[-3000:]}")
        return Run(json.loads(results.read_text()), time.monotonic() - began)


def _arguments(suite: Suite, folder: Path) -> list[str]:
    if suite.every == 1:
        return [*suite.arguments, *(f"--ignore={path}" for path in suite.without)]
    files = [path.relative_to(folder) for part in suite.arguments for path in (folder / part).rglob("test_*.py")]
    # pytest does not ignore what is named.
    taken = sorted(str(path) for path in files if not any(path.is_relative_to(other) for other in suite.without))
    return taken[:: suite.every]


def _environment(place: Path, code: Path, results: Path, mode: str) -> dict[str, str]:
    return {
        **{name: os.environ[name] for name in _KEPT if name in os.environ},
        "HOME": str(place),
        "PYTHONPATH": os.pathsep.join((str(code), str(_PLUGIN))),
        "GUARDRAILS_APPROVALS": str(place / "approvals"),
        "GUARDED_SUITE_RESULTS": str(results),
        "GUARDED_SUITE_MODE": mode,
    }
