"""`guardrails doctor`: what works in this setup, and what does not."""

from __future__ import annotations

import ast
import json
import os
import re
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
from guardrails.config.load import load
from guardrails.config.settings import SOURCES, LiveSettings, Settings
from guardrails.doctor import fit, import_name, pipeline, policies
from guardrails.doctor.permissions import trials
from guardrails.enforce.break_glass.grant import environment_value
from guardrails.resolve import balancers, lists, live
from guardrails.resolve.capacity import capacity
from guardrails.resolve.live import asks
from guardrails.resolve.resources import registry
from tests.engines.test_reloading import RULE


@pytest.fixture
def place(tmp_path):
    """A folder with a configuration and a policy folder."""
    (tmp_path / "own").mkdir()
    (tmp_path / "own" / "quiet.rego").write_text(RULE.replace("CALL", "nothing"))
    (tmp_path / "guardrails.toml").write_text('policies = ["own"]\n[log]\npath = "decisions.jsonl"\n')
    return tmp_path


@pytest.fixture(autouse=True)
def only_what_a_test_is_about(request, monkeypatch):
    """What takes most of the time is left out, but in tests with `fit` in their name: the configuration, packages."""
    if "fit" not in request.node.name:
        monkeypatch.setattr(fit, "examine", lambda *_: ())
        monkeypatch.setattr(import_name, "packages_distributions", dict)
    monkeypatch.setattr(pipeline, "_ROUNDS", 1)


@pytest.fixture
def guard(place):
    yield guardrails.install(str(place / "guardrails.toml"))
    guardrails.uninstall()


def doctor(place, code=0):
    """The findings by what they are about; checks that the lines for people have the same."""
    examine, kept = cli_doctor.examine, []

    def examine_and_keep(*arguments):
        for finding in examine(*arguments):
            kept.append(finding)
            yield finding

    command = ["doctor", "--config", str(place / "guardrails.toml")]
    with mock.patch.object(cli_doctor, "examine", examine_and_keep):
        done = CliRunner().invoke(app, [*command, "--format", "json"])
    assert done.exit_code == code, done.output
    with mock.patch.object(cli_doctor, "examine", return_value=kept):
        pretty = CliRunner().invoke(app, command)
    assert pretty.exit_code == code, pretty.output
    findings = {finding["about"]: finding for finding in json.loads(done.stdout)}
    for finding in findings.values():
        assert finding["state"] in pretty.stdout
        assert finding["about"] in pretty.stdout
    problems = sum(finding["state"] == "problem" for finding in findings.values())
    title = "No problems" if not problems else "1 problem" if problems == 1 else f"{problems} problems"
    assert pretty.stdout.splitlines()[-1].partition(",")[0] == title
    return findings


def stop(site):
    site.ec2.stop_instances(InstanceIds=[site.green.instance_ids[0]])


def test_a_process_that_is_up_to_date(place, guard, site):
    """A process that used the policies on disk for its last decision is ok, with the time since it loaded them."""
    stop(site)
    findings = doctor(place)
    mine = next(finding for about, finding in findings.items() if about.startswith(f"process {os.getpid()}"))
    assert mine["state"] == findings["policies"]["state"] == findings["configuration"]["state"] == "ok"
    assert mine["facts"]["revision"] == findings["policies"]["facts"]["revision"] == guard.revision
    assert time.time() - mine["facts"]["loaded_at"] < 600


def test_a_process_that_is_behind(place, guard, site):
    """A broken edit is a problem, on disk and in the process that keeps the last good policies, with its reason."""
    guard._engine._interval_s = guard._engine._settle_s = 0.0
    stop(site)
    (place / "own" / "quiet.rego").write_text("package guardrails.quiet\n\ndeny contains")
    guard._engine._next = 0.0
    stop(site)
    findings = doctor(place, code=1)
    mine = next(finding for about, finding in findings.items() if about.startswith(f"process {os.getpid()}"))
    assert (mine["state"], findings["policies"]["state"]) == ("problem", "problem")
    assert "quiet.rego:3" in mine["sentence"]
    assert "quiet.rego:3" in findings["policies"]["sentence"]
    assert mine["facts"]["revision"] == guard.revision


