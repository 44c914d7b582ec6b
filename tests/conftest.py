"""What every test shares: one simulated AWS, a clean account for each test, a guard that logs to a folder."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from attrs import frozen
from hypothesis import settings

import guardrails
from guardrails.testing import Cluster, SimulatedAWS

# How long an example takes says nothing on a machine that others use, too.
settings.register_profile("patient", settings(), deadline=None)
settings.load_profile("patient")

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    # A shell without job control has its background jobs ignore Ctrl-C, and they hand that on to what they start:
    # then nothing that a test starts could be interrupted. CI may run like that.
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session")
def _server() -> Iterator[SimulatedAWS]:
    with SimulatedAWS() as server:
        yield server


@pytest.fixture
def aws(_server: SimulatedAWS, monkeypatch: pytest.MonkeyPatch) -> SimulatedAWS:
    """A simulated account with nothing in it; the process has no other credentials or endpoints."""
    for name in ("AWS_PROFILE", "AWS_SESSION_TOKEN", "GUARDRAILS_CONFIG"):
        monkeypatch.delenv(name, raising=False)
    for name, value in _server.environment().items():
        monkeypatch.setenv(name, value)
    _server.reset()
    return _server


@pytest.fixture
def log(tmp_path: Path) -> Path:
    """Where this test's decision log lies."""
    return tmp_path / "decisions.jsonl"


@pytest.fixture
def install(log: Path) -> Iterator[Any]:
    """install(**config): the guard with its log in the test's folder; taken out again afterwards.

    Evidence may be a minute old, but where a test says otherwise: a machine that stalls for some seconds is no reason
    for a denial. An OPA server has that number in its bundle.
    """

    def make(**config: Any) -> guardrails.Guard:
        patient = {} if config.get("engine") == "opa" else {"max_fact_age_s": 60}
        return guardrails.install({"log": {"path": str(log)}, **patient, **config})

    yield make
    guardrails.uninstall()


@frozen
class BlueGreen:
    """Blue is live: two Elastic IPs on it. Green is half started beside it."""

    blue: Cluster
    green: Cluster
    ec2: Any
    subnet: str


@pytest.fixture
def site(aws: SimulatedAWS) -> BlueGreen:
    """The story's situation, with the requests of setting it up forgotten."""
    blue = aws.start_cluster("blue", 3, addresses=2)
    green = aws.start_cluster("green", 2)
    ec2 = aws.client("ec2")
    found = ec2.describe_instances(InstanceIds=[blue.instance_ids[0]])
    subnet = found["Reservations"][0]["Instances"][0]["SubnetId"]
    aws.clear()
    return BlueGreen(blue, green, ec2, subnet)


@pytest.fixture(scope="session")
def opa() -> str:
    """A real OPA: from PATH, else built once into a cache folder where Go is present, else the test is skipped.

    In CI (GUARDRAILS_REQUIRE_OPA is set) a skip is a failure.
    """
    folder = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "guardrails-tools"
    found = shutil.which("opa") or shutil.which("opa", path=str(folder))
    if found is None and shutil.which("go"):
        subprocess.run(
            ["go", "install", "github.com/open-policy-agent/opa@v1.20.2"],
            env={**os.environ, "GOBIN": str(folder)},
            check=False,
        )
        found = shutil.which("opa", path=str(folder))
    if found is None:
        message = "no opa on PATH, and no Go to build it with"
        if os.environ.get("GUARDRAILS_REQUIRE_OPA"):
            pytest.fail(message)
        pytest.skip(message)
    return found


@pytest.fixture(scope="session")
def run() -> Callable[..., str]:
    """run(program, *arguments): its standard output; a failure shows what it said."""

    def execute(*command: str) -> str:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    return execute
