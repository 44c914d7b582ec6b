"""A call that was allowed and then not sent, or whose outcome is unknown: what it counts, and what the log says."""

from __future__ import annotations

import json
import os
import subprocess
from contextlib import suppress
from pathlib import Path

import pytest
import urllib3
from botocore.config import Config
from botocore.exceptions import ClientError, EndpointConnectionError, ReadTimeoutError
from botocore.stub import Stubber

import guardrails
from guardrails.record.entries import read

BOUNDS = {"params": {"remaining": {"clusters": {"workers": {"min_running": 4}}}}}


@pytest.fixture
def workers(aws, install):
    """Six machines of which two may go."""
    ids = aws.start_cluster("workers", 6).instance_ids
    aws.start_cluster("blue", 1, addresses=1)
    install(**BOUNDS)
    aws.clear()
    return ids


def second(aws, workers):
    """The rules that deny terminating two others; None where that arrives."""
    before = aws.count("TerminateInstances")
    try:
        aws.client("ec2").terminate_instances(InstanceIds=list(workers[2:4]))
    except guardrails.CallDenied as error:
        assert aws.count("TerminateInstances") == before
        return {violation.rule for violation in error.decision.violations}
    assert aws.count("TerminateInstances") == before + 1
    return None


def answered_by_stubber(ec2):
    """botocore's Stubber answers at `before-call`."""
    stubber = Stubber(ec2)
    stubber.add_response("terminate_instances", {"TerminatingInstances": []})
    stubber.activate()


def answered_by_handler(ec2):
    """A handler answers at `before-send`, as moto does inside the process."""
    answer = ec2.meta.events
    content = b"<TerminateInstancesResponse><instancesSet/></TerminateInstancesResponse>"

    def respond(request, **_):
        from botocore.awsrequest import AWSResponse

        response = AWSResponse(request.url, 200, {}, None)
        response._content = content
        return response

    answer.register("before-send.ec2.TerminateInstances", respond)


def interrupted(ec2):
    """Ctrl-C after the decision."""

    def stop(**_):
        raise KeyboardInterrupt

    ec2.meta.events.register("before-sign.ec2.TerminateInstances", stop)


def refused_locally(ec2):
    """A handler of the script stops the call."""

    def stop(**_):
        raise RuntimeError("not today")

    ec2.meta.events.register("before-sign.ec2.TerminateInstances", stop)


@pytest.mark.parametrize("way", [answered_by_stubber, answered_by_handler, interrupted, refused_locally])
def test_what_never_leaves_counts_nothing(way, aws, workers, log):
    """The bound is free again at once, the server saw nothing, and the log says that the call was not sent."""
    ec2 = aws.client("ec2")
    way(ec2)
    with suppress(KeyboardInterrupt, RuntimeError):
        ec2.terminate_instances(InstanceIds=list(workers[:2]))
    assert aws.count("TerminateInstances") == 0
    assert second(aws, workers) is None
    *firsts, last = read(log)
    assert (last.sent, last.not_sent) == (True, "")
    # The stubber answers before anything is decided.
    assert len(firsts) == (way is not answered_by_stubber)
    for first in firsts:
        assert (first.action, first.sent) == ("allow", False)
        assert first.not_sent.startswith("it was cancelled")


@pytest.fixture
def failing(monkeypatch):
    """failing(errors): what becomes of the next connections that carry a termination; below the guard."""

    def make(*errors):
        left, urlopen = list(errors), urllib3.connectionpool.HTTPConnectionPool.urlopen

        def fails(pool, method, url, body=None, **more):
            if "TerminateInstances" in str(body) and left:
                raise left.pop(0)(pool)
            return urlopen(pool, method, url, body=body, **more)

        monkeypatch.setattr(urllib3.connectionpool.HTTPConnectionPool, "urlopen", fails)

    return make


def no_connection(pool):
    """The request did not leave."""
    return urllib3.exceptions.NewConnectionError(pool, "refused")


def no_answer(pool):
    """The request left, and nothing came back."""
    return urllib3.exceptions.ReadTimeoutError(pool, "/", "late")


def once(aws, **retries):
    """A client that makes one attempt, unless more are given."""
    return aws.session().client("ec2", config=Config(retries={"total_max_attempts": 1, **retries}))


def test_no_connection(aws, workers, log, failing):
    """Where no attempt had a connection, nothing was taken away: the bound is free, and the log says it."""
    failing(no_connection, no_connection)
    with pytest.raises(EndpointConnectionError):
        once(aws, total_max_attempts=2).terminate_instances(InstanceIds=list(workers[:2]))
    assert aws.count("TerminateInstances") == 0
    assert second(aws, workers) is None
    assert [entry.sent for entry in read(log)] == [False, True]