def test_an_edit_that_no_process_has_seen(place, guard, site):
    """A process without a decision since an edit is a note, because its next decision uses the edit."""
    stop(site)
    (place / "own" / "quiet.rego").write_text(RULE.replace("CALL", "other"))
    findings = doctor(place)
    mine = next(finding for about, finding in findings.items() if about.startswith(f"process {os.getpid()}"))
    assert mine["state"] == "note"


def test_policies_that_slow_every_decision_down(place):
    """A policy that cannot be merged with the others is a note with its place, its fix and the cost; others are not."""
    settings = load(place / "guardrails.toml")
    assert not [finding for finding in policies.examine(settings, time.time()) if "speed" in finding.about]
    slow = (
        RULE.replace("CALL", "nothing") + '\n\nfits if input.call.service == "x"\n\nodd if fits with input.call as {}\n'
    )
    (place / "own" / "quiet.rego").write_text(slow)
    note = next(finding for finding in policies.examine(settings, time.time()) if "speed" in finding.about)
    line = next(number for number, text in enumerate(slow.splitlines(), 1) if text.startswith("odd"))
    assert note.state == "note"
    assert f"quiet.rego:{line}: uses `with` in a rule; give a function the value instead. " in note.sentence
    assert "4 times the processor time" in note.sentence


def test_processes_that_ended_are_not_shown(place, site, aws):
    """A script that has ended is not shown, because nothing about it can be fixed."""
    script = (
        "import boto3, guardrails; guardrails.install('guardrails.toml');"
        f"boto3.client('ec2').stop_instances(InstanceIds=['{site.green.instance_ids[0]}'])"
    )
    environment = {**os.environ, **aws.environment()}
    subprocess.run([sys.executable, "-c", script], cwd=place, env=environment, check=True)
    assert len((place / "decisions.jsonl").read_text().splitlines()) == 1
    assert not [about for about in doctor(place) if about.startswith("process")]


def test_a_configuration_that_does_not_load(place):
    """A broken configuration is one finding with its place, and the other checks still run."""
    (place / "guardrails.toml").write_text("mode = 'enforced'\n")
    findings = doctor(place, code=1)
    assert "guardrails.toml:1" in findings["configuration"]["sentence"]


def test_a_mode_that_does_not_block_is_pointed_out(place):
    """A mode that does not block is a note."""
    (place / "guardrails.toml").write_text("mode = 'dryrun'\n")
    assert doctor(place, code=1)["configuration"]["state"] == "note"


def test_each_key_and_its_place(place, site):
    """Every key that a file sets is shown with its value, file and line."""
    findings = doctor(place)
    assert findings["key policies"]["facts"]["where"].endswith("guardrails.toml:1")
    assert findings["key log.path"]["facts"] == {
        "value": str(place / "decisions.jsonl"), "where": f"{place / 'guardrails.toml'}:3",
    }  # fmt: skip


def test_the_pipeline(place, site, aws):
    """The decisions of the self-test and the engine's time are shown; only look-ups reach AWS."""
    findings = doctor(place)
    assert findings["self-test"]["facts"]["rules"]["TerminateInstances"] == ["live-cluster/terminate"]
    assert findings["engine"]["facts"]["median_ms"] > 0
    reads = ("Describe", "List", "Get", "GET ", "Search", "POST /2015-01-01/es/vpcEndpoints/describe")
    assert [each.operation for each in aws.requests if not each.operation.startswith(reads)] == []
    assert (place / "decisions.jsonl").read_text() == ""


@pytest.mark.parametrize("mode", ["warn", "dryrun"])
def test_a_mode_that_would_send_the_self_test(mode, place, site):
    """In a mode that blocks nothing the self-test is a note that says so."""
    with (place / "guardrails.toml").open("a") as file:
        file.write("[state]\nenabled = true\n")
    (place / "guardrails.toml").write_text(f'mode = "{mode}"\n' + (place / "guardrails.toml").read_text())
    finding = doctor(place)["self-test"]
    assert finding["state"] == "note"
    assert f"mode is '{mode}', so calls would be sent" in finding["sentence"]


