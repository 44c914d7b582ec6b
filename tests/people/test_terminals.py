"""What the commands print at real terminals: narrow, without colour, or too dumb for it."""

from __future__ import annotations

import os
import pty
import subprocess
import sys

import pytest


@pytest.fixture
def seen(site, aws, tmp_path):
    """seen(*arguments, **environment): what `guardrails …` prints at a terminal of 80 columns."""
    (tmp_path / "guardrails.toml").write_text('[log]\npath = "decisions.jsonl"\n')

    def run(*arguments, **more):
        reader, writer = pty.openpty()
        env = {**os.environ, **aws.environment(), "COLUMNS": "80", **more}
        command = [sys.executable, "-m", "guardrails", *arguments]
        with subprocess.Popen(command, stdout=writer, stderr=writer, stdin=subprocess.DEVNULL, env=env, cwd=tmp_path):
            os.close(writer)
            said = b""
            while True:
                try:
                    part = os.read(reader, 65536)
                except OSError:
                    break
                if not part:
                    break
                said += part
        os.close(reader)
        return said.decode().replace("\r\n", "\n")

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
    """A dumb terminal gets no escape sequence at all, and the same words."""
    for command in commands(site):
        said = seen(*command, TERM="dumb")
        assert said.strip(), command
        assert "\x1b" not in said, command


def test_no_colour(seen, site):
    """NO_COLOR leaves no colour; bold may stay."""
    for command in commands(site):
        said = seen(*command, TERM="xterm-256color", NO_COLOR="1")
        assert not [code for code in ("\x1b[31", "\x1b[32", "\x1b[33", "\x1b[1;3") if code in said], command


def test_eighty_columns(seen, site):
    """Tables and sentences fit into 80 columns; the lines of `doctor` and `log` are for grep."""
    for command in commands(site)[:3]:
        said = seen(*command, TERM="dumb")
        assert max(map(len, said.splitlines())) <= 80, said
        assert "live" in said
