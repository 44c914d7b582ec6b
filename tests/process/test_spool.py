"""The spool: what a guard allowed is at the sink or still on the disk, whatever fails in between."""

from __future__ import annotations

import contextlib
import errno
import json
import multiprocessing
import os
import random
import resource
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Self

import pytest
from attrs import evolve
from hypothesis import given, settings
from hypothesis import strategies as st

import guardrails
from guardrails import assembly
from guardrails.config.load import load
from guardrails.config.settings import LogSettings
from guardrails.memory.file_lock import LockedElsewhere
from guardrails.record.decision_log import DecisionLog
from guardrails.record.patient_writer import PatientWriter
from guardrails.record.sinks.sink import SinkFailure
from guardrails.record.spool import SET_ASIDE, Spool, SpoolFull
from guardrails.record.spool_files import not_permitted
from guardrails.record.spooled_lines import Position
from guardrails.record.upload import Uploader, sink_of, spool_of
from guardrails.values import Call, Decision, Outcome
from tests.support.log_sinks import log_service
from tests.support.opa_servers import certificates, secured
from tests.support.waiting import until

CALL = Call("ec2", "StopInstances", {"InstanceIds": ["i-1"] * 20}, "eu-west-1", "")


def _line(name: str) -> bytes:
    return json.dumps({"decision_id": name, "timestamp": "2026-11-28T10:00:00Z"}).encode() + b"\n"


def _write(log: DecisionLog, *names: str) -> None:
    for name in names:
        log.write(Decision(name, "allow", CALL, decided_at=1.0), Outcome(True, "allow"), "enforce")


@pytest.fixture
def service():
    with log_service() as running:
        yield running


@pytest.fixture
def spooling(log, service):
    """The settings of a log whose sink is the service."""
    return LogSettings(path=log, sink=service.url, fsync="none")


def _uploader(settings: LogSettings) -> Uploader:
    return Uploader(spool_of(settings), sink_of(settings))


class _Sink:
    """Remembers what it acknowledged, and stops where `fails` says so."""

    most_lines, most_bytes = 2, 1_000_000

    def __init__(self) -> None:
        self.received: list[bytes] = []
        self.fails = "no"

    def send(self, lines, start):
        if self.fails == "before":
            raise SinkFailure("down")
        self.received += lines
        if self.fails == "after":
            # The answer is lost, or the process is killed before it notes it.
            raise SinkFailure("no answer")
        return {}


STEPS = st.lists(
    st.sampled_from(["append", "append", "append", "upload", "fail before", "fail after", "torn", "stale", "lost"]),
    max_size=40,
)


@given(STEPS)
@settings(max_examples=150)
def test_no_interleaving_loses_a_line(steps):
    """Appends, uploads, lost answers, torn lines, an old position and none: every acknowledged line arrives."""
    with tempfile.TemporaryDirectory() as folder:
        # The smallest bound there is makes a segment of every few lines.
        spool, sink = Spool(Path(folder, "spool"), 1_000, "none"), _Sink()
        appended: list[bytes] = []
        position = spool.folder / "position"
        old = b""
        for number, step in enumerate(steps):
            if step == "append":
                line = _line(f"d-{number}")
                with contextlib.suppress(SpoolFull):
                    spool.append(line)
                    appended.append(line.strip())
            elif step == "torn" and (segments := spool.segments()):
                with segments[-1].open("ab") as file:
                    file.write(b'{"decision_id": "torn')
            elif step == "stale" and position.exists():
                position.write_bytes(old)
            elif step == "lost":
                position.unlink(missing_ok=True)
            else:
                old = position.read_bytes() if position.exists() else old
                sink.fails = step.partition(" ")[2]
                with contextlib.suppress(SinkFailure):
                    Uploader(spool, sink).upload()
        sink.fails = ""
        Uploader(spool, sink).upload()
        assert set(appended) == set(sink.received)
        assert spool.waiting().count <= 1  # a torn line that nothing was added to
        assert len(spool.segments()) <= 1