def test_rules_that_the_configuration_weakens(place, site):
    """Calls of the self-test that `enforcement` lets pass are named."""
    rules = ("live-cluster/terminate", "remaining/minimum", "remaining/share")
    with (place / "guardrails.toml").open("a") as file:
        file.write("[enforcement]\n" + "".join(f'"{rule}" = "dryrun"\n' for rule in rules))
    finding = doctor(place)["self-test"]
    assert (finding["state"], finding["facts"]["sent"]) == ("note", ["TerminateInstances"])


def test_break_glass(place, site, monkeypatch, tmp_path):
    """Break glass in the environment is a note, also if it is refused; the doctor does not announce it."""
    announced = tmp_path / "announced"
    with (place / "guardrails.toml").open("a") as file:
        file.write(f'[break_glass]\ncommand = ["/bin/sh", "-c", "echo >> {announced}"]\n')
    monkeypatch.setenv("GUARDRAILS_BREAK_GLASS", environment_value("INC-42", ["live-cluster/stop"], time.time() + 600))
    findings = doctor(place)
    assert (findings["break glass"]["state"], findings["break glass"]["facts"]["reason"]) == ("note", "INC-42")
    assert findings["self-test"]["state"] == "ok"
    assert not announced.exists()
    monkeypatch.setenv("GUARDRAILS_BREAK_GLASS", "nonsense")
    assert "is refused" in doctor(place)["break glass"]["sentence"]


def test_a_log_that_cannot_be_written(place, site):
    """A decision log that cannot be opened is a problem, because calls are then blocked."""
    (place / "decisions.jsonl").mkdir()
    findings = doctor(place, code=1)
    assert findings["decision log"]["state"] == "problem"
    assert "Is a directory" in findings["processes"]["sentence"]


def test_own_look_ups_of_this_process(place, guard, site, aws):
    """The guard's look-ups are counted as they arrive at the server: those in the log, and this process's requests."""
    aws.clear()
    stop(site)
    arrived = [request.operation for request in aws.requests if request.operation != "StopInstances"]
    finding = doctor(place)["own look-ups"]
    assert finding["state"] == "ok"
    assert finding["facts"]["per_minute"] == len(arrived)
    assert finding["facts"]["this_process"]["ec2:DescribeInstances in eu-west-1"] == arrived.count("DescribeInstances")
    assert "AWS allows 600 a minute" in finding["sentence"]


def test_own_look_ups_near_the_limit(place, site):
    """More than half of what AWS allows in one minute of one account and region is a note, with all three."""
    lines = [
        {"decision_id": str(number), "timestamp": f"2026-11-28T14:{minute}:30Z", "custom": {"lookups": made},
         "input": {"call": {"account": "123456789012", "region": region}}}
        for number, (minute, made, region) in enumerate(
            (("02", 299, "eu-west-1"), ("03", 200, "eu-west-1"), ("03", 200, "eu-west-2"), ("04", 299, "eu-west-2"),
             ("04", 2, "eu-west-2"))
        )
    ]  # fmt: skip
    log = place / "decisions.jsonl"
    log.write_text("".join(json.dumps(line) + "\n" for line in lines[:-1]))
    assert doctor(place)["own look-ups"]["state"] == "ok"
    log.write_text("".join(json.dumps(line) + "\n" for line in lines))
    finding = doctor(place)["own look-ups"]
    assert (finding["state"], finding["facts"]["per_minute"]) == ("note", 301)
    assert "301 in a minute (2026-11-28 14:04 UTC, 123456789012/eu-west-2)" in finding["sentence"]


def test_a_state_that_cannot_be_used(place, site):
    """A broken state file is a problem, because calls that take machines away are then blocked."""
    (place / "state.db").write_bytes(os.urandom(20_000))
    findings = doctor(place, code=1)
    assert findings["state"]["state"] == "problem"
    assert str(place / "state.db") in findings["state"]["sentence"]


