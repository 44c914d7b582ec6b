"""`guardrails doctor`: which policies are in force, on disk and in the processes that decide."""

from __future__ import annotations

import ast
import json
import os
import subprocess
import sys
import time
from pathlib import Path
from unittest import mock

import botocore.session
import botocore.validate
import pytest
from botocore.endpoint import Endpoint
from click.testing import CliRunner

import guardrails
from guardrails.cli import doctor as cli_doctor
from guardrails.cli.app import app
from guardrails.doctor.permissions import trials
from guardrails.enforce.break_glass.grant import environment_value
from guardrails.resolve.capacity import capacity
from guardrails.resolve.resources import registry
from tests.engines.test_reloading import RULE


@pytest.fixture
def place(tmp_path):
    """A configuration with a folder of policies."""
    (tmp_path / "own").mkdir()
    (tmp_path / "own" / "quiet.rego").write_text(RULE.replace("CALL", "nothing"))
    (tmp_path / "guardrails.toml").write_text('policies = ["own"]\n[log]\npath = "decisions.jsonl"\n')
    return tmp_path


@pytest.fixture
def guard(place):
    yield guardrails.install(str(place / "guardrails.toml"))
    guardrails.uninstall()


def doctor(place, code=0):
    """Doctor's findings by their subject; the text for people shows the same ones."""
    examine, findings = cli_doctor.examine, []

    def examine_and_keep(*arguments):
        for finding in examine(*arguments):
            findings.append(finding)
            yield finding

    command = ["doctor", "--config", str(place / "guardrails.toml")]
    with mock.patch.object(cli_doctor, "examine", examine_and_keep):
        done = CliRunner().invoke(app, [*command, "--format", "json"])
    assert done.exit_code == code, done.output
    with mock.patch.object(cli_doctor, "examine", return_value=findings):
        pretty = CliRunner().invoke(app, command)
    assert pretty.exit_code == code, pretty.output
    found = {one["about"]: one for one in json.loads(done.stdout)}
    for one in found.values():
        assert one["state"] in pretty.stdout
        assert one["about"] in pretty.stdout
    ill = sum(one["state"] == "ill" for one in found.values())
    assert pretty.stdout.splitlines()[-1].startswith(f"{ill} ill" if ill else ("Nothing is ill", "All is well"))
    return found


def stop(site):
    site.ec2.stop_instances(InstanceIds=[site.green.instance_ids[0]])


def test_a_process_that_is_up_to_date(place, guard, site):
    """A process whose last decision was by the policies on disk is well, with the time since they were loaded."""
    stop(site)
    found = doctor(place)
    mine = next(one for about, one in found.items() if about.startswith(f"process {os.getpid()}"))
    assert mine["state"] == found["policies"]["state"] == found["configuration"]["state"] == "well"
    assert mine["facts"]["revision"] == found["policies"]["facts"]["revision"] == guard.revision
    assert time.time() - mine["facts"]["loaded_at"] < 600


def test_a_process_that_is_behind(place, guard, site):
    """A broken edit shows as ill, on disk and in the process that keeps the last good policies, with its reason."""
    guard._engine._interval_s = guard._engine._settle_s = 0.0
    stop(site)
    (place / "own" / "quiet.rego").write_text("package guardrails.quiet\n\ndeny contains")
    guard._engine._next = 0.0
    stop(site)
    found = doctor(place, code=1)
    mine = next(one for about, one in found.items() if about.startswith(f"process {os.getpid()}"))
    assert (mine["state"], found["policies"]["state"]) == ("ill", "ill")
    assert "quiet.rego:3" in mine["sentence"]
    assert "quiet.rego:3" in found["policies"]["sentence"]
    assert mine["facts"]["revision"] == guard.revision


def test_an_edit_that_no_process_has_seen(place, guard, site):
    """A process that decided nothing since an edit is a note, not an illness: its next decision takes it over."""
    stop(site)
    (place / "own" / "quiet.rego").write_text(RULE.replace("CALL", "other"))
    found = doctor(place)
    mine = next(one for about, one in found.items() if about.startswith(f"process {os.getpid()}"))
    assert mine["state"] == "note"


def test_processes_that_ended_are_not_shown(place, site, aws):
    """Only what still runs can be mended: a script that ended is left out."""
    script = (
        "import boto3, guardrails; guardrails.install('guardrails.toml');"
        f"boto3.client('ec2').stop_instances(InstanceIds=['{site.green.instance_ids[0]}'])"
    )
    environment = {**os.environ, **aws.environment()}
    subprocess.run([sys.executable, "-c", script], cwd=place, env=environment, check=True)
    assert len((place / "decisions.jsonl").read_text().splitlines()) == 1
    assert not [about for about in doctor(place) if about.startswith("process")]