class _Child:
    """A forked process that does `work`, which reports into a pipe; it is killed at the end of the block."""

    def __init__(self, work: Callable[[Callable[[str], None]], None]) -> None:
        self._read, write = os.pipe()
        self._pid = os.fork()
        if not self._pid:
            with contextlib.suppress(BaseException):
                work(lambda word: os.write(write, f"{word}\n".encode()))
            os._exit(0)
        os.close(write)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        os.kill(self._pid, signal.SIGKILL)
        os.waitpid(self._pid, 0)
        os.close(self._read)

    def word(self) -> str:
        """The first word that it reports."""
        return os.read(self._read, 100).split(b"\n")[0].decode()

    def words(self) -> set[str]:
        """All whole words that it has reported, once it has ended."""
        out = b""
        while more := os.read(self._read, 65536):
            out += more
        return {word.decode() for word in out.split(b"\n")[:-1]}

    def kill(self) -> None:
        os.kill(self._pid, signal.SIGKILL)


def _writing(settings: LogSettings, name: str, count: int) -> Callable[[Callable[[str], None]], None]:
    """Records so many decisions, and reports each afterwards."""

    def work(report: Callable[[str], None]) -> None:
        log = DecisionLog(settings)
        for number in range(count):
            _write(log, f"{name}-{number}")
            report(f"{name}-{number}")

    return work


def _writing_on_a_full_disk(settings: LogSettings, name: str, count: int) -> Callable[[Callable[[str], None]], None]:
    """The same, while no file may grow for three of four decisions; reports which were recorded, and which were not."""

    def work(report: Callable[[str], None]) -> None:
        log = DecisionLog(settings)
        most = resource.getrlimit(resource.RLIMIT_FSIZE)[1]
        for number in range(count):
            # Half a line has room, or nothing.
            room = most if number % 4 == 0 else number * 40
            resource.setrlimit(resource.RLIMIT_FSIZE, (room, most))
            try:
                _write(log, f"{name}-{number}")
            except OSError:
                report(f"refused {name}-{number}")
            else:
                report(f"{name}-{number}")

    return work


def _uploading(settings: LogSettings) -> Callable[[Callable[[str], None]], None]:
    """Uploads three decisions at a time, again and again."""

    def work(report: Callable[[str], None]) -> None:
        sink = sink_of(settings)
        sink.most_lines = 3
        report("begun")
        while True:
            with contextlib.suppress(SinkFailure, OSError):
                Uploader(spool_of(settings), sink).upload()

    return work


def test_sink_down_processes_killed(spooling, service):
    """Four processes write, two are killed; the sink is down at first; uploaders are killed: what was recorded arrives.

    A fifth one writes on a full disk: what it was refused arrives nowhere. The uploaders send small batches and are
    killed in the middle of that, twelve times.
    """
    service.down = True
    with contextlib.ExitStack() as stack:
        writers = [stack.enter_context(_Child(_writing(spooling, f"{number}", 150))) for number in range(4)]
        full = stack.enter_context(_Child(_writing_on_a_full_disk(spooling, "full", 120)))
        until(lambda: spooling.spool_folder.exists() and spool_of(spooling).waiting().count > 50)
        for writer in writers[:2]:
            writer.kill()
        recorded = set().union(*(writer.words() for writer in (*writers, full)))
    refused = {word.removeprefix("refused ") for word in recorded if word.startswith("refused ")}
    recorded = {word for word in recorded if not word.startswith("refused ")}
    assert len(recorded) > 330
    assert len(refused) > 10
    assert not service.ids
    chance = random.Random(7)
    for number in range(12):
        service.down = number == 0
        asked, wanted = len(service.requests) + 8, len(service.batches) + chance.randrange(1, 8)
        with _Child(_uploading(spooling)) as uploader:
            assert uploader.word() == "begun"
            until(lambda most=asked, least=wanted: len(service.batches) >= least or len(service.requests) > most)
    _uploader(spooling).upload()
    assert spool_of(spooling).waiting().count == 0
    assert recorded <= set(service.ids)
    assert refused.isdisjoint(service.ids)
    # A killed process may have recorded one more before it could report it.
    assert len(set(service.ids) - recorded) <= 2
    # Of each uploader that was killed, no more than the batch that it had sent came again.
    assert len(service.ids) <= len(set(service.ids)) + 12 * 3


