"""The source `command`: live is what a program prints."""

from __future__ import annotations

import os
import sys
import time

import pytest

import guardrails
from guardrails.config.load import load
from guardrails.resolve import program
from tests.support.sources import assert_protects, seen_by


@pytest.fixture
def script(tmp_path):
    """script(text): the command that runs this shell script."""

    def written(text):
        (tmp_path / "which-live").write_text(f"#!/bin/sh\n{text}\n")
        (tmp_path / "which-live").chmod(0o755)
        return [str(tmp_path / "which-live")]

    return written


def test_what_it_prints(aws, install, script):
    """The clusters that it prints are live and stay; the others may go."""
    blue, green = aws.start_cluster("blue", 1), aws.start_cluster("green", 1)
    command = script("echo blue # and a comment")
    live, report = seen_by("command", aws, install, command=command)
    assert (live.clusters, live.known, live.disputed) == (("blue",), True, False)
    assert report.evidence == f"{command[0]} names blue"
    assert_protects("command", aws, install, blue, green, command=command)


def test_no_shell(site, aws, install, script, tmp_path):
    """Arguments are passed as they are: what a shell would run is not run."""
    command = [*script('printf "%s" "$1"'), f"blue,$(touch {tmp_path}/ran);x"]
    assert (
        f"blue,$(touch {tmp_path}/ran);x".split(",")[0] in seen_by("command", aws, install, command=command)[0].clusters
    )
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize(
    ("text", "problem"),
    [("echo green; exit 3", "exit code 3"), ("kill -9 $$", "exit code -9"), ("exec sleep 60", "did not end within")],
)
def test_a_program_that_fails(text, problem, site, aws, install, script):
    """With another exit code, or too late, it is silent; the deadline of look-ups holds, and nothing of it is left."""
    before = time.monotonic()
    live, report = seen_by("command", aws, lambda **c: install(lookup_timeout_s=2, **c), command=script(text))
    assert time.monotonic() - before < 10
    assert (report.silent, live.known, live.disputed) == (True, True, False)
    assert live.clusters == ("blue",)
    assert problem in report.evidence


@pytest.mark.parametrize(
    ("text", "problem"),
    [(None, "could not be started"), ("exec yes", "printed more than"), ("printf '\\377'", "UTF-8")],
)
def test_what_cannot_be_asked_or_read(text, problem, site, aws, install, script, tmp_path):
    """Where it cannot be started, or prints no names, it is not known what is live: the other side stays, too."""
    command = script(text) if text else [str(tmp_path / "nothing")]
    live, report = seen_by("command", aws, install, command=command)
    assert not live.known
    assert report.blind
    assert problem in report.evidence
    install(live={"sources": ["eip", "command"], "command": command})
    with pytest.raises(guardrails.CallDenied, match=problem):
        site.ec2.terminate_instances(InstanceIds=list(site.green.instance_ids))
    assert aws.count("TerminateInstances") == 0


def test_it_runs_beside_the_look_ups(site, aws, install, script):
    """Two decisions within the age of facts start it once."""
    marks = script('echo x >> "$0.runs"; echo blue')
    guard = install(live={"sources": ["command"], "command": marks})
    for _ in range(2):
        assert guard.live(aws.client("ec2")).live.clusters == ("blue",)
    with open(f"{marks[0]}.runs") as runs:
        assert runs.read() == "x\n"


def test_a_guarded_program_does_not_start_itself(site, aws, install, monkeypatch):
    """A program that is guarded itself may look, and is denied what could harm: it has no live cluster to go by."""
    code = "import os; print(os.environ['GUARDRAILS_LIVE_COMMAND'], end='')"
    assert seen_by("command", aws, install, command=[sys.executable, "-c", code])[1].clusters == ("1",)
    assert program.MARKER not in os.environ
    monkeypatch.setenv(program.MARKER, "1")
    live, report = seen_by("command", aws, install, command=["false"])
    assert not live.known
    assert report.blind


def test_it_needs_a_command():
    """The source without `live.command` is an error of the configuration."""
    with pytest.raises(guardrails.ConfigError, match=r"source .command. needs `live\.command`"):
        load({"live": {"sources": ["command"]}})
