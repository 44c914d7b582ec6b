"""Where the decision log lies: folders that are made for it, links, devices, folders that may not be written to."""

from __future__ import annotations

import fcntl
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

import guardrails
from tests.support.environments import ROOT


def test_folders_are_private_whatever_the_umask(aws, tmp_path):
    """No other user may write to a folder that the guard makes, however far up, with a daemon's umask."""
    script = """
import os; os.umask(0)
import boto3, guardrails
guardrails.install()
try:
    boto3.client("ec2").terminate_instances(InstanceIds=["i-0123456789abcdef0"])
except guardrails.CallDenied:
    print("denied")
"""
    home = tmp_path / "home"
    home.mkdir(0o700)
    given = {key: value for key, value in os.environ.items() if not key.startswith(("GUARDRAILS_", "XDG_"))}
    places = {
        "HOME": str(home),
        "GUARDRAILS_APPROVALS": str(tmp_path / "shared" / "approvals"),
        "PYTHONPATH": str(ROOT),
    }
    done = subprocess.run(
        [sys.executable, "-c", script], env={**given, **aws.environment(), **places}, cwd=home,
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.stdout == "denied\n", done.stderr
    made = [place for place in home.rglob("*") if place.is_dir()]
    assert home / ".local" / "state" / "guardrails" in made
    assert {place.name: oct(place.stat().st_mode & 0o777) for place in made} == {place.name: "0o700" for place in made}
    assert not [place for place in tmp_path.rglob("*") if place.is_file() and place.stat().st_mode & 0o022]
    if (tmp_path / "shared").exists():
        assert (tmp_path / "shared").stat().st_mode & 0o777 == 0o755


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can be somebody else for a moment")
def test_a_file_in_a_folder_of_another_user():
    """A log that may be written, in a folder where no lock can be made, is refused at install, with what helps."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "log.jsonl")
        path.write_text("")
        os.chown(path, 65534, -1)
        path.parent.chmod(0o755)
        os.seteuid(65534)
        try:
            with pytest.raises(guardrails.ConfigError, match=r"jsonl\.lock, which lies beside it\); give its folder"):
                guardrails.install({"log": {"path": str(path)}, "state": {"path": ":memory:"}})
        finally:
            os.seteuid(0)
            guardrails.uninstall()


def test_who_writes_just_now_stops_no_install(aws, install, tmp_path):
    """A log that another process has locked for a moment is no reason to refuse the guard."""
    path = tmp_path / "log.jsonl"
    with path.with_name("log.jsonl.lock").open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        install(log={"path": str(path)})