def test_a_configuration_that_does_not_load(place):
    """A broken configuration is one finding with its place, not the end of the command."""
    (place / "guardrails.toml").write_text("mode = 'enforced'\n")
    found = doctor(place, code=1)
    assert "guardrails.toml:1" in found["configuration"]["sentence"]


def test_a_mode_that_does_not_block_is_pointed_out(place):
    """A guard that only watches is a note."""
    (place / "guardrails.toml").write_text("mode = 'dryrun'\n")
    assert doctor(place, code=1)["configuration"]["state"] == "note"


def test_each_key_and_its_place(place, site):
    """Every key that a file sets is shown with its value, file and line."""
    found = doctor(place)
    assert found["key policies"]["facts"]["where"].endswith("guardrails.toml:1")
    assert found["key log.path"]["facts"] == {
        "value": str(place / "decisions.jsonl"), "where": f"{place / 'guardrails.toml'}:3",
    }  # fmt: skip


def test_the_pipeline(place, site, aws):
    """The canaries' verdicts and the engine's measured time are shown; nothing but look-ups reaches AWS."""
    found = doctor(place)
    assert found["canaries"]["facts"]["rules"]["TerminateInstances"] == ["live-cluster/terminate"]
    assert found["engine"]["facts"]["median_ms"] > 0
    assert all(one.operation.startswith(("Describe", "List", "Get", "GET ")) for one in aws.requests)
    assert (place / "decisions.jsonl").read_text() == ""


@pytest.mark.parametrize("mode", ["warn", "dryrun"])
def test_a_mode_that_would_send_the_canaries(mode, place, site):
    """In a mode that blocks nothing it is not said that they are denied."""
    with (place / "guardrails.toml").open("a") as file:
        file.write("[state]\nenabled = true\n")
    (place / "guardrails.toml").write_text(f'mode = "{mode}"\n' + (place / "guardrails.toml").read_text())
    found = doctor(place)["canaries"]
    assert found["state"] == "note"
    assert f"mode is '{mode}', so they would be sent" in found["sentence"]


def test_rules_that_the_configuration_weakens(place, site):
    """Canaries that pass because `enforcement` says so are named."""
    rules = ("live-cluster/terminate", "remaining/minimum", "remaining/share")
    with (place / "guardrails.toml").open("a") as file:
        file.write("[enforcement]\n" + "".join(f'"{rule}" = "dryrun"\n' for rule in rules))
    found = doctor(place)["canaries"]
    assert (found["state"], found["facts"]["sent"]) == ("note", ["TerminateInstances"])


def test_a_broken_glass(place, site, monkeypatch, tmp_path):
    """A glass in the environment is pointed out, and looking announces it to nobody; so is one that is refused."""
    told = tmp_path / "told"
    with (place / "guardrails.toml").open("a") as file:
        file.write(f'[break_glass]\ncommand = ["/bin/sh", "-c", "echo >> {told}"]\n')
    monkeypatch.setenv("GUARDRAILS_BREAK_GLASS", environment_value("INC-42", ["live-cluster/stop"], time.time() + 600))
    found = doctor(place)
    assert (found["break glass"]["state"], found["break glass"]["facts"]["reason"]) == ("note", "INC-42")
    assert found["canaries"]["state"] == "well"
    assert not told.exists()
    monkeypatch.setenv("GUARDRAILS_BREAK_GLASS", "nonsense")
    assert "is refused" in doctor(place)["break glass"]["sentence"]


def test_a_log_that_cannot_be_written(place, site):
    """A decision log that cannot be opened is ill, because calls are blocked then; so is a folder in its place."""
    (place / "decisions.jsonl").mkdir()
    found = doctor(place, code=1)
    assert found["decision log"]["state"] == "ill"
    assert "Is a directory" in found["processes"]["sentence"]


def test_a_state_that_cannot_be_used(place, site):
    """A spoilt state file is ill, because calls that take machines away are blocked then."""
    (place / "state.db").write_bytes(os.urandom(20_000))
    found = doctor(place, code=1)
    assert found["state"]["state"] == "ill"
    assert str(place / "state.db") in found["state"]["sentence"]


