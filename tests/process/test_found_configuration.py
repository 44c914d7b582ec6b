"""A program keeps the configuration that it was started with, wherever it and its children go."""

from __future__ import annotations

import sys

import pytest

GREEN_IS_LIVE = '[live]\nsources = ["env"]\nenv = "LIVE_CLUSTER"\n[log]\nenabled = false\n[state]\nenabled = false\n'
CALL = """
import sys, boto3
boto3.client("ec2").terminate_instances(InstanceIds=sys.argv[2:])
"""
GOES_ELSEWHERE = "import os, sys\nos.chdir(sys.argv[1])\n" + CALL
ITS_CHILD_DOES = f"""
import subprocess, sys
child = subprocess.run([sys.executable, "-c", {CALL!r}, *sys.argv[1:]], cwd=sys.argv[1])
sys.exit(child.returncode)
"""
RELATIVELY = {"GUARDRAILS_CONFIG": "guardrails.toml"}


@pytest.fixture
def elsewhere(tmp_path):
    """A folder with a configuration of its own, in which nothing is blocked."""
    folder = tmp_path / "elsewhere"
    folder.mkdir()
    (folder / "guardrails.toml").write_text('mode = "warn"\n[log]\nenabled = false\n[state]\nenabled = false\n')
    return folder


CASES = {
    "run": ({}, GOES_ELSEWHERE),
    "run, a child": ({}, ITS_CHILD_DOES),
    "run, named relatively": (RELATIVELY, GOES_ELSEWHERE),
    "activate": ({}, GOES_ELSEWHERE),
    "activate, named relatively": (RELATIVELY, GOES_ELSEWHERE),
    "activate, a child of a guarded process": ({}, "import boto3" + ITS_CHILD_DOES),
}


@pytest.mark.parametrize("case", CASES)
def test_the_configuration_that_was_found_holds_elsewhere(case, aws, site, execute, environment, tmp_path, elsewhere):
    """After a change of folder, or in a child with another one, the configuration of the start decides."""
    named, code = CASES[case]
    (tmp_path / "guardrails.toml").write_text(GREEN_IS_LIVE)
    (tmp_path / "script.py").write_text(code)
    words = ["script.py", elsewhere, site.green.instance_ids[0]]
    if case.startswith("activate"):
        execute(environment, "-m", "guardrails", "activate")
        command = [environment, *words]
    else:
        command = [sys.executable, "-m", "guardrails", "run", *words]
    done = execute(*command, LIVE_CLUSTER="green", **named)
    assert "green is live" in done.stderr, done.stderr
    assert aws.count("TerminateInstances") == 0
    # With the other one it is sent.
    execute(*command, LIVE_CLUSTER="green", GUARDRAILS_CONFIG=str(elsewhere / "guardrails.toml"))
    assert aws.count("TerminateInstances") == 1


def test_no_file_is_found_later(aws, site, execute, tmp_path, elsewhere):
    """Where `run` found no file, the defaults hold also where the script finds one."""
    (tmp_path / "guardrails.toml").unlink()
    (tmp_path / "script.py").write_text(GOES_ELSEWHERE)
    done = execute(
        sys.executable, "-m", "guardrails", "run", "script.py", elsewhere, site.blue.instance_ids[0],
        XDG_STATE_HOME=str(tmp_path / "state"),
    )  # fmt: skip
    assert done.returncode == 3, done.stderr
    assert aws.count("TerminateInstances") == 0


def test_run_warns_of_a_configuration_that_others_may_write(aws, site, execute, tmp_path):
    """A file that was found, and that every user may change, is named once."""
    (tmp_path / "guardrails.toml").chmod(0o666)
    (tmp_path / "script.py").write_text("import boto3; boto3.client('ec2')")
    done = execute(sys.executable, "-m", "guardrails", "run", "script.py")
    assert done.stderr.count("may be written by every user") == 1
