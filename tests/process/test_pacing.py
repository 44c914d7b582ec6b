"""Pacing: no more calls than AWS's documented buckets allow, in whatever processes of the host they are made."""

from __future__ import annotations

import contextlib
import json
import os
import pty
import sqlite3
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError
from hypothesis import given
from hypothesis import strategies as st

import guardrails
from guardrails.enforce.pacing import waiting
from guardrails.memory import SqliteStore
from guardrails.memory.pacer import Pacer
from guardrails.memory.rate_limits import LAUNCH_LIMIT, tokens
from guardrails.values import Call
from tests.support.terminals import Terminal

SCOPE = "123456789012/eu-west-1"
NOW = 1_700_000_000.0


def launch(count=1):
    return Call("ec2", "RunInstances", {"MaxCount": count}, "eu-west-1", "")


@pytest.fixture
def pacer(tmp_path):
    return Pacer(SqliteStore(tmp_path / "state.db"), share=1.0, max_wait_s=60)


def test_a_burst_then_the_documented_rate(pacer):
    """RunInstances: five calls at once, then one every half second."""
    pauses = [pacer.take(SCOPE, launch(), NOW).seconds for _ in range(8)]
    assert pauses == pytest.approx([0, 0, 0, 0, 0, 0.5, 1.0, 1.5])


def test_machines_have_a_bucket_of_their_own(pacer):
    """A thousand machines at once, then two a second."""
    assert pacer.take(SCOPE, launch(1000), NOW).seconds == 0
    pause = pacer.take(SCOPE, launch(10), NOW)
    assert (pause.limit, pause.seconds) == (LAUNCH_LIMIT, pytest.approx(5.0))
    assert pause.sentence == (
        "RunInstances machines: AWS allows 1000 at once, then 2 a second; this call needs 10 and must wait 5 s"
    )


def test_too_late_is_refused_and_takes_nothing(pacer):
    """A call that would wait longer than allowed is refused; the next small one finds the bucket unchanged."""
    pacer.take(SCOPE, launch(1000), NOW)
    assert pacer.take(SCOPE, launch(200), NOW).refused
    assert pacer.take(SCOPE, launch(2), NOW).seconds == pytest.approx(1.0)


def test_what_aws_never_allows_is_refused(pacer):
    """More machines in one call than the bucket has room for are refused."""
    pause = pacer.take(SCOPE, launch(1001), NOW)
    assert pause.refused
    assert "this call alone needs 1001" in pause.sentence


def test_the_share_leaves_room_for_others(tmp_path):
    """With a share of 0.8 four calls go at once, then 1.6 a second; a full-size launch still goes, alone."""
    pacer = Pacer(SqliteStore(tmp_path / "state.db"), share=0.8, max_wait_s=1e6)
    pauses = [pacer.take(SCOPE, launch(), NOW).seconds for _ in range(6)]
    assert pauses == pytest.approx([0, 0, 0, 0, 1 / 1.6, 2 / 1.6])
    assert pacer.take("another", launch(1000), NOW).seconds == 0


def test_throttling_empties_the_bucket(pacer):
    """After RequestLimitExceeded the next call waits: someone else uses the account's tokens, too."""
    pacer.drained(SCOPE, launch(), NOW)
    assert pacer.take(SCOPE, launch(), NOW).seconds == pytest.approx(0.5)


def test_other_regions_and_services_are_apart(pacer):
    """Buckets are per account and region; services without documented figures are not paced."""
    for _ in range(5):
        pacer.take(SCOPE, launch(), NOW)
    assert pacer.take("123456789012/us-east-1", launch(), NOW).seconds == 0
    assert tokens(Call("rds", "DeleteDBInstance", {}, "eu-west-1", "")) == []


def test_terminations_cost_a_token_a_machine():
    """A termination takes one token for each machine."""
    buckets = tokens(Call("ec2", "TerminateInstances", {"InstanceIds": ["i-1", "i-2"]}, "", ""))
    assert [(limit.name, limit.size, limit.rate, amount) for limit, amount in buckets] == [
        ("TerminateInstances requests", 100, 5, 1),
        ("TerminateInstances machines", 1000, 20, 2),
    ]


@given(st.lists(st.tuples(st.floats(0, 3), st.integers(1, 400)), min_size=1, max_size=40))
def test_never_faster_than_documented(tmp_path_factory, calls):
    """Whenever calls come, the machines sent in any stretch of time fit a bucket of 1,000, refilled by 2 a second."""
    pacer = Pacer(SqliteStore(tmp_path_factory.mktemp("state") / "state.db"), share=1.0, max_wait_s=1e9)
    now, sent = NOW, []
    for gap, count in calls:
        now += gap
        pause = pacer.take(SCOPE, launch(count), now)
        sent.append((now + pause.seconds, count))
    sent.sort()
    for first, (start, _) in enumerate(sent):
        total = 0
        for at, count in sent[first:]:
            total += count
            assert total <= 1000 + 2 * (at - start) + 1e-3


