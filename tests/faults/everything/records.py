"""Faults of the decision log, of notices and of telemetry."""

from __future__ import annotations

import fcntl
import os
import resource
import shutil
import signal
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

from guardrails.enforce.denied_often import DeniedOften
from guardrails.notify.sender import Sender
from guardrails.record import decision_log
from guardrails.record.decision_log import DecisionLog
from tests.faults.everything.memory import full, nobody
from tests.faults.everything.row import Outside, Row, Scene, Site, raising, replaced
from tests.support.slow_servers import says_nothing, slow_server

Strike = Callable[[Scene], AbstractContextManager[None]]


@contextmanager
def _deleted(scene: Scene) -> Iterator[None]:
    scene.log.unlink()
    yield


@contextmanager
def _folder_deleted(scene: Scene) -> Iterator[None]:
    shutil.rmtree(scene.log.parent)
    yield


@contextmanager
def _folder_in_its_place(scene: Scene) -> Iterator[None]:
    scene.log.unlink()
    scene.log.mkdir()
    yield
    scene.log.rmdir()


@contextmanager
def _locked(scene: Scene) -> Iterator[None]:
    with (
        scene.log.with_name(f"{scene.log.name}.lock").open("w") as held,
        replaced(decision_log, "_PATIENCE_S", 0.2),
    ):
        fcntl.flock(held, fcntl.LOCK_EX)
        yield


@contextmanager
def _full_device(scene: Scene) -> Iterator[None]:
    """The log is on a device without room: the kernel's own answer, ENOSPC."""
    scene.log.unlink()
    scene.log.symlink_to("/dev/full")
    yield
    scene.log.unlink()


@contextmanager
def _room_for_half(scene: Scene) -> Iterator[None]:
    """Only a part of a line fits; the state is in memory."""
    usual = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (scene.log.stat().st_size + 200, usual[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, usual)


@contextmanager
def _out_of_files(_: Scene) -> Iterator[None]:
    """The process may open no further file."""
    usual = resource.getrlimit(resource.RLIMIT_NOFILE)
    # The lowest number that is free is the next file's.
    free = os.dup(0)
    os.close(free)
    resource.setrlimit(resource.RLIMIT_NOFILE, (free, usual[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, usual)


@contextmanager
def _killed_in_a_line(_: Scene) -> Iterator[None]:
    """The process is killed when half a line is on the disk."""
    write = os.write

    def half(file: int, line: bytes) -> int:
        if line.startswith(b'{"decision_id"'):
            write(file, line[: len(line) // 2])
            os.kill(os.getpid(), signal.SIGKILL)
        return write(file, line)

    with replaced(os, "write", half):
        yield


@contextmanager
def _corrupted(scene: Scene) -> Iterator[None]:
    """What is in the log is overwritten."""
    scene.log.write_bytes(b"\xff" * 300)
    yield


@contextmanager
def _closed_error(_: Scene) -> Iterator[None]:
    kept = os.dup(2)
    os.close(2)
    try:
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)


@contextmanager
def _read_only_home(scene: Scene) -> Iterator[None]:
    scene.log.parent.chmod(0o555)
    scene.folder.chmod(0o555)
    with nobody(scene):
        yield
    scene.folder.chmod(0o755)
    scene.log.parent.chmod(0o755)


_MEMORY = {"state": {"path": ":memory:"}}
LOG = (
    Row("record", "log: deleted", _deleted),
    Row("record", "log: its folder deleted", _folder_deleted),
    Row("record", "log: a folder in its place", _folder_in_its_place),
    Row("record", "log: locked by another process", _locked),
    Row("record", "log: overwritten", _corrupted),
    Row("record", "log: disk full (no byte fits)", _full_device),
    Row("record", "log: disk full (half a line fits)", _room_for_half, _MEMORY),
    Row("record", "log: another user's, read-only", nobody, _MEMORY, needs="root"),
    Row("record", "log: no file descriptor left", _out_of_files, _MEMORY),
    Row("record", "log: killed in the middle of a line", _killed_in_a_line, _MEMORY),
    Row("record", "log: writing raises", raising(DecisionLog, "write")),
    Row("record", "log: writing runs out of memory", raising(DecisionLog, "write", MemoryError)),
    Row("record", "log: noting an unsent call raises", raising(DecisionLog, "not_sent")),
    Row("record", "log on standard error, which is closed", _closed_error, {**_MEMORY, "log": {"path": "-"}}),
    Row("record", "home is read-only at the start", _read_only_home, at_start=True, needs="root"),
    Row("record", "disk full for log and memory", full),
    Row("record", "disk full at the start", full, at_start=True),
)


def _sink(_: Site) -> AbstractContextManager[Outside]:
    @contextmanager
    def outside() -> Iterator[Outside]:
        with slow_server(says_nothing) as server:
            log = {"sink": server.url, "upload_delay_s": 0.01}
            yield Outside({"log": log, "notify": [{"to": "webhook", "url": server.url, "on": ["save"]}]})

    return outside()


SINKS = (
    Row("record", "sink: refuses connections", config={"log": {"sink": "http://127.0.0.1:1", "upload_delay_s": 0.01}}),
    Row("record", "sink: does not answer", outside=_sink),
)
_REFUSED = {"notify": [{"to": "webhook", "url": "http://127.0.0.1:1/x", "on": ["save"]}]}
_MISSING = {"notify": [{"to": "command", "command": ["/nowhere/x"], "on": ["save"]}]}
NOTICES = (
    Row("notify", "notices: connection refused", config=_REFUSED),
    Row("notify", "notices: no answer", outside=_sink),
    Row(
        "notify",
        "notices: the command is missing",
        config={"notify": [{"to": "command", "command": ["/nowhere/x"], "on": ["save"]}]},
    ),
    Row("notify", "notices: sending raises", raising(Sender, "blocked"), _REFUSED),
    Row("notify", "counting a denial raises", raising(DeniedOften, "note")),
)


ROWS = (*LOG, *SINKS, *NOTICES)
