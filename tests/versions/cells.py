"""The cells of the matrix: a Python with some software in it, and what the guard must do there."""

from __future__ import annotations

import os
import subprocess
import tempfile
from pathlib import Path

from guardrails.testing import SimulatedAWS
from guardrails.values import frozen
from tests.support.environments import PROJECT, ROOT, NotMade, made
from tests.versions.asking import ask

_STEPS = ("install", "denied", "passes", "ungoverned", "plan", "child", "log", "command")
_EXTRAS = PROJECT["optional-dependencies"]
_MOTO = next(one for one in _EXTRAS["demo"] if one.startswith("moto["))
_GUARD = (*PROJECT["dependencies"], *_EXTRAS["cli"])


@frozen
class Software:
    """What is installed beside the guard's own requirements, and the steps of the probe that it must pass."""

    name: str
    requires: tuple[str, ...]
    steps: tuple[str, ...] = _STEPS
    # Each requirement, the guard's own as well, in the oldest version that it allows.
    lowest: bool = False
    # The versions to name in the table.
    shown: tuple[str, ...] = ("botocore",)


SOFTWARE = (
    Software("oldest of every dependency", (), lowest=True, shown=("botocore", "attrs", "gordon-to-regorus")),
    Software("oldest botocore", ("boto3==1.35.0", "botocore==1.35.0")),
    Software("newest botocore", ("boto3", "botocore")),
    Software(
        "aiobotocore of 2024",
        ("aiobotocore==2.15.0", "boto3==1.35.16"),
        ("install", "awaited"),
        shown=("aiobotocore", "botocore"),
    ),
    Software(
        "newest aiobotocore", ("aiobotocore[httpx]>=3.10",), ("install", "awaited"), shown=("aiobotocore", "botocore")
    ),
    Software("AWS CLI with botocore beside it", ("awscli<1.46",), ("aws",), shown=("awscli", "botocore")),
    Software("AWS CLI with its own botocore", ("awscli>=1.46",), ("aws",), shown=("awscli",)),
    Software("oldest moto", (_MOTO,), ("simulated",), lowest=True, shown=("moto", "botocore")),
    Software("newest moto", (_MOTO,), ("simulated",), shown=("moto", "botocore")),
)


@frozen
class Cell:
    """What became of one cell: the versions, and what is wrong, by step; `missing` says why it cannot be had."""

    versions: str = ""
    wrong: tuple[tuple[str, str], ...] = ()
    missing: str = ""

    @property
    def word(self) -> str:
        """For the table."""
        if self.missing:
            return "cannot be had"
        return f"works: {self.versions}" if not self.wrong else f"fails: {', '.join(step for step, _ in self.wrong)}"


def cell(software: Software, python: str, aws: SimulatedAWS) -> Cell:
    """Make the environment, and ask it."""
    try:
        its_python = made("cell", (*software.requires, *_GUARD), python, lowest=software.lowest)
    except NotMade as problem:
        return Cell(missing=str(problem))
    with tempfile.TemporaryDirectory(prefix="guardrails-cell-") as folder:
        if software.steps == ("aws",):
            found = {"aws": _cli(its_python, aws, Path(folder))}
        else:
            found = ask(its_python, software.steps, aws, Path(folder))
    wrong = tuple((step, problem) for step, problem in found.items() if problem)
    return Cell(_versions(its_python, software.shown), wrong)


def _versions(python: str, names: tuple[str, ...]) -> str:
    asked = f"from importlib.metadata import version; print(*[n + ' ' + version(n) for n in {names!r}], sep=', ')"
    return subprocess.run([python, "-c", asked], capture_output=True, text=True, check=True).stdout.strip()


def _cli(python: str, aws: SimulatedAWS, folder: Path) -> str:
    """What is wrong with `guardrails run aws`: the live machine stays, the other one goes."""
    aws.reset()
    blue, green = aws.start_cluster("blue", 1, addresses=1), aws.start_cluster("green", 1)
    (folder / "guardrails.toml").write_text(f'[log]\npath = "{folder / "decisions.jsonl"}"\n')
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "GUARDRAILS_", "PYTHON"))}
    own = {**kept, **aws.environment(), "PYTHONPATH": str(ROOT), "HOME": str(folder)}
    command = [python, "-m", "guardrails", "run", str(Path(python).with_name("aws"))]
    for machine, sent in ((blue.instance_ids[0], 0), (green.instance_ids[0], 1)):
        aws.clear()
        arguments = ["ec2", "terminate-instances", "--instance-ids", machine]
        done = subprocess.run([*command, *arguments], cwd=folder, env=own, capture_output=True, text=True, check=False)
        said = (done.stdout + done.stderr)[-800:]
        if aws.count("TerminateInstances") != sent or (done.returncode == 0) != bool(sent):
            return f"{aws.count('TerminateInstances')} requests, not {sent}; exit code {done.returncode}: {said}"
        if not sent and "live-cluster/terminate" not in said:
            return f"another reason: {said}"
    return ""
