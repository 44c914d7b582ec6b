"""What a script's signal handlers raise reaches the script as it is; the call is not sent, and nothing stays behind."""

from __future__ import annotations

import contextlib
import ctypes
import random
import signal
import sqlite3
import threading
import time

import pytest
from botocore.exceptions import BotoCoreError

import guardrails
from guardrails.waiting.interruptions import held_back, waiting
from tests.support import slow_servers
from tests.support.slow_servers import slow_server
from tests.support.waiting import until


class TimeIsUp(Exception):
    """A script's own time limit."""


@pytest.fixture
def alarm():
    """alarm(seconds, error): SIGALRM raises it then."""
    before = signal.getsignal(signal.SIGALRM)

    def start(seconds, error):
        def ring(*_):
            raise error

        signal.signal(signal.SIGALRM, ring)
        signal.setitimer(signal.ITIMER_REAL, seconds)

    yield start
    signal.setitimer(signal.ITIMER_REAL, 0)
    signal.signal(signal.SIGALRM, before)


def claims(log, condition="kind NOT LIKE 'call %'"):
    """The machines that calls are taking away, as the guards of this host remember them."""
    connection = sqlite3.connect(log.with_name("state.db"))
    with contextlib.closing(connection):
        if not connection.execute("SELECT * FROM sqlite_master WHERE name = 'event'").fetchall():
            return []
        return [name for (name,) in connection.execute(f"SELECT name FROM event WHERE {condition}")]


# TimeoutError is an OSError: a guard that waits for files and locks could take it for its own.
@pytest.mark.parametrize(
    "kind", [TimeIsUp, TimeoutError, ValueError, RuntimeError, OSError, KeyboardInterrupt, SystemExit]
)
def test_in_a_slow_look_up(kind, site, aws, install, log, alarm):
    """It is raised at once, not at the end of the look-up."""
    install()
    with slow_server(slow_servers.says_nothing) as server:
        client, error = slow_servers.client(aws, server), kind("time is up")
        alarm(0.5, error)
        with pytest.raises(kind) as caught:
            client.terminate_instances(InstanceIds=[site.green.instance_ids[0]])
        assert caught.value is error
        assert "TerminateInstances" not in server.asked
    assert claims(log) == []
    assert log.read_text() == ""
    site.ec2.terminate_instances(InstanceIds=[site.green.instance_ids[0]])
    assert aws.count("TerminateInstances") == 1


@pytest.mark.parametrize("kind", [TimeIsUp, TimeoutError])
@pytest.mark.parametrize("cluster", ["blue", "green"])
def test_at_any_moment(cluster, kind, site, aws, install, log, alarm):
    """At sixty moments of a decision the script gets its exception, or what came of the call where it is decided.

    Not while botocore sends: there it is the script's own matter, as without the guard. An exception in the middle of
    urllib3's queue leaves that locked, and the next attempt would wait for ever.
    """
    lookups = install()._lookups
    later = _disarmed_while_sending(site.ec2)
    machine = getattr(site, cluster).instance_ids[0]
    started = time.perf_counter()
    _outcome(site, machine)
    usual, chance = time.perf_counter() - started, random.Random(1)
    aws.clear()
    ends = []
    for _ in range(60):
        lookups.forget()
        before, error = aws.count("TerminateInstances"), kind("time is up")
        # Half of the moments are after the answer, where the guard records it.
        later[:] = [chance.random() * usual / 10] if cluster == "green" and chance.random() < 0.5 else []
        alarm(60 if later else max(1e-4, chance.random() * usual), error)
        try:
            end = _outcome(site, machine)
            signal.setitimer(signal.ITIMER_REAL, 0)
        except kind as late:
            # Between the call and the line that ends the alarm.
            end = late
        arrived = aws.count("TerminateInstances") - before
        if isinstance(end, kind):
            assert end is error
            assert arrived == 0 or cluster == "green"
        elif cluster == "blue":
            assert isinstance(end, guardrails.CallDenied)
            assert not isinstance(end, guardrails.GuardUnavailable), end
            assert arrived == 0
        else:
            # botocore takes an exception in its own sending for a failure of the network, and tries again.
            assert arrived >= 1
        assert claims(log, "sent = 0") == []
        ends.append(isinstance(end, kind))
    assert any(ends)
    assert signal.getsignal(signal.SIGALRM).__name__ == "ring"
    # No lock is held: the next decision and the next fork do not wait.
    assert isinstance(_outcome(site, site.blue.instance_ids[0]), guardrails.CallDenied)


