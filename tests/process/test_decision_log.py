"""The decision log: OPA's shape, secrets masked, written before the exception, several writers, rotation, reading."""

from __future__ import annotations

import base64
import contextlib
import fcntl
import json
import os
import shutil
import signal
import subprocess
import sys
import time
import zlib

import pytest
from botocore.exceptions import ClientError

import guardrails
from guardrails.config.settings import LogSettings
from guardrails.record.decision_log import DecisionLog
from guardrails.record.decision_log import entry as entry_of
from guardrails.record.entries import Entry, read
from guardrails.values import Call, Decision, Outcome

WRITER = """
import sys
from pathlib import Path
from guardrails.config.settings import LogSettings
from guardrails.record.decision_log import DecisionLog
from guardrails.values import Call, Decision, Outcome

log = DecisionLog(LogSettings(path=Path(sys.argv[1]), max_bytes=100_000, keep=50))
call = Call("ec2", "StopInstances", {"InstanceIds": ["i-1"] * 50}, "eu-west-1", "")
for number in range(200):
    log.write(Decision(f"{sys.argv[2]}-{number}", "allow", call, decided_at=1.0), Outcome(True, "allow"), "enforce")
"""


def test_shape(site, install, log):
    """An entry has OPA's members, the whole input and result, the revision, metrics, and what was done."""
    guard = install()
    with pytest.raises(guardrails.CallDenied) as caught:
        site.ec2.stop_instances(InstanceIds=[site.blue.instance_ids[0]])
    entry = json.loads(log.read_text())
    assert entry["decision_id"] == caught.value.decision.id
    assert entry["path"] == "guardrails/main/decision"
    assert entry["bundles"] == {"guardrails": {"revision": guard.revision}}
    assert entry["input"]["call"]["operation"] == "StopInstances"
    assert entry["result"]["violations"][0]["rule"] == "live-cluster/stop"
    assert entry["labels"]["app"] == "guardrails"
    assert entry["timestamp"].endswith("Z")
    assert entry["metrics"]["timer_rego_query_eval_ns"] > 0
    assert entry["custom"]["sent"] is False


def _denial(targets):
    """A denial of a call on so many live machines, each with its own violation, as the policies would write it."""
    ids = [f"i-{number:017x}" for number in range(targets)]
    facts = {"type": "instance", "role": "target", "resolved": True, "clusters": ["blue"], "state": "running"}
    more = {"message": "TerminateInstances would terminate a machine of the live cluster blue " * 3, "action": "deny"}
    return Decision(
        "d-1",
        "deny",
        Call("ec2", "TerminateInstances", {"InstanceIds": ids}, "eu-west-1", ""),
        input={
            "call": {"params": {"InstanceIds": ids}},
            "targets": {name: {**facts, "tags": {"Name": f"web-{name}", "Cluster": "blue"}} for name in ids},
        },
        result={"action": "deny", "violations": [{"rule": "live-cluster/terminate", "target": n, **more} for n in ids]},
        decided_at=1.0,
    )


@pytest.mark.parametrize("targets", [1, 60, 1000])
def test_many_targets(log, targets):
    """A denial of 1,000 targets takes less than 100 kB, names every id in clear, and is read back whole."""
    decision = _denial(targets)
    DecisionLog(LogSettings(path=log)).write(decision, Outcome(False, "deny"), "enforce")
    line = log.read_text()
    assert len(line) < 100_000
    assert all(name in line for name in decision.call.params["InstanceIds"])
    (entry,) = read(log)
    assert entry.document == entry_of(decision, Outcome(False, "deny"), "enforce", {})
    assert len(entry.targets) == len(entry.violations) == targets


def test_damaged_long_lines(log):
    """A long line whose compressed part is damaged is named like any other corrupt line; the others are read."""
    decisions = DecisionLog(LogSettings(path=log))
    for _ in range(2):
        decisions.write(_denial(1000), Outcome(False, "deny"), "enforce")
    first, second = log.read_text().splitlines()
    document = json.loads(first)
    other = base64.b64encode(zlib.compress(b"[1]")).decode()
    for damaged in ("", "AAAA", document["compressed"][:-40], 7, None, other):
        log.write_text(json.dumps({**document, "compressed": damaged}) + "\n" + second + "\n")
        sentence, entry = read(log)
        assert sentence == f"{log}:1: not a decision; the line is left out"
        assert len(entry.targets) == 1000


def test_allows_and_failures_are_logged(site, aws, install, log):
    """Allowed calls, dry runs and calls that could not be decided are in the log; ungoverned ones are not."""
    install()
    site.ec2.describe_instances()
    with pytest.raises(ClientError, match="DryRunOperation"):
        site.ec2.stop_instances(InstanceIds=[site.blue.instance_ids[0]], DryRun=True)
    site.ec2.terminate_instances(InstanceIds=[site.green.instance_ids[0]])
    aws.answer("DescribeInstances", 403, "UnauthorizedOperation", "no")
    with pytest.raises(guardrails.GuardUnavailable):
        site.ec2.terminate_instances(InstanceIds=[site.green.instance_ids[1]])
    entries = [json.loads(line)["custom"] for line in log.read_text().splitlines()]
    assert [entry["sent"] for entry in entries] == [True, True, False]
    assert entries[2]["failures"][0]["permission"] == "ec2:DescribeInstances"