def test_nothing_is_remembered(place, site):
    """A log and a state that are switched off are pointed out."""
    (place / "guardrails.toml").write_text("[log]\nenabled = false\n[state]\nenabled = false\n")
    found = doctor(place)
    assert (found["decision log"]["state"], found["state"]["state"]) == ("note", "note")


def test_an_activation_that_broke(place, site, monkeypatch):
    """An activated environment whose Pythons are not guarded is ill: what its hook says is quoted."""
    monkeypatch.setattr("guardrails.doctor.environment.activated", lambda: place / "x.pth")
    found = next(one for about, one in doctor(place, code=1).items() if about.startswith("environment "))
    assert "a Python of it is not guarded" in found["sentence"]


def test_an_unknown_profile(place, site, monkeypatch):
    """A profile that does not exist is ill, because AWS could not be asked; the guard itself works without one."""
    monkeypatch.setenv("AWS_PROFILE", "nope")
    found = doctor(place, code=1)
    assert "nope" in found["live cluster"]["sentence"]
    assert found["live cluster"]["state"] == "ill"
    assert found["canaries"]["state"] == "well"


def test_a_broken_aws_configuration(place, site, monkeypatch, tmp_path):
    """A configuration of AWS's own that cannot be parsed is one sentence."""
    (tmp_path / "config").write_text("not an ini file")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    assert "AWS's own configuration does not load" in doctor(place, code=1)["guard"]["sentence"]


