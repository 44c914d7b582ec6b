"""Runs tests with `opa test`."""

from __future__ import annotations

import base64
import json
import shutil
import subprocess
import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from guardrails.errors import ConfigError, PolicyError
from guardrails.policy.test.embedded import RegoTestResult
from guardrails.policy.test.suite import RegoTest, Suite


def run(suite: Suite, tests: Iterable[RegoTest]) -> list[RegoTestResult]:
    """The result of each test on the `opa` on PATH, in order; a test that OPA does not run has failed.

    Raises ConfigError if there is no `opa`, PolicyError if it refuses the policies.
    """
    program = shutil.which("opa")
    if program is None:
        raise ConfigError("no `opa` on PATH; install it (https://www.openpolicyagent.org), or use --engine embedded")
    with tempfile.TemporaryDirectory(prefix="guardrails-") as folder:
        results = _results(program, Path(folder), suite)
    return [_result(test, results.get(test.path, [])) for test in tests]


def _results(program: str, folder: Path, suite: Suite) -> Mapping[str, list[Mapping[str, Any]]]:
    # Numbered and in one folder, so that a file that another folder replaces does not come back.
    names = {f"{number:03}.rego": name for number, name in enumerate(suite.bundle.modules)}
    for file, name in names.items():
        (folder / file).write_text(suite.bundle.modules[name], "utf-8")
    (folder / "data.json").write_text(json.dumps(suite.bundle.data), "utf-8")
    done = subprocess.run(  # noqa: S603  (the opa on PATH, without a shell)
        [program, "test", "--format", "json", "."], cwd=folder, capture_output=True, text=True, check=False
    )
    try:
        entries = json.loads(done.stdout)
    except ValueError:
        entries = None
    if not isinstance(entries, list):
        message = " ".join((done.stderr.strip() or done.stdout.strip()).split())
        for file, name in names.items():
            message = message.replace(file, name)
        raise PolicyError(f"opa test refuses these policies: {message}")
    by_test: dict[str, list[Mapping[str, Any]]] = {}
    for entry in entries:
        # OPA numbers several rules of one name: test_x, test_x#01.
        by_test.setdefault(f"{entry['package']}.{str(entry['name']).partition('#')[0]}", []).append(entry)
    return by_test


def _result(test: RegoTest, entries: list[Mapping[str, Any]]) -> RegoTestResult:
    prints = [line for entry in entries for line in base64.b64decode(entry.get("output", "")).decode().splitlines()]
    seconds = sum(entry.get("duration", 0) for entry in entries) / 1e9
    reason = "" if entries else "opa test does not run it"
    for entry in entries:
        if entry.get("error"):
            reason = str(entry["error"].get("message", entry["error"]))
        elif entry.get("fail") or entry.get("skip"):
            reason = "it is not true on OPA"
    return RegoTestResult(test, not reason, reason, tuple(prints), seconds)
