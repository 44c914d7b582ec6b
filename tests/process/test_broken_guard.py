"""A part of the guard itself fails: a governed call is denied in words, an ungoverned one passes."""

from __future__ import annotations

import json
import sqlite3
import time

import pytest

import guardrails
from guardrails.enforce.denied_often import DeniedOften
from guardrails.intercept import judge
from guardrails.intercept.glance import Glance
from guardrails.intercept.request.operation import Services
from guardrails.intercept.reviewing import Reviewer
from guardrails.record.decision_log import DecisionLog
from guardrails.resolve.connection import Connection
from tests.faults import answers
from tests.faults.proxy import Proxy


def failing(monkeypatch, owner, name, error=RuntimeError):
    def fail(*_, **__):
        raise error("updated yesterday")

    monkeypatch.setattr(owner, name, fail)


@pytest.mark.parametrize(
    ("owner", "name"),
    [(Glance, "fits"), (Glance, "still_fits"), (Services, "of_model"), (Reviewer, "_review"), (judge, "read_call")],
)
def test_an_ungoverned_call_passes(owner, name, site, aws, install, monkeypatch):
    """Wherever interception fails, an ungoverned call arrives; one on the live cluster does not."""
    install()
    failing(monkeypatch, owner, name)
    site.ec2.create_key_pair(KeyName="deploy")
    with pytest.raises(guardrails.CallDenied):
        site.ec2.terminate_instances(InstanceIds=list(site.blue.instance_ids))
    assert [aws.count(each) for each in ("CreateKeyPair", "TerminateInstances")] == [1, 0]


@pytest.mark.parametrize("error", [RuntimeError, MemoryError])
@pytest.mark.parametrize(
    ("owner", "name"), [(judge, "read_call"), (judge.Seal, "of"), (DeniedOften, "caller"), (DecisionLog, "write")]
)
def test_a_governed_call_is_denied_in_words(owner, name, error, site, aws, install, monkeypatch):
    """What fails on the way to a decision is a denial that says what to do, not an exception of the guard's own."""
    install()
    failing(monkeypatch, owner, name, error)
    with pytest.raises(guardrails.GuardUnavailable, match=r"doctor|give the process more"):
        site.ec2.terminate_instances(InstanceIds=[site.green.instance_ids[0]])
    assert aws.count("TerminateInstances") == 0
    monkeypatch.undo()
    for variable, value in aws.environment().items():
        monkeypatch.setenv(variable, value)
    site.ec2.terminate_instances(InstanceIds=[site.green.instance_ids[0]])
    assert aws.count("TerminateInstances") == 1


def test_a_call_that_fails_after_its_record_is_noted(site, aws, install, log, monkeypatch):
    """What was recorded as sent and then is not sent is noted in the log, and takes nothing away."""
    guard = install()
    monkeypatch.setattr(type(guard._pipeline.sent_claims), "keep", lambda *_: 1 / 0)
    with pytest.raises(guardrails.GuardUnavailable, match="division by zero"):
        site.ec2.terminate_instances(InstanceIds=[site.green.instance_ids[0]])
    entries = [json.loads(line) for line in log.read_text().splitlines()]
    first = entries[0]["decision_id"]
    assert [entry["custom"]["sent"] for entry in entries if entry["decision_id"] == first] == [True, False]
    with sqlite3.connect(log.with_name("state.db")) as connection:
        assert connection.execute("SELECT name FROM event WHERE kind NOT LIKE 'call %'").fetchall() == []
    connection.close()
    assert aws.count("TerminateInstances") == 0


def test_the_answer_of_aws_reaches_the_script(site, aws, install, monkeypatch):
    """A call that was carried out has AWS's answer, though noting it fails."""
    guard = install()
    monkeypatch.setattr(type(guard._pipeline.sent_claims), "came_back", lambda *_, **__: 1 / 0)
    answer = site.ec2.terminate_instances(InstanceIds=[site.green.instance_ids[0]])
    assert answer["TerminatingInstances"][0]["InstanceId"] == site.green.instance_ids[0]


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_look_up_that_is_interrupted_ends(site, aws, install, monkeypatch):
    """An exception in the thread of a look-up ends it at once, not at its deadline; the next decision asks again."""
    install()
    with monkeypatch.context() as patch:
        failing(patch, Connection, "ask", KeyboardInterrupt)
        started = time.monotonic()
        with pytest.raises(guardrails.GuardUnavailable, match="Interrupted"):
            site.ec2.terminate_instances(InstanceIds=[site.green.instance_ids[0]])
        # The look-ups may take a minute here.
        assert time.monotonic() - started < 30
    site.ec2.terminate_instances(InstanceIds=[site.green.instance_ids[0]])
    assert aws.count("TerminateInstances") == 1


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (answers.document(answers.half), "ResponseParserError"),
        (answers.refused(400, "ExpiredToken"), "renew the credentials"),
    ],
)
def test_what_is_said_of_a_look_up(answer, words, site, aws, install):
    """A document that cannot be parsed is not quoted, and expired credentials are named as what they are."""
    install()
    with Proxy(aws.endpoint_url) as proxy:
        proxy.answer = answer
        client = aws.session().client("ec2", endpoint_url=proxy.endpoint)
        with pytest.raises(guardrails.GuardUnavailable, match=words) as caught:
            client.terminate_instances(InstanceIds=[site.green.instance_ids[0]])
    assert "<" not in str(caught.value)
    assert len(str(caught.value)) < 2000


def test_what_is_said_of_a_locked_memory(site, aws, install, log):
    """No one is asked to delete a file that another process has locked."""
    install(lookup_timeout_s=1)
    other = sqlite3.connect(log.with_name("state.db"), isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(guardrails.GuardUnavailable, match="make the call again when that is over") as caught:
        site.ec2.terminate_instances(InstanceIds=[site.green.instance_ids[0]])
    other.close()
    assert "delete" not in str(caught.value)


@pytest.mark.parametrize(
    ("owner", "name", "method"),
    [
        (Glance, "fits", "create_key_pair"),
        (Glance, "still_fits", "create_key_pair"),
        (Reviewer, "_review", "terminate_instances"),
    ],
)
def test_what_a_handler_raises_there_reaches_the_script(owner, name, method, site, aws, install, monkeypatch):
    """A script's time limit that ends in the middle of interception is not taken for a failure of the guard."""
    install()
    usual, error = getattr(owner, name), TimeoutError("the script's")

    def once(*_, **__):
        monkeypatch.setattr(owner, name, usual)
        raise error

    monkeypatch.setattr(owner, name, once)
    params = {"KeyName": "deploy"} if method == "create_key_pair" else {"InstanceIds": [site.green.instance_ids[0]]}
    with pytest.raises(TimeoutError) as caught:
        getattr(site.ec2, method)(**params)
    assert caught.value is error
    assert aws.count("CreateKeyPair", "TerminateInstances") == 0
