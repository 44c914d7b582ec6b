"""Tools that nobody here wrote, planned and then run without the guard: in order, the plan is what the run does."""

from __future__ import annotations

import itertools
import json
import os
import subprocess
from pathlib import Path

import botocore.session
import pytest
from botocore.serialize import create_serializer

from guardrails.classify.catalogue import Catalogue
from guardrails.planning.planned_ids import is_planned
from guardrails.planning.reads import kind_of
from tests.support.environments import ROOT

POLICIES = """
policies:
  - {name: unused-volumes, resource: ebs, filters: [{Attachments: []}], actions: [delete]}
  - {name: old-snapshots, resource: ebs-snapshot, filters: [{"tag:Keep": absent}], actions: [delete]}
  - name: off-hours
    resource: ec2
    filters: [{"tag:Cluster": green}, {"State.Name": running}]
    actions: [{type: tag, key: Retired, value: "yes"}, stop]
"""
DISK = """#!/bin/sh
set -e
machine=$1
volume=$(aws ec2 create-volume --availability-zone eu-west-1a --size 8 --query VolumeId --output text)
aws ec2 wait volume-available --volume-ids "$volume"
aws ec2 attach-volume --volume-id "$volume" --instance-id "$machine" --device /dev/sdf
"""


def custodian_cleans(place, _, __):
    """Cloud Custodian deletes what nothing uses, tags machines and stops them: each action sees those before it."""
    (place / "clean.yml").write_text(POLICIES)
    return "c7n", ["custodian", "run", "-s", "out", "--cache-period", "0", "--region", "eu-west-1", "clean.yml"]


def aegea_terminates(_, site, __):
    """aegea terminates the machines that it is given."""
    return "aegea", ["aegea", "terminate", *site.green.instance_ids]


def awsdeleter_deletes(_, __, ___):
    """awsdeleter stops and terminates what has a name, one call for each."""
    return "awsdeleter", ["awsdeleter", "green", "--resource", "ec2", "--force", "--confirm", "yes", "--verbose"]


def aec_tags(place, site, _):
    """aec finds a machine and tags it."""
    (place / ".aec").mkdir()
    (place / ".aec" / "ec2.toml").write_text('default_profile = "here"\n[here]\nregion = "eu-west-1"\n')
    return "aec", ["aec", "ec2", "tag", site.green.instance_ids[0], "-t", "Retired=yes", "-t", "Owner=ann"]


def asg_sm_scales(_, __, aws):
    """asg-scaling-manager shares a number of machines out to the groups with a tag."""
    asg = aws.client("autoscaling")
    asg.create_launch_configuration(LaunchConfigurationName="c", ImageId="ami-12345678", InstanceType="t3.micro")
    for name in ("workers-a", "workers-b"):
        asg.create_auto_scaling_group(
            AutoScalingGroupName=name, LaunchConfigurationName="c", MinSize=0, MaxSize=4, DesiredCapacity=1,
            AvailabilityZones=["eu-west-1a"], Tags=[{"Key": "Pool", "Value": "w", "PropagateAtLaunch": True}],
        )  # fmt: skip
    wanted = ["--tag-key", "Pool", "--tag-value", "w", "--desired", "5", "--region", "eu-west-1"]
    return "asg-scaling-manager", ["asg-sm", *wanted]


def the_cli_adds_a_disk(place, site, _):
    """The AWS CLI, in a shell script of an everyday kind: a new disk for a machine."""
    (place / "disk").write_text(DISK.replace("$1", site.green.instance_ids[0]))
    (place / "disk").chmod(0o755)
    return "awscli", [str(place / "disk")]


TOOLS = [custodian_cleans, aegea_terminates, awsdeleter_deletes, aec_tags, asg_sm_scales, the_cli_adds_a_disk]


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
    (tmp_path / "guardrails.toml").write_text('lookup_timeout_s = 60\n[log]\npath = "decisions.jsonl"\n')
    name, command = request.param(tmp_path, site, aws)
    folder = Path(python_of(name)).parent
    # The name of a program of the environment, or a whole path.
    command = [str(folder / command[0]), *command[1:]]
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


def on_the_wire(service, operation, params):
    """A planned call in the form in which it would be sent, without what only marks a repetition of it."""
    model = botocore.session.get_session().get_service_model(service)
    serializer = create_serializer(model.metadata["protocol"], include_validation=False)
    return _plain(serializer.serialize_to_request(params, model.operation_model(operation))["body"])


def _plain(form):
    return {name: str(value) for name, value in form.items() if name not in ("Action", "Version", "ClientToken")}


def made(aws):
    """The calls that arrived and change something, in their order, with all their parameters."""
    catalogue = Catalogue()
    return [
        (each.operation, _plain(each.params))
        for each in aws.requests
        if kind_of(catalogue, each.service, each.operation) != "read"
    ]


def in_order(calls):
    """Calls in their order. Of the same operation one after the other, threads may make the second one first."""
    for _, group in itertools.groupby(calls, key=lambda call: call[0]):
        yield from sorted(group, key=repr)


def test_the_plan_is_what_the_tool_does(tool, aws):
    """Planning sends no change; then the tool alone makes exactly the planned calls: in order, with all parameters.

    An id that the plan made up stands for one of AWS, the same one in every call.
    """
    done = tool("--plan", "--format", "json")
    assert done.returncode in (0, 4), done.stderr
    assert made(aws) == []
    calls = json.loads(done.stdout)["calls"]
    planned = [(each["operation"], on_the_wire(each["service"], each["operation"], each["params"])) for each in calls]
    assert planned
    assert tool().returncode == 0
    arrived = made(aws)
    assert [name for name, _ in arrived] == [name for name, _ in planned]
    real = {}
    for (name, expected), (_, found) in zip(in_order(planned), in_order(arrived), strict=True):
        assert found.keys() == expected.keys(), name
        for key, value in expected.items():
            wanted = real.setdefault(value, found[key]) if is_planned(value) else value
            assert found[key] == wanted, (name, key)
    assert len({*real.values()}) == len(real)
    assert not any(is_planned(each) for each in real.values())


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
