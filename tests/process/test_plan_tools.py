"""Tools that nobody here wrote, planned and then run without the guard: the plan is what the run does, call by call."""

from __future__ import annotations

import json
import os
import re
import subprocess
from pathlib import Path

import pytest

from guardrails.classify.catalogue import Catalogue
from guardrails.planning.reads import kind_of
from tests.support.environments import ROOT

# Ids of AWS, and names that these tests gave: what a call acts on.
NAMED = re.compile(r"\b(?:i|vol|snap|ami|eipalloc)-[0-9a-f]{17}\b|web-(?:blue|green)|Retired")
DELETE_UNUSED = """
policies:
  - {name: unused-volumes, resource: ebs, filters: [{Attachments: []}], actions: [delete]}
  - {name: old-snapshots, resource: ebs-snapshot, filters: [{"tag:Keep": absent}], actions: [delete]}
"""
STOP_AND_TAG = """
policies:
  - name: off-hours
    resource: ec2
    filters: [{"tag:Cluster": green}, {"State.Name": running}]
    actions: [{type: tag, key: Retired, value: "yes"}, stop]
"""


def custodian_cleans(place, _):
    """Cloud Custodian deletes volumes that nothing uses, and snapshots without a tag."""
    (place / "clean.yml").write_text(DELETE_UNUSED)
    return "c7n", ["custodian", "run", "-s", "out", "--cache-period", "0", "--region", "eu-west-1", "clean.yml"]


def custodian_stops(place, _):
    """Cloud Custodian tags machines and stops them: the second action sees what the first one did."""
    (place / "stop.yml").write_text(STOP_AND_TAG)
    return "c7n", ["custodian", "run", "-s", "out", "--cache-period", "0", "--region", "eu-west-1", "stop.yml"]


def aegea_terminates(_, machines):
    """aegea terminates the machines that it is given."""
    return "aegea", ["aegea", "terminate", *machines]


def awsdeleter_deletes(_, __):
    """awsdeleter stops and terminates what has a name, one call for each."""
    return "awsdeleter", ["awsdeleter", "green", "--resource", "ec2", "--force", "--confirm", "yes", "--verbose"]


def the_cli_adds_a_disk(_, __):
    """The AWS CLI, in a shell script of an everyday kind: a new disk for a machine."""
    return "awscli", ["bash", "disk.sh"]


TOOLS = [custodian_cleans, custodian_stops, aegea_terminates, awsdeleter_deletes, the_cli_adds_a_disk]
DISK = """#!/bin/sh
set -e
machine=$1
volume=$(aws ec2 create-volume --availability-zone eu-west-1a --size 8 --query VolumeId --output text)
aws ec2 wait volume-available --volume-ids "$volume"
aws ec2 attach-volume --volume-id "$volume" --instance-id "$machine" --device /dev/sdf
"""


@pytest.fixture(params=TOOLS, ids=lambda tool: tool.__name__)
def tool(request, aws, site, tmp_path, python_of):
    """tool(*before): the tool, perhaps under `guardrails run`."""
    ec2 = site.ec2
    for cluster in (site.blue, site.green):
        named = [{"Key": "Name", "Value": f"{cluster.name}-web"}]
        ec2.create_tags(Resources=[*cluster.instance_ids], Tags=named)
    for _ in range(2):
        volume = ec2.create_volume(AvailabilityZone="eu-west-1a", Size=8)["VolumeId"]
        ec2.create_snapshot(VolumeId=volume)
    (tmp_path / "disk.sh").write_text(DISK)
    (tmp_path / "guardrails.toml").write_text('lookup_timeout_s = 60\n[log]\npath = "decisions.jsonl"\n')
    name, command = request.param(tmp_path, site.green.instance_ids)
    folder = Path(python_of(name)).parent
    (tmp_path / "disk").write_text(DISK.replace("$1", site.green.instance_ids[0]))
    (tmp_path / "disk").chmod(0o755)
    command = [str(tmp_path / "disk")] if command[0] == "bash" else [str(folder / command[0]), *command[1:]]
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("AWS_", "GUARDRAILS_"))}
    home = {"PYTHONPATH": str(ROOT), "HOME": str(tmp_path), "AWS_REGION": "eu-west-1"}
    home["PATH"] = f"{folder}{os.pathsep}{os.environ['PATH']}"

    def run(*before):
        first = [str(folder / "python"), "-m", "guardrails", "run", *before] if before else []
        aws.clear()
        return subprocess.run(
            [*first, *command], cwd=tmp_path, env={**kept, **aws.environment(), **home}, stdin=subprocess.DEVNULL,
            capture_output=True, text=True, timeout=180, check=False,
        )  # fmt: skip

    return run


def made(aws):
    """The calls that arrived and change something, with the ids that they name."""
    catalogue = Catalogue()
    return [
        (each.operation, sorted({*NAMED.findall(json.dumps(dict(each.params)))}))
        for each in aws.requests
        if kind_of(catalogue, each.service, each.operation) != "read"
    ]


def test_the_plan_is_what_the_tool_does(tool, aws):
    """Planning sends no change; then the tool alone makes exactly the planned calls, on the planned things."""
    done = tool("--plan", "--format", "json")
    assert done.returncode in (0, 4), done.stderr
    assert made(aws) == []
    calls = json.loads(done.stdout)["calls"]
    planned = [
        (each["operation"], sorted({*NAMED.findall(json.dumps(each["params"]))}), each["planned"]) for each in calls
    ]
    assert planned
    assert tool().returncode == 0
    # Cloud Custodian deletes in several threads.
    arrived, planned = sorted(made(aws)), sorted(planned)
    # An id that the plan made up stands for one that AWS gives.
    assert [name for name, _ in arrived] == [name for name, _, _ in planned]
    for (_, real), (_, named, made_up) in zip(arrived, planned, strict=True):
        assert len(real) == len(named)
        assert made_up or real == named


def test_clients_of_aiobotocore(aws, site, python_of, tmp_path):
    """Asynchronous clients are planned as well: waiters end, a presigned change is refused, nothing arrives."""
    script = Path(__file__).with_name("aio_plan.py")
    done = subprocess.run(
        [python_of("aiobotocore"), str(script), aws.endpoint_url, *site.green.instance_ids], cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)}, capture_output=True, text=True, timeout=180, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    operations, state, refused = json.loads(done.stdout)
    assert operations == ["TerminateInstances", "TerminateInstances"]
    assert state == "shutting-down"
    assert "is not sent inside a plan" in refused
    assert made(aws) == []
