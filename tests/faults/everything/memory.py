"""Faults of what guards remember together, of approvals, break glass and rates."""

from __future__ import annotations

import os
import resource
import shutil
import sqlite3
import stat
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

from guardrails.enforce.break_glass.scope import BreakGlassScope
from guardrails.memory.approvals import ApprovalFolder
from guardrails.memory.pacer import Pacer
from guardrails.memory.sqlite import SqliteStore
from tests.faults.everything.row import Row, Scene, raising, replaced

_NOBODY = 65534
Strike = Callable[[Scene], AbstractContextManager[None]]


def _files(scene: Scene) -> list[Path]:
    return [file for file in scene.folder.iterdir() if file.name.startswith("state.db")]


@contextmanager
def _deleted(scene: Scene) -> Iterator[None]:
    for file in _files(scene):
        file.unlink()
    yield


def _overwritten(content: bytes) -> Strike:
    @contextmanager
    def strike(scene: Scene) -> Iterator[None]:
        for file in _files(scene):
            file.unlink()
        scene.state.write_bytes(content)
        yield
        scene.state.unlink()

    return strike


def _cut(suffix: str) -> Strike:
    """The file is cut in half below the open connection, as a broken disk or a careless copy leaves it."""

    @contextmanager
    def strike(scene: Scene) -> Iterator[None]:
        with sqlite3.connect(scene.state) as connection:
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        connection.close()
        file = scene.state.with_name(f"{scene.state.name}{suffix}")
        os.truncate(file, file.stat().st_size // 2 if not suffix else 0)
        yield
        for each in _files(scene):
            each.unlink()

    return strike


@contextmanager
def _scribbled(scene: Scene) -> Iterator[None]:
    """Every page but the first is overwritten."""
    with sqlite3.connect(scene.state) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()
    with scene.state.open("r+b") as file:
        file.seek(4096)
        file.write(b"\xff" * max(0, scene.state.stat().st_size - 4096))
    yield
    for each in _files(scene):
        each.unlink()


@contextmanager
def _locked(scene: Scene) -> Iterator[None]:
    other = sqlite3.connect(scene.state, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    yield
    other.close()


@contextmanager
def _newer(scene: Scene) -> Iterator[None]:
    with sqlite3.connect(scene.state) as connection:
        connection.execute("PRAGMA user_version = 7")
    connection.close()
    yield
    for file in _files(scene):
        file.unlink()


@contextmanager
def full(_: Scene) -> Iterator[None]:
    """No file grows any more."""
    usual = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, usual[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, usual)


@contextmanager
def nobody(_: Scene) -> Iterator[None]:
    """The process is of a user who may write nowhere here."""
    os.seteuid(_NOBODY)
    try:
        yield
    finally:
        os.seteuid(0)


def _in_the_way(of: Callable[[Scene], Path]) -> Strike:
    """A folder lies where a file should, or a file where a folder should."""

    @contextmanager
    def strike(scene: Scene) -> Iterator[None]:
        path = of(scene)
        was_folder = path.is_dir()
        aside = path.with_name(f"{path.name}.aside")
        if path.exists():
            path.rename(aside)
        path.write_text("") if was_folder or not path.suffix else path.mkdir()
        yield
        path.unlink() if path.is_file() else shutil.rmtree(path)
        if aside.exists():
            aside.rename(path)

    return strike


@contextmanager
def _others(scene: Scene) -> Iterator[None]:
    """Only the state is another user's."""
    for file in scene.log.parent.iterdir():
        os.chown(file, _NOBODY, _NOBODY)
    os.chown(scene.log.parent, _NOBODY, _NOBODY)
    with nobody(scene):
        yield


_SQLITE = "SQLite file"
_NO_DATABASE = b"not a database at all" * 1000
STATE = (
    Row("memory", f"{_SQLITE}: deleted", _deleted),
    Row("memory", f"{_SQLITE}: locked by another process", _locked),
    Row("memory", f"{_SQLITE}: cut in half", _cut("")),
    Row("memory", f"{_SQLITE}: its shared memory (-shm) is cut", _cut("-shm")),
    Row("memory", f"{_SQLITE}: pages overwritten", _scribbled),
    Row("memory", f"{_SQLITE}: not a database", _overwritten(_NO_DATABASE)),
    Row("memory", f"{_SQLITE}: empty", _overwritten(b"")),
    Row("memory", f"{_SQLITE}: of a newer guard", _newer),
    Row("memory", f"{_SQLITE}: another user's, read-only", _others, needs="root"),
    Row("memory", f"{_SQLITE}: a folder in its place", _in_the_way(lambda scene: scene.state)),
    Row("memory", f"{_SQLITE}: disk full", full, {"log": {"enabled": False}}),
    Row(
        "memory",
        f"{_SQLITE}: not a database, at the start",
        _overwritten(_NO_DATABASE),
        at_start=True,
    ),
    Row("memory", "reading what was done raises", raising(SqliteStore, "remember")),
    Row("memory", "keeping what is done raises", raising(SqliteStore, "settle")),
)

# -- approvals, break glass, rates -------------------------------------------------------------------------------------

_APPROVALS = {
    "params": {"approvals": {"live-cluster/terminate": {"minutes": 60}}},
    "state": {"path": ":memory:"},
    "log": {"enabled": False},
}


def _folder(scene: Scene) -> Path:
    return scene.folder / "approvals"


def _asked(scene: Scene) -> None:
    _folder(scene).mkdir()
    _folder(scene).chmod(0o1777)


@contextmanager
def _damaged(scene: Scene) -> Iterator[None]:
    """Every request in the folder is cut off."""
    for number in range(3):
        (_folder(scene) / f"request-{number}.json").write_text('{"id": ')
    yield


@contextmanager
def _removed(scene: Scene) -> Iterator[None]:
    shutil.rmtree(_folder(scene))
    yield


@contextmanager
def _closed(scene: Scene) -> Iterator[None]:
    _folder(scene).chmod(stat.S_IRWXU)
    with nobody(scene):
        yield
    _folder(scene).chmod(0o1777)


def _approving(name: str, strike: Strike, **more: object) -> Row:
    return Row("approvals", f"approvals: {name}", strike, _APPROVALS, prepare=_asked, **more)


APPROVALS = (
    _approving("folder deleted", _removed),
    _approving("requests cut off", _damaged),
    _approving("a file in the folder's place", _in_the_way(_folder)),
    _approving("the folder may not be entered", _closed, needs="root"),
    _approving("disk full", full),
    _approving("reading them raises", raising(ApprovalFolder, "records")),
)


@contextmanager
def _environment(_: Scene) -> Iterator[None]:
    os.environ["GUARDRAILS_BREAK_GLASS"] = "live-cluster/terminate until tomorrow, perhaps"
    yield
    del os.environ["GUARDRAILS_BREAK_GLASS"]


@contextmanager
def _over(scene: Scene) -> Iterator[None]:
    """Glass is broken for a minute, and the clock steps an hour on."""
    with scene.guard.break_glass(reason="INC-1", rules=["live-cluster/terminate"], minutes=1):
        original = time.time
        with replaced(time, "time", lambda: original() + 3600):
            yield


GLASS = (
    Row("break glass", "the environment's grant is damaged", _environment, at_start=True),
    Row("break glass", "its time is over by a step of the clock", _over),
    Row("break glass", "reading what is set aside raises", raising(BreakGlassScope, "document")),
)
PACING = (
    Row("rates", "taking a turn raises", raising(Pacer, "take")),
    Row("rates", "noting a refusal raises", raising(Pacer, "drained")),
)
ROWS = (*STATE, *APPROVALS, *GLASS, *PACING)
