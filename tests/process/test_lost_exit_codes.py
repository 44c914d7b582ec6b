"""Where SIGCHLD is ignored, or something else waits for every child, a failed program is not taken for a good one."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys

import pytest

import guardrails
from guardrails.config.load import load
from guardrails.doctor import environment, workers
from guardrails.notify import Notice, targets
from guardrails.notify.outbox import NotDelivered
from guardrails.policy.check import opa_check
from guardrails.system import processes
from guardrails.waiting import ending
from guardrails.waiting.command import feed
from tests.support.environments import ROOT


def _wait_for_all(*_):
    try:
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass
    except ChildProcessError:
        pass


@pytest.fixture(params=["ignored", "waited for elsewhere"])
def lost(request):
    """The exit codes of children are lost."""
    how = signal.SIG_IGN if request.param == "ignored" else _wait_for_all
    before = signal.signal(signal.SIGCHLD, how)
    yield
    signal.signal(signal.SIGCHLD, before)


@pytest.fixture
def program(tmp_path):
    """program(text): a file that runs this shell script."""

    def written(text):
        file = tmp_path / "program"
        file.write_text(f"#!/bin/sh\n{text}\n")
        file.chmod(0o755)
        return str(file)

    return written


def _unless_waited_for(call):
    """Call it until the other part of the process was faster."""
    for _ in range(200):
        if (answer := call()) is not None:
            return answer
    raise AssertionError("its exit code was always known")


def test_the_live_command(lost, site, aws, install, program):
    """A live command that fails names no cluster: whatever else waits for it, no machine goes."""
    install(live={"sources": ["command"], "command": [program("echo green; exit 1")]})
    for machine in (site.blue.instance_ids[0], site.green.instance_ids[0]):
        with pytest.raises(guardrails.CallDenied) as caught:
            site.ec2.terminate_instances(InstanceIds=[machine])
        assert {each.rule for each in caught.value.decision.violations} == {"live-cluster/unknown-live"}
    assert aws.count("TerminateInstances") == 0


def test_the_sentence(site, aws, install, program):
    """The denial says that the exit code is unknown, why, and what helps; with that the same call is decided on."""
    install(live={"sources": ["command"], "command": [program("echo blue")]}, max_fact_age_s=0.5)
    before = signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    try:
        with pytest.raises(guardrails.CallDenied, match="exit code is unknown, because this process ignores SIGCHLD"):
            site.ec2.terminate_instances(InstanceIds=list(site.green.instance_ids))
        assert aws.count("TerminateInstances") == 0
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        site.ec2.terminate_instances(InstanceIds=list(site.green.instance_ids))
    finally:
        signal.signal(signal.SIGCHLD, before)
    assert aws.count("TerminateInstances") == 1


def test_health(lost):
    """A health check that fails is false or unknown, and never true."""
    check = guardrails.health.command(["/bin/sh", "-c", "exit 1"])
    answer = _unless_waited_for(lambda: None if (health := check()).ok is False else health)
    assert (answer.ok, "its exit code is unknown" in answer.why) == (None, True)


def test_a_notice(lost):
    """A command that may have failed did not take the notice, as far as is known."""
    deliver = targets.deliverer(load({"notify": [{"to": "command", "command": ["false"]}]}).notify[0])

    def sentence():
        with pytest.raises(NotDelivered) as caught:
            deliver(Notice("test", "a", 0.0))
        return None if "exit code 1" in str(caught.value) else str(caught.value)

    assert "its exit code is unknown" in _unless_waited_for(sentence)


def test_a_long_document_is_fed(program, tmp_path):
    """A document that is longer than a pipe holds arrives whole; a program that reads none of it ends as it likes."""
    document = json.dumps({"text": "x" * 1_000_000}).encode()
    feed([program(f"cat > {tmp_path}/got")], document, 60, os.environ)
    assert (tmp_path / "got").read_bytes() == document
    feed(["true"], document, 60, os.environ)
    with pytest.raises(subprocess.TimeoutExpired, match="seconds"):
        feed(["sleep", "600"], document, 0.2, os.environ)


def test_another_ones_number_is_not_killed():
    """A program that was waited for elsewhere is not killed: its number may be another's by now."""
    with subprocess.Popen(["true"], start_new_session=True) as program:
        os.waitpid(program.pid, 0)
        killed = []
        real = os.killpg
        os.killpg = lambda *given: killed.append(given)
        try:
            processes.end_all(program)
        finally:
            os.killpg = real
        assert killed == []
        with pytest.raises(processes.ExitCodeUnknown):
            ending.exit_code(program, 5)


def test_the_doctor_goes_by_words(lost, program, monkeypatch):
    """A Python without the guard is not taken for one that has it."""
    assert workers._has_guard(sys.executable)
    assert not workers._has_guard(program("exit 1"))
    monkeypatch.setattr(environment.sys, "executable", program("exit 1"))
    assert environment._activated("environment", "x.pth").state == "problem"


def test_opa_finds_mistakes(lost, program):
    """What `opa check` prints counts, not that it seems to have ended well."""
    opa = program("""echo '{"errors": [{"message": "var c is unsafe"}]}' >&2; exit 1""")
    assert [each.message for each in opa_check.mistakes(opa, ["a.rego"])] == ["var c is unsafe"]


def test_a_plan_of_a_script_that_fails(aws, tmp_path):
    """Nothing is saved for a script that failed, also where the parent of the command ignores SIGCHLD."""
    (tmp_path / "script.py").write_text("raise SystemExit(7)")
    done = subprocess.run(
        [sys.executable, "-m", "guardrails", "run", "--plan", "--save", "plan.json", "script.py"], cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)}, capture_output=True, text=True, check=False,
        preexec_fn=lambda: signal.signal(signal.SIGCHLD, signal.SIG_IGN),
    )  # fmt: skip
    assert done.returncode == 1
    assert "the script ended with exit code 7" in done.stderr
    assert not (tmp_path / "plan.json").exists()