def test_no_answer(aws, workers, log, failing):
    """A request without an answer may have been carried out: it counts for now, and the log does not deny it."""
    failing(no_answer)
    with pytest.raises(ReadTimeoutError):
        once(aws).terminate_instances(InstanceIds=list(workers[:2]))
    assert second(aws, workers) >= {"remaining/minimum"}
    assert [entry.not_sent for entry in read(log)] == ["", ""]


@pytest.mark.parametrize("failures", [[no_connection], [no_answer], [no_answer, no_connection]])
def test_a_later_attempt_counts(failures, aws, workers, log, failing):
    """The call that failed first and was carried out in the end counts like any other."""
    failing(*failures)
    once(aws, total_max_attempts=3).terminate_instances(InstanceIds=list(workers[:2]))
    assert aws.count("TerminateInstances") == 1
    assert second(aws, workers) >= {"remaining/minimum"}
    assert next(iter(read(log))).sent


def test_retries_that_end_without_a_connection(aws, workers, log, failing):
    """One attempt of several may have reached AWS: the call stays in doubt though the last one had no connection."""
    failing(no_answer, no_connection)
    with pytest.raises(EndpointConnectionError):
        once(aws, total_max_attempts=2).terminate_instances(InstanceIds=list(workers[:2]))
    assert second(aws, workers) >= {"remaining/minimum"}
    assert next(iter(read(log))).sent


def test_a_dry_run_counts_nothing(aws, workers):
    """A dry run leaves the bound as it is."""
    with pytest.raises(ClientError, match="DryRunOperation"):
        aws.client("ec2").terminate_instances(InstanceIds=list(workers[:2]), DryRun=True)
    assert second(aws, workers) is None


class Session:
    """An HTTP session of the script's own, whose sending no gate sees."""

    def __init__(self, real):
        self.real = real

    def send(self, request):
        """Sends it."""
        import urllib.request

        from botocore.awsrequest import AWSResponse

        request.headers.pop("Content-Length", None)
        made = urllib.request.Request(
            request.url, request.body.encode() if isinstance(request.body, str) else request.body, dict(request.headers)
        )
        with urllib.request.urlopen(made) as answer:
            response = AWSResponse(request.url, answer.status, dict(answer.headers), None)
            response._content = answer.read()
        return response


def test_a_session_of_ones_own_counts(aws, workers, log):
    """A call that leaves through another HTTP session counts as sent."""
    ec2 = aws.client("ec2")
    ec2._endpoint.http_session = Session(ec2._endpoint.http_session)
    ec2.terminate_instances(InstanceIds=list(workers[:2]))
    assert aws.count("TerminateInstances") == 1
    assert second(aws, workers) >= {"remaining/minimum"}
    assert next(iter(read(log))).sent


@pytest.mark.parametrize(
    ("moment", "sent", "outcome"),
    [("deciding", 0, "arrived"), ("before sending", 0, "arrived"), ("in flight", 1, "remaining/minimum")],
)
def test_a_cancelled_task(moment, sent, outcome, aws, log, python_of):
    """A task that was cancelled before its request left counts nothing and is logged so; one in flight counts."""
    ids = aws.start_cluster("workers", 6).instance_ids
    aws.start_cluster("blue", 1, addresses=1)
    if sent:
        # Its answer is lost, and AWS still shows the machines as running.
        aws.reply("TerminateInstances", "<TerminateInstancesResponse><instancesSet/></TerminateInstancesResponse>")
    config = json.dumps({"log": {"path": str(log)}, "max_fact_age_s": 60, **BOUNDS})
    script = Path(__file__).with_name("cancelled.py")
    done = subprocess.run(
        [python_of("aiobotocore"), script, moment, config, *ids[:4]],
        env={**os.environ, "PYTHONPATH": str(script.parents[2])}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert outcome in done.stdout.split(), done.stderr
    assert aws.count("TerminateInstances") == sent + (outcome == "arrived")
    first = next(iter(read(log)))
    assert (first.action, first.sent, bool(first.not_sent)) == ("allow", bool(sent), not sent)


def test_a_throttled_call_that_is_sent_again(aws, workers):
    """It counts: AWS throttles with status 400, and botocore tries again. The machines still run when it looks."""
    aws.reply("TerminateInstances", "<TerminateInstancesResponse><instancesSet/></TerminateInstancesResponse>")
    aws.answer("TerminateInstances", 400, "Throttling", "Rate exceeded", times=1)
    aws.client("ec2").terminate_instances(InstanceIds=[workers[0]])
    assert aws.count("TerminateInstances") == 2
    assert second(aws, workers) >= {"remaining/minimum"}


def test_a_call_that_is_throttled_for_good(aws, workers):
    """It took nothing away, and two others may go."""
    aws.answer("TerminateInstances", 400, "Throttling", "Rate exceeded", times=2)
    with pytest.raises(ClientError, match="Rate exceeded"):
        once(aws, total_max_attempts=2).terminate_instances(InstanceIds=[workers[0]])
    assert aws.count("TerminateInstances") == 2
    assert second(aws, workers) is None
