"""No call bypasses the guard: each way of sending one is blocked, and reaches the server without the guard."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.bypass import aio_cases, cases, table
from tests.support.environments import ROOT

pytestmark = pytest.mark.every(2)

FOLDER = Path(__file__).parent.parent / "bypass"
BLOCKED = [name for name in cases.CASES if cases.SEEN[name] == "blocked"]
# What they do depends on what the process has imported, or on how it was started: they get a process of their own.
OF_THEIR_OWN = {"imported_later", "imported_again", "reloaded", "spawn", "forkserver", "grandchild", "pool"}
# The account of an unsigned request is unknown, so no rule is asked.
UNDECIDED = ("unsigned",)


def attempt(aws, site, log, name, *, guarded, python=sys.executable, file="cases.py"):
    """Run one case; what it printed, and whether a termination of the live machine reached the server."""
    environment = clean() | variables(aws, site, log, guarded=guarded)
    aws.clear()
    done = subprocess.run(
        [python, FOLDER / file, name], env=environment, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout.split(), arrived(aws, site)


def clean():
    """The environment of this machine, without its credentials and any guard."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("AWS_", "GUARDRAILS_"))}
    return kept | {"PYTHONPATH": str(ROOT)}


def variables(aws, site, log, *, guarded):
    """What a case reads: where the simulated AWS is, the live machine and one of the other cluster."""
    machines = {"BLUE": site.blue.instance_ids[0], "GREEN": site.green.instance_ids[0]}
    return aws.environment() | machines | {"LOG": str(log), "GUARDED": "1" if guarded else "0"}


def arrived(aws, site):
    """Whether a termination of the live machine reached the server."""
    terminations = [request for request in aws.requests if request.operation == "TerminateInstances"]
    return any(site.blue.instance_ids[0] in request.params.values() for request in terminations)


@pytest.fixture(scope="module")
def forks():
    """forks(aws, site, log, name, guarded=…): the same as `attempt`, in a fork of one process."""
    command = [sys.executable, FOLDER / "forks.py"]
    with subprocess.Popen(command, env=clean(), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as parent:

        def run(aws, site, log, name, *, guarded):
            aws.clear()
            print(json.dumps([name, variables(aws, site, log, guarded=guarded)]), file=parent.stdin, flush=True)
            code, printed = json.loads(parent.stdout.readline())
            assert code == 0, printed
            return printed.split(), arrived(aws, site)

        yield run


@pytest.mark.parametrize("name", BLOCKED)
def test_every_way_is_blocked(aws, site, log, name, forks):
    """The server sees no termination of the live machine with the guard, and sees it without."""
    expected = "unavailable" if name in UNDECIDED else "denied"
    run = attempt if name in OF_THEIR_OWN else forks
    assert run(aws, site, log, name, guarded=True) == ([expected], False), cases.TITLES[name]
    assert forks(aws, site, log, name, guarded=False) == (["sent"], True), cases.TITLES[name]


@pytest.mark.parametrize("name", [name for name in cases.CASES if cases.SEEN[name] == "tripwire"])
def test_the_tripwire_reports(aws, site, log, name, monkeypatch):
    """What bypasses every gate is sent, and the tripwire reports it once, in the decision log."""
    monkeypatch.setenv("TRIPWIRE", "1")
    assert attempt(aws, site, log, name, guarded=True) == (["sent"], True)
    (line,) = log.read_text().splitlines()
    entry = json.loads(line)
    assert entry["custom"]["reason"].startswith("tripwire: ")
    assert entry["input"]["call"]["service"] == "ec2"


@pytest.mark.parametrize("name", ["client_method", "innocent", "spawn"])
def test_the_tripwire_is_silent_about_what_came_through(aws, site, log, name, monkeypatch):
    """The tripwire does not report calls and look-ups that passed the gates."""
    monkeypatch.setenv("TRIPWIRE", "1")
    attempt(aws, site, log, name, guarded=True)
    assert aws.requests
    assert "tripwire" not in (log.read_text() if log.exists() else "")


@pytest.mark.parametrize("name", [name for name in cases.CASES if cases.SEEN[name] == "no"])
def test_what_no_hook_can_see(aws, site, log, name):
    """As the coverage page says, these ways reach the server, with the guard and without it."""
    assert attempt(aws, site, log, name, guarded=True) == (["sent"], True)


@pytest.mark.parametrize("name", BLOCKED)
def test_every_way_is_blocked_on_the_oldest_botocore(aws, site, log, name, python_of):
    """The oldest botocore that is allowed has no other ways, and its innocent calls pass."""
    expected = "unavailable" if name in UNDECIDED else "denied"
    python = python_of("oldest")
    assert attempt(aws, site, log, name, guarded=True, python=python) == ([expected], False), cases.TITLES[name]


def test_the_innocent_call_passes(aws, site, log):
    """Terminating a machine of the other cluster works."""
    assert attempt(aws, site, log, "allowed", guarded=True) == (["sent"], False)
    assert aws.count("TerminateInstances") == 1


@pytest.mark.parametrize("environment", ["oldest", "aiobotocore", "aioboto3"])
def test_the_innocent_call_passes_elsewhere(aws, site, log, environment, python_of):
    """It works in every other environment as well."""
    assert attempt(aws, site, log, "allowed", guarded=True, python=python_of(environment)) == (["sent"], False)
    assert aws.count("TerminateInstances") == 1


AIO = [(environment, name) for environment in ("aiobotocore", "aioboto3") for name in aio_cases.CASES]


@pytest.mark.parametrize(("environment", "name"), [pair for pair in AIO if pair != ("aiobotocore", "aio_resource")])
def test_every_asynchronous_way_is_blocked(aws, site, log, environment, name, python_of):
    """The same for aiobotocore, at its newest, and at the version that aioboto3 uses."""
    how = {"python": python_of(environment), "file": "aio_cases.py"}
    assert attempt(aws, site, log, name, guarded=True, **how) == (["denied"], False), aio_cases.TITLES[name]
    assert attempt(aws, site, log, name, guarded=False, **how) == (["sent"], True), aio_cases.TITLES[name]


@pytest.mark.parametrize("environment", ["aiobotocore", "aioboto3"])
def test_an_asynchronous_innocent_call_passes(aws, site, log, environment, python_of):
    """Terminating a machine of the other cluster works, and is decided once."""
    how = {"python": python_of(environment), "file": "aio_cases.py"}
    assert attempt(aws, site, log, "aio_allowed", guarded=True, **how) == (["sent"], False)
    assert aws.count("TerminateInstances") == 1
    assert len(log.read_text().splitlines()) == 1


def test_the_event_loop_goes_on_while_a_call_is_judged(aws, site, log, python_of):
    """While a decision waits for its look-ups, the loop's other tasks run: no pause is as long as half the decision."""
    aws.delay(0.5)
    how = {"python": python_of("aiobotocore"), "file": "aio_cases.py"}
    (kind, took, longest, *_), arrived = attempt(aws, site, log, "loop_goes_on", guarded=True, **how)
    assert (kind, arrived) == ("CallDenied", False)
    assert float(took) > 0.5
    assert float(longest) < float(took) / 2


@pytest.mark.every(1)
def test_the_page_has_every_way():
    """The coverage page's table is the one these tests give, and each way that starts a program has its test."""
    assert table.PART.text.strip() == table.table().strip(), "run python -m tests.bypass.table"
    for file, functions in (*table.STARTED.items(), *table.OPEN.items()):
        text = (FOLDER.parent / "process" / file).read_text()
        assert [function for function in functions if f"\ndef {function}(" not in text] == []