def test_nothing_is_remembered(place, site):
    """A disabled log or state is a note."""
    (place / "guardrails.toml").write_text("[log]\nenabled = false\n[state]\nenabled = false\n")
    findings = doctor(place)
    assert (findings["decision log"]["state"], findings["state"]["state"]) == ("note", "note")
    assert findings["own look-ups"]["sentence"] == "none in the decision log"


def test_an_activation_that_broke(place, site, monkeypatch):
    """An activated environment whose Python is not guarded is a problem, with what its hook wrote."""
    monkeypatch.setattr("guardrails.doctor.environment.activated", lambda: place / "x.pth")
    finding = next(entry for about, entry in doctor(place, code=1).items() if about.startswith("environment "))
    assert "its Python is not guarded" in finding["sentence"]


def test_an_unknown_profile(place, site, monkeypatch):
    """An unknown profile is a problem, because AWS cannot be asked; the guard itself works without one."""
    monkeypatch.setenv("AWS_PROFILE", "nope")
    findings = doctor(place, code=1)
    assert "nope" in findings["live cluster"]["sentence"]
    assert findings["live cluster"]["state"] == "problem"
    assert findings["self-test"]["state"] == "ok"


def test_a_broken_aws_configuration(place, site, monkeypatch, tmp_path):
    """An AWS configuration file that cannot be parsed is one sentence."""
    (tmp_path / "config").write_text("not an ini file")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    assert "AWS's own configuration does not load" in doctor(place, code=1)["guard"]["sentence"]


