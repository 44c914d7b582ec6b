"""The suites of other people that run with the guard, and where their tests come from."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from guardrails.values import frozen
from tests.support.archives import unpack
from tests.support.environments import CACHE, NotMade

_PYTEST = ("pytest==9.0.3", "pytest-xdist>=3.6")


@frozen
class Suite:
    """Tests of a package. `project` and `version` name the sdist they come with."""

    name: str
    project: str
    version: str
    # What pytest is given, in the folder of the sdist.
    arguments: tuple[str, ...]
    # What the suite needs beside the package itself.
    needs: tuple[str, ...] = ()
    # Why the sdist is of no use; then the tests come from a checkout.
    lacks_tests: str = ""
    # Folders and files that make documentation or read rules for hours, and send nothing.
    without: tuple[str, ...] = ()
    # Where not every test runs: every n-th file of tests.
    every: int = 1

    @property
    def requirements(self) -> tuple[str, ...]:
        """The packages of its environment."""
        return (f"{self.project}=={self.version}", *_PYTEST, *self.needs)


_NO_TESTS = "the sdist of boto3 has no tests: give a checkout with --source"
_AIO_NEEDS = (
    "anyio>=4.11,<5",
    "dill>=0.3.3,<0.5",
    "docker>=7.1,<8",
    "moto[server,s3,sqs,awslambda,dynamodb,cloudformation,sns,batch,ec2,rds]~=5.2",
    "packaging>=24.1",
    "pytest-mock>=3.14.1",
    "time-machine>=2.15,<4",
    "tiny-proxy>=0.3,<0.4",
    "trio>=0.27",
    "trustme>=1.2.1",
    "pip",
    "httpx",
)
_ELSEWHERE = ("tests/functional/docs", "tests/functional/test_endpoint_rulesets.py", "tests/functional/test_smoke.py")
_MOTO = ("moto[all,server]==5.2.5", "freezegun>=1.5")
SUITES = (
    Suite(
        "botocore-unit", "botocore", "1.44.8", ("tests/unit",), ("jsonschema==4.23.0",), without=("tests/unit/docs",)
    ),
    Suite(
        "botocore-functional",
        "botocore",
        "1.44.8",
        ("tests/functional",),
        ("jsonschema==4.23.0",),
        without=_ELSEWHERE,
        every=4,
    ),
    Suite("boto3", "boto3", "1.43.78", ("tests/unit", "tests/functional"), lacks_tests=_NO_TESTS, without=_ELSEWHERE),
    Suite("s3transfer", "s3transfer", "0.19.3", ("tests/unit", "tests/functional")),
    Suite("moto-ec2", "moto", "5.2.5", ("tests/test_ec2",), _MOTO, every=4),
    Suite("moto-elbv2", "moto", "5.2.5", ("tests/test_elbv2",), _MOTO),
    Suite("aiobotocore", "aiobotocore", "3.10.0", ("tests",), _AIO_NEEDS),
)


def folder_of(suite: Suite, given: dict[str, Path]) -> Path:
    """The folder with the tests: the given checkout, else the unpacked sdist. Raises NotMade."""
    if suite.project in given:
        return given[suite.project]
    if suite.lacks_tests:
        raise NotMade(suite.lacks_tests)
    into = CACHE / "sdists"
    folder = into / f"{suite.project}-{suite.version}"
    if not folder.exists():
        into.mkdir(parents=True, exist_ok=True)
        unpack(_download(suite, into), into)
    return folder


def _download(suite: Suite, into: Path) -> Path:
    command = [
        sys.executable,
        "-m",
        "pip",
        "download",
        "-q",
        "--no-deps",
        "--no-binary",
        suite.project,
        "-d",
        str(into),
    ]
    done = subprocess.run([*command, f"{suite.project}=={suite.version}"], capture_output=True, text=True, check=False)
    archive = into / f"{suite.project}-{suite.version}.tar.gz"
    if done.returncode or not archive.exists():
        raise NotMade(f"the sdist cannot be downloaded: {(done.stderr or done.stdout)[-300:]}")
    return archive


# What differs for another reason than a denial: suite, pattern of the test's id, and why.
_SOURCE = "it compares the source of a botocore function that the guard replaces"
KNOWN = (("aiobotocore", r"test_patches\[(BaseClient\._make_api_call|RequestSigner\.sign)-", _SOURCE),)
