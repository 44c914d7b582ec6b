"""The real AWS CLI, with its own botocore inside (from 1.46) and with the shared one (before)."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from tests.support.environments import ROOT

PLUGIN = "[plugins]\nguardrails = guardrails.aws_cli\n"
VERSIONS = ("awscli", "awscli-old")


@pytest.fixture(params=VERSIONS)
def python(request, python_of):
    """An environment with a version of the CLI in it."""
    return Path(python_of(request.param))


@pytest.fixture
def terminate(execute):
    """terminate(command, instance): the finished process of the CLI."""

    def run(*command, instance, **more):
        return execute(*command, "ec2", "terminate-instances", "--instance-ids", instance, **more)

    return run


def check(aws, site, terminate, *command, **more):
    done = terminate(*command, instance=site.blue.instance_ids[0], **more)
    assert done.returncode != 0
    assert "GuardrailsDenied" in done.stderr, done.stderr
    assert "Rule live-cluster/terminate" in done.stderr
    assert aws.count("TerminateInstances") == 0
    done = terminate(*command, instance=site.green.instance_ids[0], **more)
    assert done.returncode == 0, done.stderr
    assert "TerminatingInstances" in done.stdout
    assert aws.count("TerminateInstances") == 1


def test_unguarded(aws, site, terminate, python):
    """Without the guard the CLI terminates the live machine: the other tests here can fail."""
    assert terminate(python.parent / "aws", instance=site.blue.instance_ids[0]).returncode == 0
    assert aws.count("TerminateInstances") == 1


def test_run(aws, site, terminate, python):
    """`guardrails run aws` blocks on the live cluster with a non-zero exit and the message, and passes on the other."""
    check(aws, site, terminate, python, "-m", "guardrails", "run", python.parent / "aws")


def test_run_module(aws, site, terminate, python):
    """So does `guardrails run -m awscli`."""
    check(aws, site, terminate, python, "-m", "guardrails", "run", "-m", "awscli")


def test_plugin(aws, site, terminate, python, tmp_path):
    """So does the CLI alone, with the plugin in its configuration."""
    (tmp_path / "config").write_text(PLUGIN)
    check(aws, site, terminate, python.parent / "aws", AWS_CONFIG_FILE=str(tmp_path / "config"))


def test_plugin_that_cannot_load_ends_the_cli(aws, site, terminate, python, tmp_path):
    """With a broken configuration the CLI ends with the reason, and nothing is sent."""
    (tmp_path / "config").write_text(PLUGIN)
    (tmp_path / "guardrails.toml").write_text("mode = 'enforced'\n")
    plugin = {"AWS_CONFIG_FILE": str(tmp_path / "config")}
    done = terminate(python.parent / "aws", instance=site.blue.instance_ids[0], **plugin)
    assert done.returncode == 2
    assert "guardrails.toml:1" in done.stderr
    assert aws.requests == ()


def test_the_cli_keeps_its_own_botocore(aws, site, python, tmp_path):
    """Under the guard a CLI that ships botocore uses that one, not the one installed beside it."""
    program = tmp_path / "which.py"
    program.write_text("import awscli, botocore; print(botocore.__file__)")
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "GUARDRAILS_CONFIG": ""}
    del environment["GUARDRAILS_CONFIG"]

    def place(*command):
        done = subprocess.run(
            [*map(str, command)], env=environment, cwd=tmp_path, capture_output=True, text=True, check=True
        )
        return done.stdout

    assert place(python, "-m", "guardrails", "run", program) == place(python, program)