def test_no_connection(place, site, monkeypatch):
    """If all look-ups fail for the same reason, there is one finding."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    findings = doctor(place, code=1)
    assert "all fail with EndpointConnectionError" in findings["look-ups"]["sentence"]
    assert not [about for about in findings if about.startswith("look-up ")]


def test_a_guard_that_is_broken(place, site, monkeypatch):
    """A guard that lets a call of the self-test pass is a problem."""
    monkeypatch.setattr("guardrails.decider.classify", lambda *_: None)
    assert "would have been sent" in doctor(place, code=1)["guard"]["sentence"]


def test_look_ups_that_are_not_permitted(place, site, aws):
    """A missing permission is reported with its IAM action, and what is blocked without it."""
    aws.answer("DescribeRouteTables", 403, "UnauthorizedOperation", "no")
    findings = doctor(place)
    assert findings["look-up ec2:DescribeRouteTables"]["state"] == "note"
    assert "allow the IAM action ec2:DescribeRouteTables" in findings["look-up ec2:DescribeRouteTables"]["sentence"]
    assert "changes of routes" in findings["look-up ec2:DescribeRouteTables"]["sentence"]
    aws.answer("ListStackResources", 403, "AccessDenied", "no")
    assert "changes of stacks" in doctor(place)["look-up cloudformation:ListStackResources"]["sentence"]
    aws.answer("DescribeAddresses", 403, "UnauthorizedOperation", "no")
    findings = doctor(place, code=1)
    assert findings["look-up ec2:DescribeAddresses"]["state"] == "problem"
    assert findings["live cluster"]["state"] == "problem"


def test_nothing_is_permitted_yet(place, site, aws):
    """For a role without permissions every missing one is reported, not only the first."""
    for operation in ("DescribeInstances", "DescribeAddresses", "DescribeRouteTables"):
        aws.answer(operation, 403, "UnauthorizedOperation", "no")
    findings = doctor(place, code=1)
    states = {operation: findings[f"look-up ec2:{operation}"]["state"] for operation in
              ("DescribeInstances", "DescribeAddresses", "DescribeRouteTables")}  # fmt: skip
    assert states == {"DescribeInstances": "problem", "DescribeAddresses": "problem", "DescribeRouteTables": "note"}
    assert "every call that could hurt a cluster is blocked" in findings["look-up ec2:DescribeInstances"]["sentence"]


def test_the_home_region(place, site, aws):
    """The evidence in the home region is checked too."""
    (place / "guardrails.toml").write_text(f'home_region = "us-west-2"\n{(place / "guardrails.toml").read_text()}')
    finding = doctor(place, code=1)["home region us-west-2"]
    assert finding["state"] == "problem"
    assert "Nothing that users reach is here" in finding["sentence"]


def test_what_is_not_known_without_a_look_up(place, site, aws):
    """A look-up that only launches use blocks nothing; for others the finding says what is blocked."""
    aws.answer("GetServiceQuota", 400, "AccessDeniedException", "no")
    aws.answer("GetResources", 403, "AccessDenied", "no")
    findings = doctor(place)
    quotas = findings["look-up servicequotas:GetServiceQuota"]["sentence"]
    assert "allow the IAM action servicequotas:GetServiceQuota" in quotas
    assert "launches are not compared with the account's quotas" in quotas
    assert "such as a cache, are blocked" in findings["look-up tag:GetResources"]["sentence"]


TRIALS = trials("aws", "eu-west-1", "123456789012", asks(LiveSettings(sources=SOURCES)))


def test_what_proves_nothing(place, site, aws):
    """An error that does not depend on permissions, such as throttling, is one note per reason."""
    for operation in ("GetResources", "DescribeAutoScalingGroups"):
        aws.answer(operation, 400, "ThrottlingException", "slow down")
    findings = doctor(place)
    assert "look-ups" not in findings
    unclear = findings["look-ups that end in ThrottlingException"]
    assert unclear["state"] == "note"
    assert unclear["facts"]["permissions"] == ["autoscaling:DescribeAutoScalingGroups", "tag:GetResources"]


@pytest.mark.every(1)
def test_every_look_up_is_tried():
    """Every look-up in the sources of the resolvers is tried, and no other."""
    needed = set()
    files = [*Path(registry.__file__).parent.glob("*.py"), *Path(capacity.__file__).parent.glob("*.py")]
    files += Path(live.__file__).parent.glob("*.py")
    for path in [*files, Path(balancers.__file__), Path(lists.__file__)]:
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id.endswith("ookup"):
                names = [argument.value for argument in node.args if isinstance(argument, ast.Constant)]
                needed |= {name for name in names if re.match("(Describe|List|Get|Search)[A-Z]", name)}
    tried = {trial.lookup.operation for trial in TRIALS}
    # This one is named beside the health of clusters; the parameter is asked for as it is, a bucket if there is one.
    assert tried == needed - {"GetParameter", "GetBucketTagging"} | {"DescribeInstanceStatus"}


@pytest.mark.every(1)
def test_every_trial_says_what_is_blocked_without_it():
    """No look-up of a resolver is left with the sentence for those that have none of their own."""
    assert [trial.lookup.operation for trial in TRIALS if trial.without.startswith("calls that need")] == []


@pytest.mark.parametrize("trial", TRIALS, ids=lambda trial: trial.lookup.permission)
def test_each_look_up_is_one_that_aws_knows(trial):
    """A trial has parameters, and they are valid in botocore's model of the operation."""
    service = botocore.session.get_session().get_service_model(trial.lookup.service)
    shape = service.operation_model(trial.lookup.operation).input_shape
    assert not botocore.validate.ParamValidator().validate(dict(trial.lookup.params), shape).has_errors()
    assert trial.lookup.params


def test_the_evidence_of_each_source(place, site):
    """Each source is shown with its evidence and age; a source without a cluster is a note, and so is a dispute."""
    findings = doctor(place)
    assert findings["live cluster"]["facts"] == {"known": True, "disputed": False, "clusters": ["blue"]}
    assert site.blue.public_ips[0] in findings["source eip"]["sentence"]
    assert findings["sources"]["state"] == "note"
    with (place / "guardrails.toml").open("a") as file:
        file.write('[live]\nsources = ["eip", "env"]\nenv = "NOT_SET_HERE"\n')
    findings = doctor(place)
    assert findings["source env"]["state"] == "note"
    assert findings["live cluster"]["facts"]["disputed"]


