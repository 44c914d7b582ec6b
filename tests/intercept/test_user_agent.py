"""A call can be traced from its decision to the request that was sent, to CloudTrail, and back."""

from __future__ import annotations

import gzip
import json
import uuid

import pytest
from click.testing import CliRunner

from guardrails.cli.app import app

AGENT = "Boto3/1.44 md/guardrails#{}"


def events(log):
    return [json.loads(line) for line in log.read_text().splitlines()]


def agents(aws):
    """Operation and User-Agent of every request that reached the server, look-ups left out."""
    requests = [request for request in aws.requests if "guardrails-lookup" not in request.user_agent]
    return [(request.operation, request.user_agent) for request in requests]


def test_the_decision_is_in_the_user_agent(site, aws, install, log):
    """A governed call carries its decision's id, retries carry the same, an ungoverned call carries none."""
    install()
    aws.answer("TerminateInstances", 503, "RequestLimitExceeded", "Request limit exceeded.", times=1)
    site.ec2.terminate_instances(InstanceIds=list(site.green.instance_ids))
    site.ec2.describe_regions()
    (decision,) = events(log)
    (first, one), (second, two), (third, three) = agents(aws)
    assert (first, second, third) == ("TerminateInstances", "TerminateInstances", "DescribeRegions")
    for agent in (one, two):
        assert agent.endswith(f" md/guardrails#{decision['decision_id']}")
        assert agent.startswith("Boto3/")
        assert agent.count("md/guardrails#") == 1
    assert "guardrails" not in three


def test_a_call_that_is_judged_again_carries_the_last_decision(site, aws, install, log):
    """A request that a handler changed has the id of the decision on what was sent."""
    install()
    one, two = site.green.instance_ids

    def change(request, **_):
        request.data["InstanceId.1"] = two

    site.ec2.meta.events.register("request-created.ec2.TerminateInstances", change)
    site.ec2.terminate_instances(InstanceIds=[one])
    first, second, superseded = events(log)
    assert superseded["decision_id"] == first["decision_id"]
    assert second["input"]["call"]["params"] == {"InstanceIds": [two]}
    assert agents(aws)[0][1].endswith(second["decision_id"])
    assert first["decision_id"] not in agents(aws)[0][1]


def record(operation="TerminateInstances", agent="aws-cli/1.46", **more):
    return {
        "eventSource": "ec2.amazonaws.com",
        "eventName": operation,
        "userAgent": agent,
        "eventTime": "2026-11-23T15:22:00Z",
        "awsRegion": "eu-west-1",
        "sourceIPAddress": "198.51.100.7",
        "userIdentity": {"type": "IAMUser", "arn": "arn:aws:iam::123456789012:user/kim"},
        "eventID": str(uuid.uuid4()),
        **more,
    }


@pytest.fixture
def reconcile(tmp_path, log, monkeypatch):
    """reconcile(records): what the command prints, and its exit code."""
    config = tmp_path / "guardrails.toml"
    config.write_text(f'[log]\npath = "{log}"\n')
    monkeypatch.chdir(tmp_path)

    def run(*paths, fmt="json"):
        done = CliRunner().invoke(app, ["log", "reconcile", *map(str, paths), "--format", fmt])
        found = [json.loads(line) for line in done.stdout.splitlines()] if fmt == "json" else done.stdout
        return found, done.stderr, done.exit_code

    return run


@pytest.fixture
def trail(tmp_path):
    """trail(records): a CloudTrail file of them."""

    def write(*records, name="trail.json.gz"):
        file = tmp_path / "trail" / name
        file.parent.mkdir(exist_ok=True)
        file.write_bytes(gzip.compress(json.dumps({"Records": records}).encode()))
        return file

    return write


def test_what_the_guard_let_through_is_reconciled(site, aws, install, log, reconcile, trail):
    """A call with its decision's id did not bypass the guard; the id is read from the request that was sent."""
    install()
    site.ec2.terminate_instances(InstanceIds=list(site.green.instance_ids))
    assert reconcile(trail(record(agent=agents(aws)[0][1]))) == ([], "", 0)


def test_what_went_round_is_listed(site, install, log, reconcile, trail):
    """Calls without an id, with an unknown one, of a blocked call or of another call are listed with the reason."""
    install()
    site.ec2.terminate_instances(InstanceIds=[site.green.instance_ids[0]])
    with pytest.raises(Exception, match="Blocked"):
        site.ec2.terminate_instances(InstanceIds=list(site.blue.instance_ids))
    allowed, blocked = (entry["decision_id"] for entry in events(log))
    file = trail(
        record(),
        record(agent=AGENT.format(uuid.uuid4())),
        record(agent=AGENT.format(blocked)),
        record("StopInstances", AGENT.format(allowed)),
        record(agent=AGENT.format(allowed)),
    )
    found, _, code = reconcile(file)
    assert [one["why"] for one in found] == ["no decision", "unknown decision", "blocked", "another call"]
    assert found[0]["principal"] == "arn:aws:iam::123456789012:user/kim"
    assert found[0]["place"] == f"{file}#0"
    assert code == 1


def test_irrelevant_events_are_left_out(log, reconcile, trail):
    """Ungoverned calls, dry runs, and calls that AWS itself makes are not listed."""
    file = trail(
        record("DescribeInstances"),
        record(errorCode="Client.DryRunOperation"),
        record(userIdentity={"type": "AssumedRole", "invokedBy": "autoscaling.amazonaws.com"}),
        record(eventSource="lambda.amazonaws.com"),
    )
    assert reconcile(file) == ([], "", 0)


def test_a_refused_call_is_listed_as_refused(log, reconcile, trail):
    """A call that bypassed the guard and that AWS refused is listed with AWS's reason."""
    (found,), _, code = reconcile(trail(record(errorCode="Client.UnauthorizedOperation")))
    assert (found["error"], code) == ("Client.UnauthorizedOperation", 1)


def test_folders_and_lines_are_read(log, reconcile, trail, tmp_path):
    """All files in a folder are read: gzipped or not, with Records, or with one event per line."""
    trail(record(), name="one.json.gz")
    (tmp_path / "trail" / "two.json").write_text(json.dumps({"Records": [record()]}))
    (tmp_path / "trail" / "three.jsonl").write_text(f"{json.dumps(record())}\n\n{json.dumps(record())}\n")
    found, said, _ = reconcile(tmp_path / "trail")
    assert (len(found), said) == (4, "")


def test_what_cannot_be_read_is_said_with_its_place(log, reconcile, tmp_path):
    """A broken file or line is named, and the rest is read."""
    folder = tmp_path / "trail"
    folder.mkdir()
    (folder / "a.json.gz").write_bytes(b"\x1f\x8bnot gzip")
    (folder / "b.jsonl").write_text(f"{json.dumps(record())}\nhalf a li")
    (folder / "c.json").write_text('{"other": 1}')
    found, said, code = reconcile(folder)
    assert (len(found), code) == (1, 1)
    assert f"{folder / 'a.json.gz'}: cannot be read" in said
    assert f"{folder / 'b.jsonl'}:2: not an event" in said
    assert f"{folder / 'c.json'}: has no Records" in said
    assert reconcile(tmp_path / "nothing")[2] == 2


def test_the_list_for_people(log, reconcile, trail):
    """On a terminal it is a line per call, and the number at the end."""
    said, _, code = reconcile(trail(record()), fmt="pretty")
    assert "ec2:TerminateInstances  eu-west-1  arn:aws:iam::123456789012:user/kim  198.51.100.7" in said
    assert said.endswith("1 governed call bypassed the guard (0 decisions known)\n")
    assert code == 1
