"""The spool: what a guard allowed is at the sink or still on the disk, whatever fails in between."""

from __future__ import annotations

import contextlib
import json
import os
import random
import resource
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import guardrails
from guardrails.config.settings import LogSettings
from guardrails.memory.file_lock import LockedElsewhere
from guardrails.record.decision_log import DecisionLog
from guardrails.record.sinks.sink import SinkFailure
from guardrails.record.spool import SET_ASIDE, Spool, SpoolFull
from guardrails.record.spooled_lines import Position
from guardrails.record.upload import Uploader, sink_of, spool_of
from guardrails.values import Call, Decision, Outcome
from tests.support.log_sinks import log_service
from tests.support.waiting import until

CALL = Call("ec2", "StopInstances", {"InstanceIds": ["i-1"] * 20}, "eu-west-1", "")
# Appends decisions until it is killed; each is acknowledged on standard output, after it was recorded.
WRITER = """
import itertools, os, sys
from pathlib import Path
from guardrails.config.settings import LogSettings
from guardrails.record.decision_log import DecisionLog
from guardrails.values import Call, Decision, Outcome

log = DecisionLog(LogSettings(path=Path(sys.argv[1]), sink=sys.argv[2], spool_max_bytes=200_000_000, fsync="none"))
call = Call("ec2", "StopInstances", {"InstanceIds": ["i-1"] * 20}, "eu-west-1", "")
for number in range(int(sys.argv[4])):
    log.write(Decision(f"{sys.argv[3]}-{number}", "allow", call, decided_at=1.0), Outcome(True, "allow"), "enforce")
    os.write(1, f"{sys.argv[3]}-{number}\\n".encode())
"""
# Uploads until the spool is empty; its standard output says that it has begun.
UPLOADER = """
import os, sys, time
from pathlib import Path
from guardrails.config.settings import LogSettings
from guardrails.record.upload import Uploader, sink_of, spool_of

log = LogSettings(path=Path(sys.argv[1]), sink=sys.argv[2], spool_max_bytes=200_000_000)
sink = sink_of(log)
sink.most_lines = 3
os.write(1, b"begun\\n")
while True:
    try:
        Uploader(spool_of(log), sink).upload()
    except Exception as error:
        os.write(2, f"{error}\\n".encode())
    time.sleep(0.001)
"""


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