def test_a_configuration_that_does_not_fit(place, aws):
    """It names a source that sees more than the listed ones, a tag that looks like a cluster's, machines of none."""
    with (place / "guardrails.toml").open("a") as file:
        file.write('[live]\nsources = ["target-group", "env"]\nenv = "NOT_SET_HERE"\n')
    aws.start_cluster("web", 3, addresses=1, cluster_tag="aws:autoscaling:groupName")
    aws.start_cluster("green", 2, cluster_tag="Service")
    findings = doctor(place, code=1)
    assert findings["source eip"]["facts"] == {"clusters": ["asg/web"], "without": ["target-group", "env"]}
    assert findings["source eip"]["sentence"].startswith("not among [live] sources, but it sees asg/web (asg/web holds")
    assert findings["cluster tags"]["facts"] == {"like_a_cluster": ["Service"]}
    assert findings["machines without a cluster"]["sentence"] == (
        "2 machines belong to no cluster; what harms them needs a confirmation (params.untagged)"
    )
    strict = fit.examine(aws.client("ec2"), Settings(params={"untagged": "deny"}))
    assert [each.sentence for each in strict if "what harms them is blocked" in each.sentence]


def test_a_configuration_that_fits(place, site):
    """Nothing is said where the sources see what is live and every machine has a cluster."""
    assert not {"cluster tags", "machines without a cluster", "source elb", "source asg"} & doctor(place).keys()


def test_no_cluster_is_known(place, aws):
    """If no source knows the live cluster, that is a problem: scripts are blocked. The sentence names the parameter."""
    finding = doctor(place, code=1)["live cluster"]
    assert finding["state"] == "problem"
    assert "the parameter nothing_live counts" in finding["sentence"]


def test_this_process(place, guard, site, monkeypatch):
    """In a guarded process the guard is on, and code that wraps its gates is reported."""
    assert doctor(place)["this process"]["state"] == "ok"
    before = Endpoint.make_request

    def mine(self, *arguments):
        return before(self, *arguments)

    monkeypatch.setattr(Endpoint, "make_request", mine)
    assert "Endpoint.make_request" in doctor(place)["this process"]["sentence"]


def test_bypasses(place, site, monkeypatch):
    """Libraries that sign requests themselves, imported or installed, and programs in other languages are reported."""
    monkeypatch.setitem(sys.modules, "aws_requests_auth", sys)
    (place / "libcloud").mkdir()
    (place / "libcloud" / "__init__.py").write_text("")
    monkeypatch.syspath_prepend(str(place))
    (place / "terraform").write_text("#!/bin/sh\n")
    (place / "terraform").chmod(0o755)
    (place / "aws").write_bytes(b"\x7fELF")
    (place / "aws").chmod(0o755)
    monkeypatch.setenv("PATH", str(place))
    facts = doctor(place)["bypasses"]["facts"]
    assert facts == {"imported": ["aws_requests_auth"], "installed": ["libcloud"], "programs": ["terraform", "aws"]}
    (place / "aws").write_text("#!/usr/bin/python3\n")
    assert doctor(place)["bypasses"]["facts"]["programs"] == ["terraform"]


def test_workers(place, site, monkeypatch):
    """Worker pools that are installed, and other Pythons on PATH without guardrails, are reported as not guarded."""
    tools = place / "tools"
    tools.mkdir()
    monkeypatch.setenv("PATH", str(tools))
    before = doctor(place)["workers"]["facts"]
    (place / "celery").mkdir()
    (place / "celery" / "__init__.py").write_text("")
    monkeypatch.syspath_prepend(str(place))
    for name, answer in (("python", "yes"), ("python3", "no")):
        (tools / name).write_text(f"#!/bin/sh\necho {answer}\n")
        (tools / name).chmod(0o755)
    found = doctor(place)["workers"]
    assert found["state"] == "note"
    pools = sorted([*before["pools"], "celery"])
    assert (before["pythons"], "celery" in before["pools"]) == ([], False)
    assert found["facts"] == {"pools": pools, "pythons": [str(tools / "python3")], "flags": []}
    assert "Celery's workers (celery is installed)" in found["sentence"]
    assert "guardrails activate" in found["sentence"]