@pytest.mark.parametrize("params", [{"UserData": {"Value": b"hunter2"}}, {"Attribute": "userData", "Value": "hunter2"}])
def test_secrets_are_masked(site, install, log, params):
    """User data never reaches the log, and the entry says what was masked."""
    install(mode="dryrun")
    site.ec2.stop_instances(InstanceIds=[site.blue.instance_ids[0]])
    # The simulated AWS refuses the text form, which is not base64; it was decided and logged before.
    with contextlib.suppress(ClientError):
        site.ec2.modify_instance_attribute(InstanceId=site.blue.instance_ids[0], **params)
    text = log.read_text()
    assert "hunter2" not in text
    assert "aHVudGVyMg" not in text
    assert json.loads(text.splitlines()[-1])["masked"]


def test_several_processes_append(tmp_path):
    """Four processes that append and rotate lose no line and mix none."""
    path = tmp_path / "log.jsonl"
    writers = [subprocess.Popen([sys.executable, "-c", WRITER, str(path), str(number)]) for number in range(4)]
    assert [writer.wait(timeout=60) for writer in writers] == [0] * 4
    entries = list(read(path, keep=50))
    assert all(isinstance(entry, Entry) for entry in entries)
    assert len({entry.decision_id for entry in entries}) == 800
    assert (tmp_path / "log.jsonl.1").stat().st_size <= 100_000


def test_a_fork_while_a_line_is_written_holds_nobody_up(tmp_path):
    """A process that is forked in the middle of a write does not go on holding the log's lock."""
    log = DecisionLog(LogSettings(path=tmp_path / "log"))
    with log._locked():
        if (child := os.fork()) == 0:
            time.sleep(60)
            os._exit(0)
    try:
        log.write(Decision("d", "allow", Call("ec2", "X", {}, "", "")), Outcome(True, "allow"), "enforce")
    finally:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
    assert len((tmp_path / "log").read_text().splitlines()) == 1


def test_a_log_that_another_process_holds(site, aws, install, log, monkeypatch):
    """A lock that is never given back is a denial with its reason, not a wait without end."""
    install()
    monkeypatch.setattr("guardrails.record.decision_log._PATIENCE_S", 0.2)
    with log.with_name(f"{log.name}.lock").open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        with pytest.raises(guardrails.GuardUnavailable, match="another process has locked it"):
            site.ec2.terminate_instances(InstanceIds=[site.green.instance_ids[0]])
    assert not aws.count("TerminateInstances")


def test_unwritable_log_is_refused_at_install(tmp_path):
    """A log that cannot be opened is a ConfigError, not a surprise at the first decision."""
    (tmp_path / "file").write_text("")
    with pytest.raises(guardrails.ConfigError, match="decision log"):
        guardrails.install({"log": {"path": str(tmp_path / "file" / "log.jsonl")}})


def test_a_log_that_breaks_blocks(site, aws, install, log):
    """When the log can no longer be written, a call that would be allowed is blocked: it would leave no trace."""
    install()
    log.unlink()
    log.mkdir()
    with pytest.raises(guardrails.GuardUnavailable, match="decision log"):
        site.ec2.terminate_instances(InstanceIds=list(site.green.instance_ids))
    assert aws.count("TerminateInstances") == 0


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can be somebody else for a moment")
def test_a_folder_that_may_not_be_entered(tmp_path):
    """What nobody may look at is no empty log: it is said."""
    path = tmp_path / "closed" / "log.jsonl"
    path.parent.mkdir(mode=0o700)
    path.write_text("")
    tmp_path.chmod(0o755)
    os.seteuid(65534)
    try:
        with pytest.raises(guardrails.ConfigError, match="cannot read the decision log"):
            list(read(path))
    finally:
        os.seteuid(0)


def test_corrupt_lines_are_named(tmp_path):
    """A line that is no decision is reported with its place, and the others are read."""
    path = tmp_path / "log.jsonl"
    log = DecisionLog(LogSettings(path=path))
    decision = Decision("one", "allow", Call("ec2", "StopInstances", {}, "", ""), decided_at=1.0)
    log.write(decision, Outcome(send=True, enforcement="allow"), "enforce")
    with path.open("a") as file:
        file.write('{"half": \n')
    log.write(decision, Outcome(send=True, enforcement="allow"), "enforce")
    first, second, third = read(path)
    assert second == f"{path}:2: not a decision; the line is left out"
    assert (first.decision_id, third.decision_id) == ("one", "one")


def test_a_log_folder_that_was_deleted(site, aws, install, tmp_path):
    """The folder of the log is made again; nothing governed is blocked, and nothing is sent without a record."""
    folder = tmp_path / "logs"
    guard = install(log={"path": str(folder / "decisions.jsonl")})
    shutil.rmtree(folder)
    site.ec2.terminate_instances(InstanceIds=[site.green.instance_ids[0]])
    assert aws.count("TerminateInstances") == 1
    (entry,) = read(guard.settings.log.path)
    assert entry.sent
