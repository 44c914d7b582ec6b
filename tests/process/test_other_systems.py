"""Where Python has no fcntl, no users, no forks and few signals, as on Windows: what works, and what says no.

The process is a real one on this system, with those modules and names taken away; requests are counted at the server.
"""

from __future__ import annotations

import errno
import json
import os
import subprocess
import sys
import threading

import pytest

from guardrails.config.exposure import exposed
from guardrails.config.load import load
from guardrails.enforce.confirm import terminal, who_can_answer
from guardrails.memory.approvals.folder import ApprovalFolder
from guardrails.memory.store import StateUnavailable
from guardrails.system import files, locks, processes, users
from tests.support.environments import ROOT
from tests.versions import elsewhere
from tests.versions.asking import ask

IMPORTING = """
import json
from tests.versions import elsewhere
elsewhere.become()
print(json.dumps(elsewhere.modules()))
"""
STEPS = ("install", "denied", "passes", "ungoverned", "plan", "log")


def test_every_module_can_be_imported():
    """Every module but the one that asks at a terminal can be imported without what Windows lacks."""
    done = subprocess.run([sys.executable, "-c", IMPORTING], cwd=ROOT, capture_output=True, text=True, check=True)
    found = json.loads(done.stdout)
    assert len(found) > 500
    assert {name for name, problem in found.items() if problem} == {"guardrails.enforce.confirm.terminal"}


def test_the_guard_works_there(aws, tmp_path):
    """The embedded engine denies, allows and logs there, and shares a memory with other processes."""
    assert ask(sys.executable, STEPS, aws, tmp_path, "elsewhere") == dict.fromkeys(STEPS, "")


def test_without_any_lock_a_governed_call_is_denied(aws, tmp_path):
    """Where no file can be locked, nothing governed is sent, the message says why, and other calls pass."""
    found = ask(sys.executable, ("install", "denied", "passes", "ungoverned"), aws, tmp_path, "elsewhere", "unlocked")
    assert found["install"] == found["denied"] == found["ungoverned"] == ""
    assert "GuardUnavailable" in found["passes"]
    assert "no locks for files" in found["passes"]
    assert aws.count("TerminateInstances") == 0


@pytest.fixture
def windows_locks(monkeypatch):
    """The locks of msvcrt, made of those of this system."""
    monkeypatch.setattr(locks, "_fcntl", None)
    monkeypatch.setattr(locks, "_msvcrt", elsewhere._msvcrt())


HOLDING = """
import sys
from tests.versions import elsewhere
from guardrails.system import locks
locks._fcntl, locks._msvcrt = None, elsewhere._msvcrt()
with open(sys.argv[1], "r+b") as file:
    locks.take(file.fileno())
    print("taken", flush=True)
    sys.stdin.read()
"""


def test_a_lock_keeps_other_processes_out(windows_locks, tmp_path):
    """With msvcrt's locks, what another process has is refused, and to be had once that process has ended."""
    path = tmp_path / "lock"
    path.write_bytes(b"12345678")
    command = [sys.executable, "-c", HOLDING, str(path)]
    with (
        subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as other,
        path.open("r+b") as file,
    ):
        assert other.stdout.readline() == "taken\n"
        for take in (locks.take, locks.take_for_process):
            with pytest.raises(BlockingIOError):
                take(file.fileno())
        assert file.read() == b"12345678"
        other.stdin.close()
        other.wait()
        locks.take(file.fileno())
        locks.give_back(file.fileno())
        assert file.tell() == 8


def test_places_in_a_file_without_pread(monkeypatch, tmp_path):
    """Bytes are read and written at their place where the system has no pread and no pwrite."""
    monkeypatch.delattr("os.pread")
    monkeypatch.delattr("os.pwrite")
    with (tmp_path / "file").open("w+b") as file:
        assert files.write_at(file.fileno(), b"abcdef", 2) == 6
        assert files.read_at(file.fileno(), 3, 3) == b"bcd"


def test_approvals_need_owners(monkeypatch, tmp_path):
    """Where a file has no owner, the folder for approvals neither reads nor writes, and names what does."""
    monkeypatch.delattr("os.geteuid")
    board = ApprovalFolder(tmp_path)
    for use in (board.me, board.all, board.try_it):
        with pytest.raises(StateUnavailable, match="DynamoDB"):
            use()
    assert [*tmp_path.iterdir()] == []


def test_owners_are_not_guessed(monkeypatch, tmp_path):
    """Without owners a file that was found upward is not called another user's, and a number has no name."""
    monkeypatch.delattr("os.geteuid")
    monkeypatch.setattr(users, "_pwd", None)
    monkeypatch.setattr(users, "_grp", None)
    (tmp_path / "guardrails.toml").write_text("")
    (tmp_path / "guardrails.toml").chmod(0o666)
    monkeypatch.chdir(tmp_path)
    assert exposed(load(None)) == ""
    assert (users.me(), users.name_of(0), users.group_name(0), users.is_private_group(0)) == (None, None, None, False)


def test_no_question_at_a_terminal(monkeypatch):
    """At a terminal that no question can be put to safely, the answer says so, and what to do instead."""
    ours, theirs = os.openpty()
    with os.fdopen(theirs, "r+b", buffering=0) as opened, monkeypatch.context() as patch:
        patch.delattr("os.tcgetpgrp")
        patch.setattr("sys.stdin", opened)
        patch.setattr("sys.stderr", opened)
        with pytest.raises(who_can_answer.NoOneThere, match=r"needs Linux or macOS: have a person approve it"):
            who_can_answer.check(None, "person")
    os.close(ours)


def test_one_question_at_a_terminal_that_cannot_be_locked(monkeypatch, tmp_path):
    """Where terminals have no locks (macOS), a file keeps a second program from asking at the same one."""
    take = locks.take

    def as_on_macos(file):
        if os.isatty(file):
            raise OSError(errno.EOPNOTSUPP, "Operation not supported")
        take(file)

    monkeypatch.setattr(locks, "take", as_on_macos)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    ours, theirs = os.openpty()
    with os.fdopen(theirs, "r+b", buffering=0) as stdin:
        monkeypatch.setattr("sys.stdin", stdin)
        with terminal._opened():
            with pytest.raises(who_can_answer.NoOneThere, match="another program is asking"), terminal._opened():
                pass
            assert [*(tmp_path / "guardrails").glob("terminal-*.lock")]
        with terminal._opened():
            pass
    os.close(ours)


def test_no_process_is_interrupted_by_asking_for_it(monkeypatch):
    """Without forks (Windows) no signal asks whether a process runs: there it would be Ctrl-C."""
    sent = []
    monkeypatch.setattr("os.kill", lambda *given: sent.append(given))
    assert processes.runs(1) is True
    monkeypatch.delattr("os.fork")
    assert processes.runs(1) is None
    assert len(sent) == 1


def test_threads_of_a_process_keep_apart(windows_locks, tmp_path):
    """Two threads of one process take turns in what only one of them may do, with msvcrt's locks as well."""
    from guardrails.memory.file_lock import LockedElsewhere
    from guardrails.record.spool_files import alone

    refused = []

    def other():
        try:
            with alone(tmp_path / "lock"):
                pass
        except LockedElsewhere as error:
            refused.append(error)

    with alone(tmp_path / "lock"):
        thread = threading.Thread(target=other)
        thread.start()
        thread.join()
    assert len(refused) == 1
