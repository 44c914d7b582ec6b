"""Programs that are run as a user runs them, against the simulated AWS."""

from __future__ import annotations

import os
import subprocess
import sysconfig
import venv

import pytest

from tests.support.environments import ROOT


@pytest.fixture
def execute(aws, site, tmp_path):
    """execute(*command): run it against the simulated AWS, its log in the test's folder; nothing may reach blue."""
    (tmp_path / "guardrails.toml").write_text(f'[log]\npath = "{tmp_path / "decisions.jsonl"}"\n')

    def run(*command, **more):
        environment = {key: value for key, value in os.environ.items() if not key.startswith(("AWS_", "GUARDRAILS_"))}
        environment |= {**aws.environment(), "PYTHONPATH": str(ROOT), **more}
        return subprocess.run(
            [str(part) for part in command],
            env={key: value for key, value in environment.items() if value is not None},
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )

    return run


@pytest.fixture
def environment(tmp_path):
    """A virtual environment with guardrails in it, and its Python."""
    folder = tmp_path / "env"
    venv.create(folder, symlinks=True)
    site = next(folder.glob("lib/python*/site-packages"))
    # What is installed for these tests is visible there, too, and this checkout.
    (site / "these.pth").write_text(f"{sysconfig.get_path('purelib')}\n{ROOT}\n")
    return folder / "bin" / "python"