def _disarmed_while_sending(client):
    """No alarm rings while `client` sends. After an answer it rings in so many seconds as the result, a list, has."""
    later = []
    client.meta.events.register_first("before-send", lambda **_: signal.setitimer(signal.ITIMER_REAL, 0) and None)
    client.meta.events.register_first(
        "response-received",
        lambda **_: signal.setitimer(signal.ITIMER_REAL, max(1e-4, later.pop())) and None if later else None,
    )
    return later


def _outcome(site, machine):
    try:
        site.ec2.terminate_instances(InstanceIds=[machine])
    except (TimeIsUp, TimeoutError, BotoCoreError, guardrails.CallDenied) as error:
        return error


def test_an_exception_put_into_the_thread(site, aws, install):
    """So does one that another thread puts there, as time limits without signals do."""
    install(lookup_timeout_s=5)
    ends, ready = [], threading.Event()
    with slow_server(slow_servers.says_nothing) as server:
        client = slow_servers.client(aws, server)

        def attempt():
            ready.set()
            try:
                client.terminate_instances(InstanceIds=[site.green.instance_ids[0]])
            except Exception as error:
                ends.append(type(error))

        thread = threading.Thread(target=attempt)
        thread.start()
        until(lambda: server.asked)
        ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(thread.ident), ctypes.py_object(TimeIsUp))
        thread.join(60)
        assert "TerminateInstances" not in server.asked
    assert ends == [TimeIsUp]


def test_a_handler_that_makes_a_call_itself(site, aws, install, alarm):
    """A governed call in a handler is decided on while the interrupted one waits; both are judged."""
    install()
    inner = []
    before = signal.getsignal(signal.SIGALRM)
    signal.signal(signal.SIGALRM, lambda *_: inner.append(_outcome(site, site.blue.instance_ids[1])))
    aws.delay(0.5)
    signal.setitimer(signal.ITIMER_REAL, 0.2)
    assert isinstance(_outcome(site, site.blue.instance_ids[0]), guardrails.CallDenied)
    signal.signal(signal.SIGALRM, before)
    assert [type(error) for error in inner] == [guardrails.CallDenied]
    assert aws.count("TerminateInstances") == 0


def test_handlers_run_where_the_guard_waits_and_at_the_end(alarm):
    """They run in waits at once, elsewhere when the decision is made; then the script has its own handlers back."""
    rung = []
    before = signal.signal(signal.SIGUSR1, lambda *_: rung.append("usr1"))
    own = signal.getsignal(signal.SIGUSR1)
    try:
        with held_back() as deliver:
            signal.raise_signal(signal.SIGUSR1)
            assert rung == []
            deliver()
            assert rung == ["usr1"]
            signal.raise_signal(signal.SIGUSR1)
            with waiting():
                assert rung == ["usr1"] * 2
                signal.raise_signal(signal.SIGUSR1)
                assert rung == ["usr1"] * 3
            signal.raise_signal(signal.SIGUSR1)
        assert rung == ["usr1"] * 4
        assert signal.getsignal(signal.SIGUSR1) is own
    finally:
        signal.signal(signal.SIGUSR1, before)


def test_a_handler_that_the_script_replaces_meanwhile(alarm):
    """A handler that sets another one keeps it."""
    before = signal.getsignal(signal.SIGUSR1)

    def once(*_):
        signal.signal(signal.SIGUSR1, signal.SIG_IGN)

    signal.signal(signal.SIGUSR1, once)
    try:
        with held_back(), waiting():
            signal.raise_signal(signal.SIGUSR1)
        assert signal.getsignal(signal.SIGUSR1) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGUSR1, before)


def _swallow_what_is_raised():
    for _ in range(2):
        with contextlib.suppress(OSError), waiting():
            signal.raise_signal(signal.SIGUSR1)


def test_an_exception_that_something_swallowed():
    """An exception of a handler is raised at the end, even if something has caught it on the way."""
    before = signal.getsignal(signal.SIGUSR1)
    error = TimeoutError("the script's")

    def ring(*_):
        raise error

    signal.signal(signal.SIGUSR1, ring)
    try:
        with pytest.raises(TimeoutError) as caught, held_back():
            _swallow_what_is_raised()
        assert caught.value is error
    finally:
        signal.signal(signal.SIGUSR1, before)