def test_governed_calls_while_the_sink_is_down(site, aws, install, service, log):
    """Calls pass while the sink is down, their decisions arrive when it is up again, by the process itself."""
    service.down = True
    install(log={"path": str(log), "sink": service.url, "upload_delay_s": 0.01})
    site.ec2.terminate_instances(InstanceIds=[site.green.instance_ids[0]])
    with pytest.raises(guardrails.CallDenied):
        site.ec2.terminate_instances(InstanceIds=[site.blue.instance_ids[0]])
    until(lambda: service.requests)
    assert aws.count("TerminateInstances") == 1
    recorded = [json.loads(line)["decision_id"] for line in log.read_text().splitlines()]
    service.down = False
    until(lambda: set(service.ids) == set(recorded))
    path, headers = service.requests[-1]
    assert (path, headers["Content-Encoding"], headers["Content-Type"]) == ("/fleet/logs", "gzip", "application/json")
    assert service.batches[0][0]["input"]["call"]["operation"] == "TerminateInstances"


def test_a_full_spool_denies(site, aws, install, service, log):
    """A full spool denies governed calls with a way that works; ungoverned ones pass; nothing is dropped."""
    options = {"path": str(log), "sink": service.url, "upload": False, "spool_max_bytes": 100_000, "fsync": "none"}
    guard = install(log=options)
    spool = spool_of(guard.settings.log)
    site.ec2.terminate_instances(InstanceIds=[site.green.instance_ids[0]])
    with contextlib.suppress(SpoolFull):
        while True:
            spool.append(_line("filler"))
    with pytest.raises(guardrails.GuardUnavailable, match=r"is full.*guardrails log upload.*raise log.spool_max_bytes"):
        site.ec2.terminate_instances(InstanceIds=[site.green.instance_ids[1]])
    assert aws.count("TerminateInstances") == 1
    site.ec2.describe_instances()
    # The local log has what was sent, and no more.
    assert len(log.read_text().splitlines()) == 1
    waiting = spool.waiting().count
    assert _uploader(guard.settings.log).upload() == waiting
    site.ec2.terminate_instances(InstanceIds=[site.green.instance_ids[1]])
    assert aws.count("TerminateInstances") == 2


def test_a_full_disk_denies(site, aws, install, service, log):
    """Without room for the spool a governed call is denied, and no half a line stays; with room it goes on."""
    options = {"path": str(log), "sink": service.url, "upload": False, "fsync": "none"}
    guard = install(log=options, state={"path": ":memory:"})
    site.ec2.terminate_instances(InstanceIds=[site.green.instance_ids[0]])
    usual = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (log.stat().st_size + 1000, usual[1]))
    try:
        with pytest.raises(guardrails.GuardUnavailable, match=r"its spool .* cannot be written .*make room"):
            site.ec2.terminate_instances(InstanceIds=[site.green.instance_ids[1]])
        site.ec2.describe_instances()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, usual)
    assert aws.count("TerminateInstances") == 1
    site.ec2.terminate_instances(InstanceIds=[site.green.instance_ids[1]])
    assert _uploader(guard.settings.log).upload() == 2
    assert service.ids == [json.loads(line)["decision_id"] for line in log.read_text().splitlines()]


def test_a_full_disk_under_an_upload(spooling, service):
    """Where the position cannot be kept, a process still sends a batch once, and keeps it once there is room."""
    _write(DecisionLog(spooling), "one", "two")
    usual = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, usual[1]))
    try:
        uploader = _uploader(spooling)
        assert uploader.upload() == 2
        assert uploader.upload() == 0
        with pytest.raises(OSError, match="File too large"):
            spool_of(spooling).append(_line("no room"))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, usual)
    _write(DecisionLog(spooling), "three")
    assert uploader.upload() == 1
    assert _uploader(spooling).upload() == 0
    assert service.ids == ["one", "two", "three"]


