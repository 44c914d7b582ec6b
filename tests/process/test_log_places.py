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
from guardrails import assembly
from guardrails.config.load import load
from guardrails.config.settings import LogSettings
from guardrails.record.decision_log import DecisionLog
from guardrails.record.entries import read
from guardrails.record.log_files import files
from guardrails.values import Call, Decision, Outcome
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
        settings = load({"log": {"path": str(path)}})
        # Under another user, nothing that is imported from here can be read.
        os.seteuid(65534)
        try:
            with pytest.raises(guardrails.ConfigError, match=r"jsonl\.lock, which lies beside it\); give its folder"):
                assembly.open_log(settings)
        finally:
            os.seteuid(0)


def test_who_writes_just_now_stops_no_install(aws, install, tmp_path):
    """A log that another process has locked for a moment is no reason to refuse the guard."""
    path = tmp_path / "log.jsonl"
    with path.with_name("log.jsonl.lock").open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        install(log={"path": str(path)})


def _write(path, times):
    log = DecisionLog(LogSettings(path=path, max_bytes=10_000, keep=2))
    log.open()
    call = Call("ec2", "StopInstances", {"InstanceIds": ["i-1"] * 50}, "eu-west-1", "")
    for number in range(times):
        log.write(Decision(f"{number}", "allow", call, decided_at=1.0), Outcome(True, "allow"), "enforce")


def test_a_link_stays_where_it_is(tmp_path):
    """A log that is a link to another disk is rotated there, and read from there; the link and its folder stay."""
    disk, folder = tmp_path / "disk", tmp_path / "folder"
    disk.mkdir()
    folder.mkdir()
    (folder / "log.jsonl").symlink_to("next")
    (folder / "next").symlink_to(disk / "real.jsonl")
    _write(folder / "log.jsonl", 60)
    assert {each.name for each in folder.iterdir()} == {"log.jsonl", "next"}
    found = files(folder / "log.jsonl", keep=2)
    assert found == [disk / f"real.jsonl{end}" for end in (".2", ".1", "")]
    assert [entry.decision_id for entry in read(folder / "log.jsonl", keep=2)][-1] == "59"


@pytest.mark.parametrize("name", ["/dev/fd/{}", "/proc/self/fd/{}", "link"])
def test_what_another_program_has_open_is_not_renamed(name, tmp_path):
    """A log that is an open file by its number (as /dev/stdout is) is neither rotated nor locked, also by a link."""
    target = tmp_path / "out" / "put.txt"
    target.parent.mkdir()
    with target.open("ab") as opened:
        path = Path(name.format(opened.fileno()))
        if name == "link":
            path = tmp_path / "link.jsonl"
            path.symlink_to(f"/dev/fd/{opened.fileno()}")
        _write(path, 30)
        assert [each.name for each in target.parent.iterdir()] == ["put.txt"]
        assert os.fstat(opened.fileno()).st_ino == target.stat().st_ino
    assert len(target.read_bytes().splitlines()) == 30
    assert not list(tmp_path.glob("*.lock"))
