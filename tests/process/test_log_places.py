"""Where the decision log lies: folders that are made for it, links, devices, folders that may not be written to."""

from __future__ import annotations

import os
import subprocess
import sys

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