def test_half_a_line_does_not_stay(spooling):
    """Where only a part of a line fits on the disk, none of it stays, and the next line is whole."""
    spool = spool_of(spooling)
    spool.append(_line("one"))
    (segment,) = spool.segments()
    usual = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (segment.stat().st_size + 10, usual[1]))
    try:
        with pytest.raises(OSError, match="only 10 of"):
            spool.append(_line("two"))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, usual)
    spool.append(_line("three"))
    assert segment.read_bytes() == _line("one") + _line("three")


def test_a_worker_of_a_pool_uploads_at_its_end(service, log, monkeypatch):
    """A process of multiprocessing, which ends without atexit, uploads what it has recorded."""
    monkeypatch.setattr("guardrails.record.background._END_S", 60.0)
    settings = load({"log": {"path": str(log), "sink": service.url, "upload_delay_s": 3600}})
    worker = multiprocessing.get_context("fork").Process(target=lambda: _write(assembly.open_log(settings), "one"))
    worker.start()
    worker.join()
    assert service.ids == ["one"]


def test_ctrl_c_while_a_decision_is_recorded(spooling, log, monkeypatch):
    """Interrupted while it waits for the spool, a decision is in neither log: its call is not sent."""

    def interrupted(*_args, **_more):
        raise KeyboardInterrupt

    monkeypatch.setattr(Spool, "append", interrupted)
    with pytest.raises(KeyboardInterrupt):
        _write(DecisionLog(spooling), "one")
    assert log.read_text() == ""


def test_a_closed_standard_error(spooling, monkeypatch):
    """Where the log on standard error cannot be written the call is denied, and the sink gets a note of that."""
    settings = evolve(spooling, path=Path("-"), spool=spooling.spool_folder)

    def closed(*_):
        raise OSError(errno.EBADF, "closed")

    monkeypatch.setattr(PatientWriter, "to_standard_error", closed)
    with pytest.raises(OSError, match="closed"):
        _write(DecisionLog(settings), "one")
    entry, note = (json.loads(line) for line in spool_of(settings).segments()[0].read_bytes().splitlines())
    assert (entry["decision_id"], note["decision_id"], note["custom"]["sent"]) == ("one", "one", False)


def test_a_thread_that_cannot_start_now(service, log, monkeypatch):
    """Where the host has no thread left at the first decision, the next one starts the upload."""
    settings = load({"log": {"path": str(log), "sink": service.url, "upload_delay_s": 0.01}})
    opened = assembly.open_log(settings)

    def none_left(_self):
        raise RuntimeError("can't start new thread")

    with monkeypatch.context() as patch:
        patch.setattr(threading.Thread, "start", none_left)
        _write(opened, "one")
    _write(opened, "two")
    until(lambda: service.ids == ["one", "two"])


def test_the_log_without_a_spool_has_no_line(spooling, log):
    """A decision that the spool does not take is not in the local log either: its call is not sent."""
    spool = spool_of(spooling)
    spool.folder.write_text("")
    with pytest.raises(OSError, match="spool"):
        _write(DecisionLog(spooling), "one")
    assert log.read_text() == ""


def _is_free(spool: Spool) -> bool:
    """Whether the thread that uploads has noted what arrived."""
    try:
        with spool.uploading():
            return True
    except LockedElsewhere:
        return False


