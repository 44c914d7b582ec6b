"""Where nothing can be written (Lambda, a read-only container): install() says so, and there is a way without files."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys

import pytest

import guardrails
from guardrails.config.settings import IN_MEMORY
from guardrails.memory import SqliteStore, StateUnavailable

# A path below a file cannot be made, not even by the superuser.
NO_FOLDER = "/dev/null/home"
SCRIPT = """
import boto3, guardrails
guardrails.install({config})
ec2 = boto3.client("ec2")
try:
    ec2.terminate_instances(InstanceIds=["{id}"])
except guardrails.CallDenied as denied:
    print("denied", denied.decision.violations[0].rule)
"""


def _run(aws, script, **environment):
    """A process with an unwritable home, in a folder that it does not write to."""
    kept = {name: value for name, value in os.environ.items() if name not in ("XDG_STATE_HOME", "HOME")}
    return subprocess.run(
        [sys.executable, "-c", script],
        env={**kept, **aws.environment(), "HOME": NO_FOLDER, **environment},
        cwd="/",
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


def test_install_says_it_in_one_sentence(aws, site):
    """Without a writable home, install() fails with one sentence that names both ways out, before any call."""
    done = _run(aws, SCRIPT.format(config="", id=site.blue.instance_ids[0]))
    (said,) = [line for line in done.stderr.splitlines() if line.startswith("guardrails.errors.ConfigError")]
    assert "the decision log /dev/null/home/.local/state/guardrails/decisions.jsonl cannot be opened" in said
    assert 'to "-" (standard error)' in said
    assert '":memory:"' in said
    assert aws.count("TerminateInstances") == 0


def test_without_files(aws, site):
    """With the log on standard error and the state in memory, the guard works, and the log has the decision."""
    config = {"log": {"path": "-"}, "state": {"path": ":memory:"}, "max_fact_age_s": 60}
    done = _run(aws, SCRIPT.format(config=config, id=site.blue.instance_ids[0]))
    assert done.stdout == "denied live-cluster/terminate\n", done.stderr
    entries = [json.loads(line) for line in done.stderr.splitlines() if line.startswith("{")]
    assert [entry["input"]["call"]["operation"] for entry in entries] == ["TerminateInstances"]
    assert aws.count("TerminateInstances") == 0


def test_a_state_that_cannot_be_written(aws, log):
    """state.path is tried at install, not at the first call."""
    with pytest.raises(guardrails.ConfigError, match=r"install\(config\): the state file /dev/null/x/state\.db cannot"):
        guardrails.install({"log": {"path": str(log)}, "state": {"path": "/dev/null/x/state.db"}})


def test_memory_without_a_file(tmp_path, monkeypatch):
    """A state in memory commits, rolls back, serves several threads' transactions in turn, and writes no file."""
    monkeypatch.chdir(tmp_path)
    store = SqliteStore(IN_MEMORY)
    row = "INSERT INTO bucket VALUES ('s', ?, 1, 1)"
    with store.transaction() as connection:
        connection.execute(row, ("kept",))
    with contextlib.suppress(KeyError), store.transaction() as connection:
        connection.execute(row, ("dropped",))
        raise KeyError
    with store.transaction() as connection:
        assert connection.execute("SELECT name FROM bucket").fetchall() == [("kept",)]
        with pytest.raises(StateUnavailable), store.transaction():
            pass
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("command", [["log"], ["report"], ["doctor"]])
def test_commands_say_where_the_log_is(aws, tmp_path, command):
    """Commands that read the log say that it goes to standard error; doctor writes nothing into the folder."""
    (tmp_path / "guardrails.toml").write_text('[log]\npath = "-"\n[state]\npath = ":memory:"\n')
    done = subprocess.run(
        [sys.executable, "-m", "guardrails", *command],
        env={**os.environ, **aws.environment(), "HOME": NO_FOLDER},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert "standard error" in " ".join((done.stdout + done.stderr).split())
    assert "Traceback" not in done.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["guardrails.toml"]