def test_nobody_answers(place, site, monkeypatch):
    """Where no look-up is answered for one and the same reason, that is said once."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    found = doctor(place, code=1)
    assert "all fail with EndpointConnectionError" in found["look-ups"]["sentence"]
    assert not [about for about in found if about.startswith("look-up ")]


def test_a_guard_that_is_broken(place, site, monkeypatch):
    """A guard that lets a canary pass is ill."""
    monkeypatch.setattr("guardrails.pipeline.classify", lambda *_: None)
    assert "would have been sent" in doctor(place, code=1)["guard"]["sentence"]


def test_look_ups_that_are_not_permitted(place, site, aws):
    """A missing permission is named by its IAM action, with what is blocked without it."""
    aws.answer("DescribeRouteTables", 403, "UnauthorizedOperation", "no")
    found = doctor(place)
    assert found["look-up ec2:DescribeRouteTables"]["state"] == "note"
    assert "allow the IAM action ec2:DescribeRouteTables" in found["look-up ec2:DescribeRouteTables"]["sentence"]
    assert "changes of routes" in found["look-up ec2:DescribeRouteTables"]["sentence"]
    aws.answer("DescribeStackResources", 403, "AccessDenied", "no")
    assert "changes of stacks" in doctor(place)["look-up cloudformation:DescribeStackResources"]["sentence"]
    aws.answer("DescribeAddresses", 403, "UnauthorizedOperation", "no")
    found = doctor(place, code=1)
    assert found["look-up ec2:DescribeAddresses"]["state"] == "ill"
    assert found["live cluster"]["state"] == "ill"


def test_nothing_is_permitted_yet(place, site, aws):
    """A role that may nothing is told every permission that it lacks, not only the first."""
    for operation in ("DescribeInstances", "DescribeAddresses", "DescribeRouteTables"):
        aws.answer(operation, 403, "UnauthorizedOperation", "no")
    found = doctor(place, code=1)
    states = {operation: found[f"look-up ec2:{operation}"]["state"] for operation in
              ("DescribeInstances", "DescribeAddresses", "DescribeRouteTables")}  # fmt: skip
    assert states == {"DescribeInstances": "ill", "DescribeAddresses": "ill", "DescribeRouteTables": "note"}
    assert "every call that could hurt a cluster is blocked" in found["look-up ec2:DescribeInstances"]["sentence"]


def test_the_home_region(place, site, aws):
    """What calls without a region are judged by is looked at, too."""
    (place / "guardrails.toml").write_text(f'home_region = "us-west-2"\n{(place / "guardrails.toml").read_text()}')
    found = doctor(place, code=1)["home region us-west-2"]
    assert found["state"] == "ill"
    assert "No source knows which cluster is live" in found["sentence"]


def test_what_is_not_known_without_a_look_up(place, site, aws):
    """A look-up that only launches use blocks nothing; what is blocked without another is said."""
    aws.answer("GetServiceQuota", 400, "AccessDeniedException", "no")
    aws.answer("GetResources", 403, "AccessDenied", "no")
    found = doctor(place)
    quotas = found["look-up servicequotas:GetServiceQuota"]["sentence"]
    assert "allow the IAM action servicequotas:GetServiceQuota" in quotas
    assert "launches are not compared with the account's quotas" in quotas
    assert "such as a database, are blocked" in found["look-up tag:GetResources"]["sentence"]


TRIALS = trials("aws", "eu-west-1", "123456789012")


def test_what_proves_nothing(place, site, aws):
    """An answer that anybody gets, such as a throttling, is no sign of a permission; it is said once a reason."""
    for operation in ("GetResources", "DescribeAutoScalingGroups"):
        aws.answer(operation, 400, "ThrottlingException", "slow down")
    found = doctor(place)
    assert "look-ups" not in found
    said = found["look-ups that end in ThrottlingException"]
    assert said["state"] == "note"
    assert said["facts"]["permissions"] == ["autoscaling:DescribeAutoScalingGroups", "tag:GetResources"]


def test_every_look_up_is_tried():
    """Every look-up in the sources of the resolvers is tried, and no other."""
    needed = set()
    for path in [*Path(registry.__file__).parent.glob("*.py"), *Path(capacity.__file__).parent.glob("*.py")]:
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id.endswith("ookup"):
                # A service, an operation and a member of its answer; what makes the look-ups of one service omits that.
                names = [argument.value for argument in node.args if isinstance(argument, ast.Constant)]
                needed |= {name for name in names if name.startswith(("Describe", "List", "Get"))}
    tried = {trial.lookup.operation for trial in TRIALS}
    assert tried == needed | {"DescribeInstanceStatus"}


def test_every_trial_says_what_is_blocked_without_it():
    """No look-up of a resolver is left with the sentence for those that have none of their own."""
    assert [trial.lookup.operation for trial in TRIALS if trial.without.startswith("calls that need")] == []


@pytest.mark.parametrize("trial", TRIALS, ids=lambda trial: trial.lookup.permission)
def test_each_look_up_is_one_that_aws_knows(trial):
    """A trial's parameters are those of the operation, by botocore's own model, and it asks about one thing at most."""
    service = botocore.session.get_session().get_service_model(trial.lookup.service)
    shape = service.operation_model(trial.lookup.operation).input_shape
    assert not botocore.validate.ParamValidator().validate(dict(trial.lookup.params), shape).has_errors()
    assert trial.lookup.params


def test_the_evidence_of_each_source(place, site):
    """Each source says what it sees and how old that is; one that names nothing is a note, as is a dispute."""
    found = doctor(place)
    assert found["live cluster"]["facts"] == {"known": True, "disputed": False, "clusters": ["blue"]}
    assert site.blue.public_ips[0] in found["source eip"]["sentence"]
    assert found["sources"]["state"] == "note"
    with (place / "guardrails.toml").open("a") as file:
        file.write('[live]\nsources = ["eip", "env"]\nenv = "NOT_SET_HERE"\n')
    found = doctor(place)
    assert found["source env"]["state"] == "note"
    assert found["live cluster"]["facts"]["disputed"]


def test_no_cluster_is_known(place, aws):
    """Where no source knows the live cluster, every destructive call is blocked, and the doctor says so."""
    assert doctor(place, code=1)["live cluster"]["state"] == "ill"


def test_this_process(place, guard, site, monkeypatch):
    """In a guarded process the guard is on, and what stands in front of its gates is named."""
    assert doctor(place)["this process"]["state"] == "well"
    before = Endpoint.make_request

    def mine(self, *arguments):
        return before(self, *arguments)

    monkeypatch.setattr(Endpoint, "make_request", mine)
    assert "Endpoint.make_request" in doctor(place)["this process"]["sentence"]


def test_ways_round(place, site, monkeypatch):
    """A library that signs by itself, imported or only installed, and a program of another language are named."""
    monkeypatch.setitem(sys.modules, "aws_requests_auth", sys)
    (place / "libcloud").mkdir()
    (place / "libcloud" / "__init__.py").write_text("")
    monkeypatch.syspath_prepend(str(place))
    (place / "terraform").write_text("#!/bin/sh\n")
    (place / "terraform").chmod(0o755)
    (place / "aws").write_bytes(b"\x7fELF")
    (place / "aws").chmod(0o755)
    monkeypatch.setenv("PATH", str(place))
    facts = doctor(place)["ways round"]["facts"]
    assert facts == {"imported": ["aws_requests_auth"], "installed": ["libcloud"], "programs": ["terraform", "aws"]}
    (place / "aws").write_text("#!/usr/bin/python3\n")
    assert doctor(place)["ways round"]["facts"]["programs"] == ["terraform"]
