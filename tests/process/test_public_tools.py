"""Tools that nobody here wrote, as they come from PyPI: stopped at the live cluster, untouched at the other one."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from tests.support.environments import ROOT

POLICY = """
policies:
  - name: clean
    resource: ec2
    filters:
      - "tag:Cluster": {cluster}
    actions:
      - type: terminate
        force: true
"""


def custodian(place, cluster, _):
    """Cloud Custodian, with a policy that terminates by tag."""
    (place / "clean.yml").write_text(POLICY.format(cluster=cluster))
    return ["custodian", "run", "-s", "out", "--cache-period", "0", "--region", "eu-west-1", "clean.yml"]


def aegea(_, __, machines):
    """aegea terminates the machines that it is given."""
    return ["aegea", "terminate", *machines]


def awsdeleter(_, cluster, __):
    """awsdeleter terminates every machine whose name starts with the argument, one call each, without a question."""
    return ["awsdeleter", cluster, "--resource", "ec2", "--force", "--confirm", "yes", "--verbose"]


TOOLS = {"c7n": custodian, "aegea": aegea, "awsdeleter": awsdeleter}


@pytest.fixture(params=[*TOOLS])
def clean(request, aws, site, tmp_path, python_of):
    """clean(cluster, guarded=…): the tool asked to terminate a cluster's machines."""
    name, arguments = request.param, TOOLS[request.param]
    for cluster in (site.blue, site.green):
        named = [{"Key": "Name", "Value": f"{cluster.name}-web"}]
        site.ec2.create_tags(Resources=[*cluster.instance_ids], Tags=named)
    aws.clear()
    folder = Path(python_of(name)).parent
    (tmp_path / "guardrails.toml").write_text('[log]\npath = "decisions.jsonl"\n')
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("AWS_", "GUARDRAILS_"))}
    home = {"PYTHONPATH": str(ROOT), "HOME": str(tmp_path), "AWS_REGION": "eu-west-1"}

    def run(cluster, *, guarded):
        command = arguments(tmp_path, cluster, aws.machines(cluster))
        command[0] = str(folder / command[0])
        if guarded:
            command = [str(folder / "python"), "-m", "guardrails", "run", *command]
        return subprocess.run(
            command,
            cwd=tmp_path,
            env={**kept, **aws.environment(), **home},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=180,
            check=False,
        )

    return run


def test_unguarded(clean, aws, site):
    """Without the guard the live cluster is gone: the other test can fail."""
    assert clean("blue", guarded=False).returncode == 0
    assert aws.count("TerminateInstances")
    assert aws.running("blue") == 0


def test_guarded(clean, aws, site):
    """With it nothing reaches AWS for the live cluster, and the other one's machines are terminated as ever."""
    done = clean("blue", guarded=True)
    assert done.returncode != 0
    assert "Rule live-cluster/terminate" in done.stderr, done.stderr
    assert (aws.count("TerminateInstances"), aws.running("blue")) == (0, 3)
    assert clean("green", guarded=True).returncode == 0
    assert aws.count("TerminateInstances")
    assert (aws.running("green"), aws.running("blue")) == (0, 3)
