"""Run tests by the real `opa test`."""

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
from guardrails.policy.test.embedded import Outcome
from guardrails.policy.test.suite import Case, Suite


def run(suite: Suite, cases: Iterable[Case]) -> list[Outcome]:
    """Each test's outcome by the `opa` on PATH, in order; a test that it does not know has failed.

    Raises ConfigError without an `opa`, PolicyError where it refuses the policies.
    """
    program = shutil.which("opa")
    if program is None:
        raise ConfigError("no `opa` on PATH; install it (https://www.openpolicyagent.org), or use --engine embedded")
    with tempfile.TemporaryDirectory(prefix="guardrails-") as folder:
        results = _results(program, Path(folder), suite)
    return [_outcome(case, results.get(case.path, [])) for case in cases]


def _results(program: str, folder: Path, suite: Suite) -> Mapping[str, list[Mapping[str, Any]]]:
    # By number, and in one folder: what a later folder replaces must not come back.
    names = {f"{number:03}.rego": name for number, name in enumerate(suite.bundle.modules)}
    for file, name in names.items():
        (folder / file).write_text(suite.bundle.modules[name], "utf-8")
    (folder / "data.json").write_text(json.dumps(suite.bundle.data), "utf-8")
    done = subprocess.run(  # noqa: S603  (the opa of the person who runs this)
        [program, "test", "--format", "json", "."], cwd=folder, capture_output=True, text=True, check=False
    )
    try:
        entries = json.loads(done.stdout)
    except ValueError:
        entries = None
    if not isinstance(entries, list):
        said = " ".join((done.stderr.strip() or done.stdout.strip()).split())
        for file, name in names.items():
            said = said.replace(file, name)
        raise PolicyError(f"opa test does not run these policies: {said}")
    found: dict[str, list[Mapping[str, Any]]] = {}
    for entry in entries:
        # Several rules of one name are numbered: test_x, test_x#01.
        found.setdefault(f"{entry['package']}.{str(entry['name']).partition('#')[0]}", []).append(entry)
    return found


def _outcome(case: Case, entries: list[Mapping[str, Any]]) -> Outcome:
    prints = [line for entry in entries for line in base64.b64decode(entry.get("output", "")).decode().splitlines()]
    seconds = sum(entry.get("duration", 0) for entry in entries) / 1e9
    reason = "" if entries else "opa test does not run it"
    for entry in entries:
        if entry.get("error"):
            reason = str(entry["error"].get("message", entry["error"]))
        elif entry.get("fail") or entry.get("skip"):
            reason = "it is not true on opa"
    return Outcome(case, not reason, reason, tuple(prints), seconds)
