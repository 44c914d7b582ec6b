"""Virtual environments with other software in them: an older botocore, aiobotocore, the AWS CLI.

Made once in the cache folder. guardrails itself is not installed there: it is imported from this checkout, with its
dependencies beside the other software's.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]

REQUIREMENTS = {
    # The oldest botocore that pyproject.toml allows, and the newest of each other line.
    "oldest": ("boto3==1.35.0", "botocore==1.35.0"),
    "aiobotocore": ("aiobotocore[httpx]>=3.10",),
    "aioboto3": ("aioboto3>=15.5", "httpx"),
    # Public tools that terminate machines.
    "c7n": ("c7n>=0.9.50",),
    "aegea": ("aegea>=4.5",),
    "awsdeleter": ("awsdeleter==0.1.5",),
    "awscli": ("awscli>=1.46",),
    "awscli-old": ("awscli<1.46",),
}


def python_of(name: str) -> str:
    """The interpreter of an environment. Where it cannot be made the test is skipped, and fails in CI."""
    wanted = [*REQUIREMENTS[name], *PROJECT["dependencies"], *PROJECT["optional-dependencies"]["cli"]]
    digest = hashlib.sha256(repr((wanted, sys.version)).encode()).hexdigest()[:12]
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "guardrails-tools"
    folder = cache / f"{name}-{digest}"
    python, done = folder / "bin" / "python", folder / "done"
    cache.mkdir(parents=True, exist_ok=True)
    with (cache / f"{name}-{digest}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not done.exists():
            made = _run(sys.executable, "-m", "venv", "--clear", str(folder))
            made = made or _run(str(python), "-m", "pip", "install", "-q", *wanted)
            if made:
                message = f"the environment {name} cannot be made: {made}"
                if os.environ.get("GUARDRAILS_REQUIRE_OPA"):
                    pytest.fail(message)
                pytest.skip(message)
            done.touch()
    return str(python)


def _run(*command: str) -> str:
    """What went wrong, "" when nothing did."""
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return (done.stderr or done.stdout)[-500:] if done.returncode else ""
