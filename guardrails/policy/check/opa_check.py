"""Mistakes that `opa check --strict` finds in the same policies."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterable
from pathlib import Path

from guardrails.errors import PolicyError
from guardrails.evaluate import bundle
from guardrails.evaluate.rego.mistake import Mistake


def mistakes(opa: str, files: Iterable[str]) -> list[Mistake]:
    """What OPA finds, types included (from the schema of the input). Raises PolicyError if OPA gives no answer."""
    schemas = bundle.shipped() / "schemas"
    command = [opa, "check", "--strict", "--max-errors", "1000", "--schema", str(schemas), "--format", "json"]
    # Absolute paths cannot be mistaken for options.
    paths = {str(Path(file).absolute()): file for file in files}
    try:
        done = subprocess.run(  # noqa: S603  (the opa on PATH, without a shell)
            [*command, *paths], capture_output=True, text=True, check=False, timeout=120
        )
        said = done.stderr.strip() or done.stdout.strip()
        # The exit code alone is not believed: where SIGCHLD is ignored, it is 0 in any case.
        if done.returncode == 0 and '"errors"' not in said:
            return []
        errors = json.loads(said)["errors"]
        return [
            Mistake(paths.get(at["file"], at["file"]), at["row"], at["col"], "opa", error["message"])
            for error in errors
            for at in [error.get("location") or {"file": next(iter(paths)), "row": 1, "col": 1}]
        ]
    except (OSError, subprocess.TimeoutExpired, ValueError, KeyError, TypeError) as error:
        raise PolicyError(f"{opa} check gave no answer ({error}); skip it with --no-opa") from error
