"""What every test shares: one simulated AWS, a clean account for each test, a guard that logs to a folder."""

from __future__ import annotations

import gc
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
from guardrails.memory.buckets import Bucket
from guardrails.memory.rate_limits import BALANCERS
from guardrails.testing import Cluster, SimulatedAWS
from tests.support import cases, environments, pages, service_models
from tests.support import dynalite as dynamodb
from tests.support.saved_world import SavedWorlds

# How long an example takes means nothing on a machine that others use as well.
settings.register_profile("patient", settings(), deadline=None)
settings.load_profile("patient")
environments.leave_the_machine_out()
service_models.read_once()

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    # A shell without job control makes its background jobs ignore Ctrl-C, and their children inherit that: no test
    # could interrupt what it starts. CI may run like that.
    signal.signal(signal.SIGINT, signal.default_int_handler)

# A test that uses one of these fixtures needs software of other people.
TOOLS = {"browser", "dynalite", "opa", "opa_versions_built", "python_of"}


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Mark those tests `tools`, before pytest selects by markers; of a whole run, leave out what a release adds."""
    for item in items:
        if TOOLS.intersection(getattr(item, "fixturenames", ())):
            item.add_marker(pytest.mark.tools)
    if not config.getoption("every_case") and config.args == config.getini("testpaths"):
        left_out = {id(item) for item in cases.left_out(items)}
        config.hook.pytest_deselected(items=[item for item in items if id(item) in left_out])
        items[:] = [item for item in items if id(item) not in left_out]


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--every-case", action="store_true", help="leave no test out (tests/support/cases.py)")


@pytest.fixture(scope="module", autouse=True)
def _look_at_new_objects_only() -> None:
    """Garbage collections of a test file skip what is there for good: all tests, service models, clients kept."""
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="session")
def _server() -> Iterator[SimulatedAWS]:
    with SimulatedAWS() as server:
        yield server


@pytest.fixture(scope="session")
def worlds() -> SavedWorlds:
    """worlds.once(name, build): an account with what `build` makes, which is built once."""
    return SavedWorlds()


@pytest.fixture
def aws(_server: SimulatedAWS, monkeypatch: pytest.MonkeyPatch) -> SimulatedAWS:
    """A simulated account with nothing in it; the process has no other credentials or endpoints."""
    for name, value in _server.environment().items():
        monkeypatch.setenv(name, value)
    _server.reset()
    return _server


@pytest.fixture
def log(tmp_path: Path) -> Path:
    """Where this test's decision log lies."""
    return tmp_path / "decisions.jsonl"


# In these folders every guard tries its canaries, as in a program; elsewhere that would take half of the suite's time.
WITH_CANARIES = {"process", "intercept", "people"}
# Only there look-ups of load balancers wait as AWS wants it: tests make in a second the calls that take people minutes.
WITH_ELB_LIMITS = {"test_many_balancers"}


@pytest.fixture
def install(log: Path, request: pytest.FixtureRequest) -> Iterator[Any]:
    """install(**config): the guard with its log in the test's folder; taken out again afterwards.

    Evidence may be a minute old, and look-ups may take as long, but where a test says otherwise: a machine that stalls
    for some seconds is no reason for a denial. An OPA server has the first number in its bundle.
    """

    def make(**config: Any) -> guardrails.Guard:
        patient = {} if config.get("engine") == "opa" else {"max_fact_age_s": 60}
        with pytest.MonkeyPatch.context() as patch:
            if request.path.parent.name not in WITH_CANARIES:
                patch.setattr(guardrails.Guard, "self_test", lambda _: {})
            return guardrails.install({"log": {"path": str(log)}, "lookup_timeout_s": 60, **patient, **config})

    with pytest.MonkeyPatch.context() as limits:
        for name in BALANCERS if request.path.stem not in WITH_ELB_LIMITS else ():
            limits.setitem(BALANCERS, name, Bucket(name, 100_000, 100_000))
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
    """The path of a real OPA: the one on PATH, else the one that `.ci/run` built."""
    program = shutil.which("opa") or shutil.which("opa", path=str(environments.CACHE))
    if program is None:
        environments.skip("there is no opa on PATH (.ci/run builds one)")
    return program


# Beside the one on PATH: the oldest and the newest that are supported.
OTHER_OPAS = ("1.0.0", "1.22.3")


@pytest.fixture(scope="session")
def opa_versions_built() -> list[str]:
    """The paths of the oldest and the newest OPA that `.ci/run` built."""
    found = [environments.CACHE / f"opa-{version}" / "opa" for version in OTHER_OPAS]
    missing = [str(program) for program in found if not program.is_file()]
    if missing:
        environments.skip(f"{' and '.join(missing)} are missing (.ci/run builds them)")
    return [*map(str, found)]


@pytest.fixture
def opa_on_path(opa: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """For what looks for `opa` on PATH by itself."""
    monkeypatch.setenv("PATH", str(Path(opa).parent), prepend=os.pathsep)


@pytest.fixture(scope="session")
def python_of() -> Callable[[str], str]:
    """python_of(name): the interpreter of an environment from tests/support/environments.py."""
    return environments.python_of


@pytest.fixture(scope="session")
def dynalite() -> Iterator[str]:
    """The address of a DynamoDB without tables, which all tests of the session share."""
    with dynamodb.running(dynamodb.program()) as url:
        yield url


@pytest.fixture(scope="session")
def browser() -> str:
    """The path of a Chromium."""
    program = pages.browser()
    if program is None:
        # CI goes on without: the pictures are for readers.
        pytest.skip("there is no Chromium on PATH")
    return program


@pytest.fixture(scope="session")
def run() -> Callable[..., str]:
    """run(program, *arguments): its standard output; a failure shows what it said."""

    def execute(*command: str) -> str:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    return execute