def test_a_fork_uploads_by_itself(site, install, service, log):
    """A forked child has a thread of its own, and the lock of its parent's upload ends with the parent."""
    guard = install(log={"path": str(log), "sink": service.url, "upload_delay_s": 0.01})
    site.ec2.terminate_instances(InstanceIds=[site.green.instance_ids[0]])
    until(lambda: service.ids)
    spool = spool_of(guard.settings.log)
    until(lambda: _is_free(spool))
    with spool.uploading():
        if (child := os.fork()) == 0:
            # Holds what it has inherited until it is killed.
            signal.pause()
            os._exit(0)
    try:
        spool.append(_line("later"))
        assert _uploader(guard.settings.log).upload() == 1
    finally:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
    if (child := os.fork()) == 0:
        with contextlib.suppress(BaseException):
            site.ec2.terminate_instances(InstanceIds=[site.green.instance_ids[1]])
            until(lambda: spool.waiting().count == 0)
        os._exit(0)
    os.waitpid(child, 0)
    assert len({*service.ids}) == 3


def test_one_uploads_at_a_time(spooling):
    """While another process uploads, this one does not; once that one is killed, it does."""
    spool = spool_of(spooling)
    spool.append(_line("one"))

    def work(report: Callable[[str], None]) -> None:
        with spool.uploading():
            report("has it")
            signal.pause()

    with _Child(work) as other:
        assert other.word() == "has it"
        with pytest.raises(LockedElsewhere):
            _uploader(spooling).upload()
    assert _uploader(spooling).upload() == 1


def test_two_guards_of_a_process_upload_once(spooling, service):
    """While one thread uploads, another of its process does not, and does not end the lock for other processes."""
    spool = spool_of(spooling)
    spool.append(_line("one"))

    def work(report: Callable[[str], None]) -> None:
        with pytest.raises(LockedElsewhere):
            _uploader(spooling).upload()
        report("refused")

    with spool.uploading():
        with pytest.raises(LockedElsewhere, match="another thread"):
            _uploader(spooling).upload()
        with _Child(work) as other:
            assert other.word() == "refused"
    assert _uploader(spooling).upload() == 1
    assert service.ids == ["one"]


def test_the_end_of_a_program(service, tmp_path):
    """At its end a program uploads what it has recorded; with the sink down it ends, and the spool keeps it."""
    code = (
        "import sys\nfrom guardrails import assembly\nfrom guardrails.record import background\n"
        "from guardrails.config.load import load\nfrom guardrails.values import Call, Decision, Outcome\n"
        "background._END_S = 60.0\n"
        "log = assembly.open_log(load({'log': {'path': sys.argv[1], 'sink': sys.argv[2], 'upload_delay_s': 3600}}))\n"
        "call = Call('ec2', 'StopInstances', {}, 'eu-west-1', '')\n"
        "log.write(Decision(sys.argv[3], 'allow', call, decided_at=1.0), Outcome(True, 'allow'), 'enforce')\n"
    )
    for name in ("down", "up"):
        service.down = name == "down"
        subprocess.run([sys.executable, "-c", code, str(tmp_path / "log"), service.url, name], check=True, timeout=120)
        assert service.ids == ([] if service.down else ["down", "up"])


def test_damaged_lines_are_kept(spooling, service, caplog):
    """A line of a killed writer does not spoil the next one; it is set aside with its reason, and the rest arrives."""
    spool, log = spool_of(spooling), DecisionLog(spooling)
    _write(log, "one")
    with spool.segments()[0].open("ab") as file:
        file.write(b'{"decision_id": "to')
    _write(log, "two")
    assert _uploader(spooling).upload() == 2
    assert "a line of the spool cannot be uploaded" in caplog.text
    assert service.ids == ["one", "two"]
    (kept,) = map(json.loads, (spool.folder / SET_ASIDE).read_text().splitlines())
    assert kept["line"] == '{"decision_id": "to'
    assert "writer was killed" in kept["why"]


