"""The project's own tests in another Python, with everything in its newest version."""

from __future__ import annotations

import os
import re
import subprocess

from guardrails.values import frozen
from tests.support.environments import PROJECT, ROOT, made

# What depends on the interpreter: hooks, tracebacks, threads, forks, signals, files, text. A few minutes each.
CHOSEN = (
    "tests/calls/test_must_block.py",
    "tests/intercept/test_seal.py",
    "tests/intercept/test_user_agent.py",
    "tests/intercept/test_wire.py",
    "tests/process/test_config.py",
    "tests/process/test_decision_log.py",
    "tests/process/test_history.py",
    "tests/process/test_install.py",
    "tests/process/test_interruptions.py",
)


@frozen
class Tests:
    """How many passed, and the ids of those that did not."""

    passed: int
    failed: tuple[str, ...]
    output: str

    @property
    def word(self) -> str:
        """For the table."""
        return f"{self.passed} passed" + (f", {len(self.failed)} failed" if self.failed else "")


def requirements() -> tuple[str, ...]:
    """Those of the package and of its extras for development, without itself."""
    extras = PROJECT["optional-dependencies"]
    wanted = [*PROJECT["dependencies"]]
    for name in ("cli", "demo", "opa", "signing", "dev"):
        wanted += [one for one in extras[name] if not one.startswith("botocore-guardrails")]
    return tuple(wanted)


def run(python: str, files: tuple[str, ...] = CHOSEN) -> Tests:
    """Run these files with the interpreter. Raises NotMade."""
    its_python = made("own-tests", requirements(), python)
    command = [its_python, "-m", "pytest", "-q", "-n", "2", "-p", "no:cacheprovider", *files]
    # The package itself is not installed there, and tests start processes in other folders.
    own = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, cwd=ROOT, env=own, capture_output=True, text=True, check=False)
    passed = re.search(r"(\d+) passed", done.stdout)
    failed = tuple(re.findall(r"^(?:FAILED|ERROR) (\S+)", done.stdout, re.MULTILINE))
    if done.returncode and not failed:
        failed = (f"pytest ended with {done.returncode}",)
    return Tests(int(passed[1]) if passed else 0, failed, done.stdout[-20_000:] + done.stderr[-2_000:])
