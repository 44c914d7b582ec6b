"""The program's own log: a handler there that raises changes no decision and hides no denial."""

from __future__ import annotations

import logging

import pytest

import guardrails
from guardrails.record.entries import read
from guardrails.waiting.program_log import ProgramLog


class LogServerDown(Exception):
    """A program's own exception."""


class Broken(logging.Handler):
    """Raises for each message of the guard."""

    def __init__(self, error):
        super().__init__()
        self.error, self.heard = error, []

    def emit(self, record):
        # The simulated AWS runs in this process, too.
        if record.name == "guardrails":
            self.heard.append(record.getMessage())
            raise self.error


@pytest.fixture(params=[LogServerDown, ConnectionRefusedError, RuntimeError])
def broken(request):
    """A handler of the program's log that raises, at every level."""
    logger, handler = logging.getLogger("guardrails"), Broken(request.param("the log server is down"))
    before = logger.level
    logger.addHandler(handler)
    logger.setLevel(logging.DEBUG)
    yield handler
    logger.removeHandler(handler)
    logger.setLevel(before)


def test_a_denial_reaches_the_script(broken, site, aws, install):
    """The script gets the denial, not the handler's exception, and the other machine goes."""
    guard = install()
    for _ in range(2):
        with pytest.raises(guardrails.CallDenied) as caught:
            site.ec2.terminate_instances(InstanceIds=list(site.blue.instance_ids))
        assert not isinstance(caught.value, guardrails.GuardUnavailable)
    site.ec2.terminate_instances(InstanceIds=list(site.green.instance_ids))
    assert aws.count("TerminateInstances") == 1
    assert any("Blocked before it reached AWS" in each for each in broken.heard)
    assert [each.sent for each in read(guard.settings.log.path)] == [False, False, True]


def test_a_warning_blocks_nothing(broken, site, aws, install):
    """In mode warn the call is sent although the warning cannot be said, and the log has it as sent."""
    guard = install(mode="warn")
    site.ec2.terminate_instances(InstanceIds=list(site.blue.instance_ids))
    assert aws.count("TerminateInstances") == 1
    assert any("live-cluster/terminate" in each for each in broken.heard)
    assert [each.sent for each in read(guard.settings.log.path)] == [True]


def test_a_log_that_cannot_be_written_is_said(broken, site, aws, install, log):
    """Where the decision log fails as well, the denial says that."""
    install()
    log.unlink()
    log.mkdir()
    with pytest.raises(guardrails.GuardUnavailable, match="decision log"):
        site.ec2.terminate_instances(InstanceIds=list(site.green.instance_ids))
    assert aws.count("TerminateInstances") == 0


def test_a_time_limit_is_no_failure_of_the_log(monkeypatch):
    """What is raised in the middle of Python's own code, as another thread's time limit is, reaches the script."""
    place = {"__name__": "logging", "LogServerDown": LogServerDown}
    exec("def limited(*_, **__): raise LogServerDown", place)
    monkeypatch.setattr(logging, "_logRecordFactory", place["limited"])
    with pytest.raises(LogServerDown):
        ProgramLog().error("something")


def test_a_message_has_the_place_of_its_speaker(caplog):
    """Handlers show the file that said it."""
    ProgramLog().warning("one of %d", 2)
    (record,) = caplog.records
    assert (record.getMessage(), record.filename) == ("one of 2", "test_program_log.py")