def test_a_damaged_line_is_kept_once(spooling, service):
    """However often the upload fails, a damaged line is set aside once; what fills the spool, a denial names."""
    spool, log = Spool(spooling.spool_folder, 3_000, "none"), DecisionLog(spooling)
    _write(log, "one")
    with spool.segments()[0].open("ab") as file:
        file.write(b'{"torn": "' + b"y" * 2_000 + b"\n")
    service.down = True
    for _ in range(3):
        with pytest.raises(SinkFailure):
            _uploader(spooling).upload()
    service.down = False
    assert _uploader(spooling).upload() == 1
    aside = spool.folder / SET_ASIDE
    assert len(aside.read_bytes().splitlines()) == 1
    with pytest.raises(SpoolFull, match=r"0 bytes wait .* could not be uploaded are in it; look at .*set-aside.log"):
        spool.append(_line("x" * 2_000))
    aside.rename(aside.with_name("kept"))
    spool.append(_line("x" * 2_000))


def test_entries_that_the_service_refuses(spooling, service):
    """An entry that the service answers with 400 is set aside if it takes others; where it takes none, all stay."""
    service.invalid = {"bad"}
    log, spool = DecisionLog(spooling), spool_of(spooling)
    _write(log, "bad")
    with pytest.raises(SinkFailure, match="answered 400"):
        _uploader(spooling).upload()
    assert spool.waiting().count == 1
    _write(log, "one", "two")
    assert _uploader(spooling).upload() == 2
    assert service.ids == ["one", "two"]
    assert "answered 400" in (spool.folder / SET_ASIDE).read_text()
    names = [f"d-{number}" for number in range(100)]
    service.invalid, asked = set(names), len(service.requests)
    _write(log, *names)
    with pytest.raises(SinkFailure, match="answered 400"):
        _uploader(spooling).upload()
    # It does not ask for each.
    assert len(service.requests) - asked < 50
    assert spool.waiting().count == 100


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can be two users")
def test_an_uploader_of_another_user(service):
    """Root's uploader leaves the spool to its program, whatever its umask; another user's says who must run it."""
    usual = os.umask(0o027)
    try:
        # Not tmp_path, which is closed to other users.
        with tempfile.TemporaryDirectory() as base:
            Path(base).chmod(0o755)
            folder = Path(base, "app")
            folder.mkdir()
            os.chown(folder, 65534, 65534)
            settings = LogSettings(path=folder / "log", sink=service.url, fsync="none")

            def writing(report: Callable[[str], None]) -> None:
                os.setgroups([])
                os.setgid(65534)
                os.setuid(65534)
                _write(DecisionLog(settings), "one")
                report("written")

            for _ in range(2):
                with _Child(writing) as program:
                    assert program.word() == "written"
                assert _uploader(settings).upload() == 1
            spool = spool_of(settings).folder
            assert {(each.stat().st_uid, each.stat().st_mode & 0o777) for each in spool.iterdir()} == {(65534, 0o600)}
            assert "as the user of the guarded programs" in not_permitted(spool)
    finally:
        os.umask(usual)


@pytest.mark.parametrize(("status", "way"), [(401, "log.token_file"), (404, "correct log.sink"), (500, "repair"),
                                             (302, "correct log.sink")])  # fmt: skip
def test_other_answers_acknowledge_nothing(spooling, service, status, way):
    """Whatever the service answers but success: everything stays in the spool, with a sentence that says what to do."""
    _write(DecisionLog(spooling), "one")
    service.refusals = [status]
    with pytest.raises(SinkFailure, match=way):
        _uploader(spooling).upload()
    spool = spool_of(spooling)
    assert way in spool.last_error()
    assert spool.waiting().count == 1
    assert _uploader(spooling).upload() == 1
    assert not spool.last_error()


def test_tokens(spooling, service, tmp_path, monkeypatch):
    """The service gets the bearer token that is in the file or variable now; one that is missing is a sentence."""
    log, file = DecisionLog(spooling), tmp_path / "token"
    from_file = evolve(spooling, token_file=file)
    from_variable = evolve(spooling, token_env="LOG_TOKEN")
    _write(log, "one")
    with pytest.raises(SinkFailure, match=r"`log\.token_file` names .* cannot be read"):
        _uploader(from_file).upload()
    with pytest.raises(SinkFailure, match=r"`log\.token_env` names LOG_TOKEN, which is not set"):
        _uploader(from_variable).upload()
    uploader = _uploader(from_file)
    for token in ("first", "second"):
        file.write_text(f"{token}\n")
        _write(log, token)
        uploader.upload()
        assert service.requests[-1][1]["Authorization"] == f"Bearer {token}"
    monkeypatch.setenv("LOG_TOKEN", "third")
    _write(log, "third")
    _uploader(from_variable).upload()
    assert service.requests[-1][1]["Authorization"] == "Bearer third"