def test_threads_share_the_bucket(pacer):
    """Twenty threads at the same moment get twenty different turns."""
    turns, lock = [], threading.Lock()

    def take():
        pause = pacer.take(SCOPE, launch(), NOW)
        with lock:
            turns.append(pause.seconds)

    threads = [threading.Thread(target=take) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(turns) == pytest.approx([0] * 5 + [number / 2 for number in range(1, 16)])


def test_processes_share_the_bucket(pacer):
    """Four processes of five calls each get twenty different turns."""
    code = (
        "import sys\n"
        "from pathlib import Path\n"
        "from guardrails.memory.pacer import Pacer\n"
        "from guardrails.memory import SqliteStore\n"
        "from guardrails.values import Call\n"
        "pacer = Pacer(SqliteStore(Path(sys.argv[1])), share=1.0)\n"
        "call = Call('ec2', 'RunInstances', {'MaxCount': 1}, '', '')\n"
        f"print(*[pacer.take({SCOPE!r}, call, {NOW}).seconds for _ in range(5)])\n"
    )
    command = [sys.executable, "-c", code, str(pacer.store.path)]
    running = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(4)]
    turns = [float(word) for process in running for word in process.communicate()[0].split()]
    assert sorted(turns) == pytest.approx([0] * 5 + [number / 2 for number in range(1, 16)])


# -- with the whole guard ---------------------------------------------------------------------------------------------


def run(ec2, count=1):
    ec2.run_instances(ImageId="ami-12345678", MinCount=1, MaxCount=count, InstanceType="t3.small")


def loop(ec2, times):
    for _ in range(times):
        run(ec2)


def at_once(ec2, times):
    """In threads: one after the other, calls might be slow enough for AWS's limit."""
    with ThreadPoolExecutor(times) as pool:
        for done in [pool.submit(run, ec2) for _ in range(times)]:
            done.result()


@pytest.fixture
def waits(monkeypatch):
    """The waits that are asked for, in seconds; the test does not wait, and its clock stands still."""
    asked = []
    monkeypatch.setattr("guardrails.enforce.pacing.turn.time", SimpleNamespace(time=lambda: NOW))
    monkeypatch.setattr("guardrails.enforce.pacing.turn.wait", lambda seconds, _: asked.append(seconds))
    return asked


def test_a_loop_is_slowed_before_aws_refuses(aws, install, log):
    """Twelve launches, a call each, against AWS's limit: none is refused there. Without the guard some are."""
    ec2 = aws.client("ec2")
    aws.throttle("RunInstances", 5, 2)
    with contextlib.suppress(ClientError):
        at_once(ec2, 12)
    assert aws.refused("RunInstances") > 0
    aws.throttle("RunInstances", 5, 2)
    install()
    at_once(ec2, 12)
    assert aws.refused("RunInstances") == 0
    waited = [json.loads(line)["custom"]["waited_s"] for line in log.read_text().splitlines()]
    assert len(waited) == 12
    assert min(waited) == 0
    assert max(waited) > 0


def test_a_wait_beyond_the_longest_is_refused(aws, install, waits):
    """Nothing is sent, and the sentence has the numbers."""
    ec2 = aws.client("ec2")
    install(pacing={"max_wait_s": 1})
    with pytest.raises(guardrails.CallDenied, match=r"pacing/rate-limit: RunInstances requests: AWS allows 5 at once"):
        loop(ec2, 10)
    assert 4 <= aws.count("RunInstances") < 10
    assert all(seconds <= 1 for seconds in waits)


def test_evidence_is_fresh_after_a_wait(site, aws, install, monkeypatch):
    """A call that was allowed is decided on again after its wait: meanwhile the address has moved to green."""
    ec2, green = site.ec2, site.green

    def cut_over(*_):
        guardrails.uninstall()
        for allocation, machine in zip(site.blue.allocation_ids, green.instance_ids, strict=True):
            ec2.associate_address(AllocationId=allocation, InstanceId=machine, AllowReassociation=True)
        time.sleep(5.1)
        guard.install()

    guard = install(max_fact_age_s=5)
    monkeypatch.setattr("guardrails.enforce.pacing.turn.wait", cut_over)
    scope = "123456789012/eu-west-1"
    for _ in range(150):
        guard._turns._pacer.take(
            scope, Call("ec2", "TerminateInstances", {"InstanceIds": ["i-1"]}, "eu-west-1", ""), time.time()
        )
    try:
        with pytest.raises(guardrails.CallDenied, match="live-cluster/terminate"):
            ec2.terminate_instances(InstanceIds=list(green.instance_ids))
    finally:
        guard.uninstall()
    assert aws.count("TerminateInstances") == 0


