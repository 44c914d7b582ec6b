"""A decision log that no one reads: a governed call is unavailable after a while, and signal handlers get through."""

from __future__ import annotations

import json
import os
import signal
import stat
import threading
import time
from contextlib import contextmanager, suppress

import pytest

import guardrails
from guardrails.record import patient_writer
from guardrails.record.patient_writer import NotRead, PatientWriter

PATIENCE = "guardrails.record.decision_log._PATIENCE_S"
MEMORY = {"path": ":memory:"}


@pytest.fixture
def patience(monkeypatch):
    monkeypatch.setattr(PATIENCE, 0.2)


@pytest.fixture
def fifo(tmp_path):
    path = tmp_path / "fifo"
    os.mkfifo(path)
    return path


@contextmanager
def standard_error():
    """It is a pipe; the result reads it. Not a fixture: pytest puts its own there for each phase of a test."""
    reading, writing = os.pipe()
    kept = os.dup(2)
    os.dup2(writing, 2)
    os.close(writing)
    try:
        yield reading
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(reading)


def fill(path):
    """Write into a pipe until it is full, and keep it open."""
    file = os.open(path, os.O_WRONLY | os.O_NONBLOCK)
    assert stat.S_ISFIFO(os.fstat(file).st_mode)
    with suppress(BlockingIOError):
        while True:
            os.write(file, b"x" * 4096)
    return file


def stop(site):
    site.ec2.stop_instances(InstanceIds=[site.green.instance_ids[0]])


def in_a_moment(act):
    timer = threading.Timer(0.2, act)
    timer.start()
    return timer


def test_a_fifo_without_a_reader_at_install(fifo, patience):
    """install() says that nothing reads it, and what to do, instead of waiting for ever."""
    with pytest.raises(guardrails.ConfigError, match=r"no program has it open for reading.*start what reads it first"):
        guardrails.install({"log": {"path": str(fifo)}, "state": MEMORY})


def test_a_fifo_whose_reader_comes_and_goes(fifo, site, aws, install, monkeypatch):
    """install() waits for a reader. When it has gone, a governed call is not sent; with a new one, the next is."""
    timer = in_a_moment(lambda: readers.append(os.open(fifo, os.O_RDONLY | os.O_NONBLOCK)))
    readers = []
    install(log={"path": str(fifo)}, state=MEMORY)
    timer.join()
    stop(site)
    assert json.loads(os.read(readers[0], 1_000_000))["custom"]["sent"] is True
    os.close(readers.pop())
    monkeypatch.setattr(PATIENCE, 0.2)
    with pytest.raises(guardrails.GuardUnavailable, match=r"no program has it open for reading.*start what reads it"):
        stop(site)
    site.ec2.describe_key_pairs()
    assert [aws.count(name) for name in ("StopInstances", "DescribeKeyPairs")] == [1, 1]
    again = os.open(fifo, os.O_RDONLY | os.O_NONBLOCK)
    stop(site)
    os.close(again)
    assert aws.count("StopInstances") == 2


def test_a_fifo_that_is_full(fifo, site, aws, install, patience):
    """While a reader reads nothing, no call is sent; once it has read what there is, the next one is."""
    reading = os.open(fifo, os.O_RDONLY | os.O_NONBLOCK)
    install(log={"path": str(fifo)}, state=MEMORY)
    full = fill(fifo)
    with pytest.raises(guardrails.GuardUnavailable, match=r"no program has read from it.*start what reads it"):
        stop(site)
    assert aws.count("StopInstances") == 0
    os.read(reading, 1_000_000)
    os.close(full)
    stop(site)
    assert json.loads(os.read(reading, 1_000_000))["custom"]["sent"] is True
    os.close(reading)
    assert aws.count("StopInstances") == 1


def test_a_standard_error_that_no_one_reads(site, aws, install, patience):
    """The same with log.path = "-": nothing that the guard prints there hangs, and the pipe is left as it was."""
    install(log={"path": "-"}, state=MEMORY)
    with standard_error() as reading:
        stop(site)
        lines = os.read(reading, 1_000_000).splitlines()
        os.close(fill("/proc/self/fd/2"))
        with pytest.raises(guardrails.GuardUnavailable, match=r"standard error.*no program has read from it"):
            stop(site)
        with pytest.raises(guardrails.CallDenied, match="live-cluster/stop"):
            site.ec2.stop_instances(InstanceIds=[site.blue.instance_ids[0]])
        assert os.get_blocking(2)
    assert json.loads(lines[-1])["custom"]["sent"] is True
    assert aws.count("StopInstances") == 1


def test_a_signal_gets_through(site, aws, install):
    """Ctrl-C ends a call that waits for a reader at once: the guard does not wait again to note that it is not sent."""
    install(log={"path": "-"}, state=MEMORY)

    started = time.monotonic()
    timer = in_a_moment(lambda: os.kill(os.getpid(), signal.SIGINT))
    with standard_error():
        os.close(fill("/proc/self/fd/2"))
        with pytest.raises(KeyboardInterrupt):
            stop(site)
    timer.join()
    # The patience is ten seconds.
    assert time.monotonic() - started < 9
    assert aws.count("StopInstances") == 0


@pytest.mark.parametrize("whole", [True, False])
def test_a_line_after_half_a_line(whole):
    """What a reader got of a line that was given up is a line of its own; the next one can be read."""
    reading, writing = os.pipe()
    os.set_blocking(writing, not whole)
    os.set_blocking(reading, False)
    lines = PatientWriter()
    with pytest.raises(NotRead):
        lines.write(writing, b"a" * 200_000 + b"\n", 0.05, whole=whole)
    got = os.read(reading, 1_000_000)
    lines.write(writing, b"second\n", 0.05, whole=whole)
    lines.write(writing, b"third\n", 0.05, whole=whole)
    got += os.read(reading, 1_000_000)
    assert got.splitlines()[1:] == [b"second", b"third"]
    for file in (reading, writing):
        os.close(file)


def test_without_a_second_way_to_standard_error(monkeypatch):
    """Where the pipe cannot be opened again, it is written in pieces, and a full one is still given up."""
    monkeypatch.setattr(patient_writer.os.path, "exists", lambda _: False)
    with standard_error() as reading:
        with pytest.raises(NotRead):
            PatientWriter().to_standard_error(b"a" * 200_000, 0.05)
        assert len(os.read(reading, 1_000_000)) >= 4096


@pytest.mark.skipif(os.geteuid() != 0, reason="the lock is a file in /dev")
def test_a_device_without_room(site, aws, install):
    """What the device says is passed on, and nothing is made beside it."""
    install(log={"path": "/dev/full"}, state=MEMORY)
    with pytest.raises(guardrails.GuardUnavailable, match="No space left on device"):
        stop(site)
    assert not os.path.exists("/dev/full.lock")
    assert aws.count("StopInstances") == 0
