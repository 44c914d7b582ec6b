"""What commands print at real terminals: 80 columns, without colours, or dumb."""

from __future__ import annotations

import os
import pty
import re
import subprocess
import sys

import pytest


@pytest.fixture
def seen(site, aws, tmp_path):
    """seen(*arguments, **environment): what `guardrails …` prints at a terminal, 80 columns wide by default."""
    (tmp_path / "guardrails.toml").write_text('[log]\npath = "decisions.jsonl"\n')

    def run(*arguments, **more):
        reader, writer = pty.openpty()
        env = {**os.environ, **aws.environment(), "COLUMNS": "80", **more}
        command = [sys.executable, "-m", "guardrails", *arguments]
        with subprocess.Popen(command, stdout=writer, stderr=writer, stdin=subprocess.DEVNULL, env=env, cwd=tmp_path):
            os.close(writer)
            printed = b""
            while True:
                try:
                    part = os.read(reader, 65536)
                except OSError:
                    break
                if not part:
                    break
                printed += part
        os.close(reader)
        return printed.decode().replace("\r\n", "\n")

    return run


def commands(site):
    return (
        ["live"],
        ["check", "ec2", "TerminateInstances", f"InstanceIds={','.join(site.blue.instance_ids)}"],
        ["check", "ec2", "TerminateInstances", f"InstanceIds={site.green.instance_ids[0]}"],
        ["doctor"],
        ["log"],
    )


def test_a_dumb_terminal(seen, site):
    """A dumb terminal gets no escape sequences."""
    for command in commands(site):
        printed = seen(*command, TERM="dumb")
        assert printed.strip(), command
        assert "\x1b" not in printed, command


def test_no_colour(seen, site):
    """With NO_COLOR there are no colours; bold is allowed."""
    for command in commands(site):
        printed = seen(*command, TERM="xterm-256color", NO_COLOR="1")
        assert not [code for code in ("\x1b[31", "\x1b[32", "\x1b[33", "\x1b[1;3") if code in printed], command


def test_eighty_columns(seen, site):
    """Tables, sentences and findings fit 80 columns."""
    for command in commands(site)[:4]:
        printed = seen(*command, TERM="dumb")
        # A path is never broken, however long the temporary folder's name is.
        assert not [line for line in printed.splitlines() if len(line) > 80 and len(line.split()) > 1], printed
        assert "live" in printed


def test_the_log_at_a_terminal(seen, site, tmp_path):
    """`log` breaks a decision at 80 columns, never inside an id, and shows it in one line where there is room."""
    machine = site.blue.instance_ids[0]
    (tmp_path / "ops.py").write_text(f"import boto3; boto3.client('ec2').stop_instances(InstanceIds=['{machine}'])")
    seen("run", "ops.py", TERM="dumb")
    narrow = seen("log", TERM="dumb").splitlines()
    (wide,) = re.sub(r"\x1b\[[\d;]*m", "", seen("log", TERM="xterm-256color", COLUMNS="400")).splitlines()
    assert len(narrow) > 1
    assert max(map(len, narrow)) <= 80
    assert " ".join(narrow).split() == wide.split()
    for part in ("deny", "ec2:StopInstances", machine, "cluster blue", "by ops.py", "as ", "live-cluster/stop"):
        assert part in wide
