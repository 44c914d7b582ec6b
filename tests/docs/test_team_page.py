"""The page for a team works: its commands, pasted into one shell, print what it shows."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.docs import test_pages
from tests.support.environments import ROOT
from tests.support.opa_servers import free_port

# The guard answers in time on a machine that others use as well.
PATIENT = ('region = "eu-west-1"\n', 'region = "eu-west-1"\ntimeout_s = 30\n')


@pytest.mark.long
def test_from_nothing_to_a_team(opa, tmp_path):
    """Rule book, table, two hosts, an approval, the log of all hosts and an OPA server, in one shell.

    The installation is .ci/run's to try: here the running environment stands for it.
    """
    steps = test_pages.blocks("team")
    assert steps[0][1].startswith("python3 -m venv .venv")
    commands = [text.replace(*PATIENT) for language, text in steps[1:] if language == "bash"]
    port, mark = str(free_port()), "--- next"
    script = "".join(f"{command}echo ; echo '{mark}'\n" for command in commands).replace("8181", port)
    path = os.pathsep.join((str(Path(sys.executable).parent), str(Path(opa).parent), os.environ["PATH"]))
    empty = {"HOME": str(tmp_path), "PATH": path, "PYTHONPATH": str(ROOT)}
    # The page leaves its server to the shell that pasted it.
    done = subprocess.run(
        ["bash", "-c", f"{script}kill $server"], cwd=tmp_path, env=empty, stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False,
    )  # fmt: skip
    printed = iter(done.stdout.split(mark))
    for language, text in steps[1:]:
        if language == "bash":
            output = " ".join(next(printed).split())
            assert "Traceback" not in output, done.stdout
        else:
            assert " ".join(text.split()) in output, (text, done.stdout)
    report = (tmp_path / "team" / "report.html").read_text()
    assert report.startswith("<!doctype html>")
