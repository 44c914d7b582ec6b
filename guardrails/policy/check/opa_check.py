"""What `opa check --strict` says of the same policies."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterable
from pathlib import Path

from guardrails.errors import PolicyError
from guardrails.evaluate import bundle
from guardrails.policy.check.finding import Finding


def findings(opa: str, files: Iterable[str]) -> list[Finding]:
    """Its findings, with the types of the input's schema. Raises PolicyError where it gives no answer."""
    schemas = bundle.shipped() / "schemas"
    command = [opa, "check", "--strict", "--max-errors", "1000", "--schema", str(schemas), "--format", "json"]
    # Absolute, so that no file is taken for an option.
    paths = {str(Path(file).absolute()): file for file in files}
    try:
        done = subprocess.run(  # noqa: S603  (a program of the user's PATH, without a shell)
            [*command, *paths], capture_output=True, text=True, check=False, timeout=120
        )
        if done.returncode == 0:
            return []
        errors = json.loads(done.stderr.strip() or done.stdout)["errors"]
        return [
            Finding(paths.get(at["file"], at["file"]), at["row"], at["col"], "opa", error["message"])
            for error in errors
            for at in [error.get("location") or {"file": next(iter(paths)), "row": 1, "col": 1}]
        ]
    except (OSError, subprocess.TimeoutExpired, ValueError, KeyError, TypeError) as error:
        raise PolicyError(f"{opa} check gave no answer ({error}); leave it out with --no-opa") from error