def test_throttling_by_aws_is_heeded(aws, install, log):
    """After AWS's RequestLimitExceeded the bucket is empty, though this host made only one call."""
    ec2 = boto3.client("ec2", config=Config(retries={"total_max_attempts": 1}))
    install()
    aws.answer("RunInstances", 503, "RequestLimitExceeded", "Request limit exceeded.", times=1)
    with pytest.raises(ClientError, match="RequestLimitExceeded"):
        run(ec2)
    with sqlite3.connect(log.with_name("state.db")) as connection:
        rows = dict(connection.execute("SELECT name, tokens FROM bucket"))
    assert rows == {"RunInstances requests": 0.0, "RunInstances machines": 0.0}


@pytest.mark.parametrize("mode", ["warn", "dryrun"])
def test_other_modes_do_not_wait(aws, install, waits, mode):
    """Modes that block nothing slow nothing down either."""
    ec2 = aws.client("ec2")
    install(mode=mode)
    loop(ec2, 8)
    assert waits == []


def test_pacing_can_be_switched_off(aws, install, waits):
    """`pacing.enabled = false`."""
    ec2 = aws.client("ec2")
    install(pacing={"enabled": False})
    loop(ec2, 8)
    assert waits == []


# -- the wait itself --------------------------------------------------------------------------------------------------


def test_a_person_sees_the_countdown():
    """On a terminal the wait counts down on one line and wipes it; the script's own output stays clean."""
    code = "from guardrails.enforce.pacing.waiting import wait; wait(1.2, 'RunInstances requests'); print('done')"
    parent, child = pty.openpty()
    done = subprocess.run([sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=child, text=True, check=True)
    os.close(child)
    shown = os.read(parent, 65536).decode()
    os.close(parent)
    assert "waiting 1 s, RunInstances requests (Ctrl-C cancels the call)" in shown
    assert shown.endswith("\r")
    assert done.stdout == "done\n"


def test_a_shorter_line_covers_a_longer_one(monkeypatch, capsys):
    """From 10 s to 9 s nothing of the longer line is left behind, and in the end nothing at all."""
    monkeypatch.setattr(waiting, "_watched", lambda: True)
    clock = iter([0.0, 0.1, 1.1, 99.0])
    monkeypatch.setattr(waiting, "monotonic", lambda: next(clock))
    monkeypatch.setattr(waiting, "time", SimpleNamespace(sleep=lambda _: None))
    capsys.readouterr()
    waiting.wait(10.0, "x")
    _, longer, shorter, wiped, _ = capsys.readouterr().err.split("\r")
    assert (longer.split()[2], shorter.split()[2]) == ("10", "9")
    assert len(longer) == len(shorter) == len(wiped)
    assert not wiped.strip()


def test_ctrl_c_ends_the_wait_under_asyncio(tmp_path):
    """At a terminal Ctrl-C ends the wait at once, also where asyncio would keep it for later."""
    script = tmp_path / "wait.py"
    script.write_text(
        "import asyncio, sys\nfrom guardrails.enforce.pacing.waiting import wait\n"
        "async def main():\n    wait(60, 'RunInstances requests')\n"
        "try:\n    asyncio.run(main())\nexcept KeyboardInterrupt:\n    print('INTERRUPTED')\n"
    )
    terminal = Terminal([sys.executable, str(script)], dict(os.environ))
    terminal.until("waiting")
    terminal.type("\x03")
    assert "INTERRUPTED" in terminal.end()


def test_without_a_terminal_one_line_is_logged(caplog):
    """Without a terminal one line goes to the log."""
    with caplog.at_level("INFO", "guardrails"):
        waiting.wait(1.01, "RunInstances requests")
    assert [record.getMessage() for record in caplog.records] == ["waiting 1.0 s: RunInstances requests"]


def test_ctrl_c_ends_the_wait_and_nothing_is_sent(aws, install, monkeypatch):
    """A person who interrupts the wait has not made the call."""
    ec2 = aws.client("ec2")
    install()

    def interrupt(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr("guardrails.enforce.pacing.turn.wait", interrupt)
    with pytest.raises(KeyboardInterrupt):
        loop(ec2, 8)
    assert aws.count("RunInstances") < 8