def test_an_own_authority(spooling, service, tmp_path):
    """Over HTTPS the service's certificate is verified: with `log.ca` it gets the decisions, else they wait."""
    certificates(tmp_path)
    secured(service, tmp_path)
    spooling = evolve(spooling, sink=service.url.replace("http:", "https:"))
    _write(DecisionLog(spooling), "one")
    wrong = (None, "set log.ca"), ("otherca.pem", "set log.ca"), ("none.pem", "log.ca names .* name a PEM file")
    for name, sentence in wrong:
        with pytest.raises(SinkFailure, match=sentence):
            _uploader(evolve(spooling, ca=tmp_path / name if name else None)).upload()
    assert not service.requests
    assert _uploader(evolve(spooling, ca=tmp_path / "ca.pem")).upload() == 1
    assert service.ids == ["one"]


@pytest.mark.parametrize("token", ["TOP-SECRET\n", " TOP-SECRET", "TOP\nSECRET", "TOP SECRET", "TÖP-SECRET", "\n"])
@pytest.mark.parametrize("key", ["token_env", "token_file"])
def test_a_token_is_in_no_message(spooling, service, monkeypatch, tmp_path, key, token):
    """A line end around a token does no harm; another odd character is a sentence that does not quote it."""
    file = tmp_path / "token"
    file.write_text(token, "utf-8")
    monkeypatch.setenv("LOG_TOKEN", token)
    settings = evolve(spooling, **{key: file if key == "token_file" else "LOG_TOKEN"})
    _write(DecisionLog(settings), "one")
    if token.strip() == "TOP-SECRET":
        assert _uploader(settings).upload() == 1
        assert service.requests[-1][1]["Authorization"] == "Bearer TOP-SECRET"
        return
    with pytest.raises(SinkFailure, match=rf"`log\.{key}` names .*the token") as failed:
        _uploader(settings).upload()
    assert "SECRET" not in f"{failed.value} {spool_of(settings).last_error()}"


def test_segments_that_were_deleted_by_hand(spooling, service):
    """After someone deletes the segments, the old position does not hide what is written next."""
    log, spool = DecisionLog(spooling), spool_of(spooling)
    _write(log, *(f"old-{number}" for number in range(20)))
    _uploader(spooling).upload()
    for segment in spool.segments():
        segment.unlink()
    _write(log, "new")
    assert _uploader(spooling).upload() == 1
    assert service.ids[-1] == "new"


@pytest.mark.parametrize(("fsync", "forced"), [("each", 250), ("interval", 2), ("none", 0)])
def test_fsync(spooling, monkeypatch, fsync, forced):
    """`each` forces every decision to the disk, `interval` every hundredth of the host, `none` nothing."""
    files = []
    usual = os.fsync
    monkeypatch.setattr(os, "fsync", lambda file: (files.append(os.readlink(f"/proc/self/fd/{file}")), usual(file)))
    for _ in range(250):
        # The count is the host's, not an object's.
        Spool(spooling.spool_folder, 10_000_000, fsync).append(_line("one"))
    assert len([name for name in files if name.endswith(".jsonl")]) == forced


def test_positions_only_move_over_whole_lines(spooling):
    """A batch ends at the end of a line, and what is being written at the moment waits for its end."""
    spool = spool_of(spooling)
    spool.append(_line("one"))
    (segment,) = spool.segments()
    with segment.open("ab") as file:
        file.write(b'{"decision_id": "two"')
    batch = spool.batch(10, 10_000)
    assert batch.lines == (_line("one").strip(),)
    assert batch.end == Position(1, len(_line("one")))
