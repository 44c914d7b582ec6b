"""What makes a call: a person, a script, a CI job, a notebook or an agent; and an agent that is denied repeatedly."""

from __future__ import annotations

import json

import pytest

import guardrails
from guardrails import caller
from guardrails.caller.kinds import AGENT_MARKS, CI_MARKS, CallerSettings, kind
from tests.people.test_confirm import Terminal, environment, place  # noqa: F401  (a fixture)


@pytest.fixture(autouse=True)
def _without_marks(monkeypatch):
    for mark in (*AGENT_MARKS, *CI_MARKS):
        monkeypatch.delenv(mark.partition("=")[0], raising=False)


@pytest.mark.parametrize(
    ("environment", "settings", "notebook", "expected"),
    [
        ({}, {}, False, "script"),
        ({}, {}, True, "notebook"),
        ({"CI": "true"}, {}, False, "ci"),
        ({"CI": "false"}, {}, False, "script"),
        ({"CODEBUILD_BUILD_ID": "b:1"}, {}, False, "ci"),
        ({"CLAUDECODE": "1"}, {}, False, "agent"),
        ({"CURSOR_AGENT": "1", "CI": "1"}, {}, True, "agent"),
        ({"AGENT": "goose"}, {}, False, "agent"),
        ({"AWS_EXECUTION_ENV": "AmazonQ-For-CLI Version/1.0"}, {}, False, "agent"),
        ({"AWS_EXECUTION_ENV": "AWS_ECS_FARGATE"}, {}, False, "script"),
        ({"OUR_BOT": "1"}, {}, False, "script"),
        ({"OUR_BOT": "1"}, {"agent_marks": ("OUR_BOT",)}, False, "agent"),
        ({}, {"kind": "agent"}, False, "agent"),
        ({"CI": "1"}, {"kind": "script"}, False, "script"),
        ({"GEMINI_CLI": "1"}, {"kind": "person"}, False, "agent"),
    ],
)
def test_kinds(environment, settings, notebook, expected, monkeypatch):
    """The mark of an agent counts before anything else, then the configuration, CI, the notebook and the terminal."""
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert kind(CallerSettings(**settings), notebook=notebook) == expected


def test_an_agent_at_a_terminal_confirms_nothing(site, aws, place):  # noqa: F811
    """An agent with a pseudo-terminal is asked no question: the call is denied, and a person can approve it."""
    said = Terminal(place, site.blue.instance_ids[0], environment(aws, CLAUDECODE="1")).end().replace("\n", " ")
    assert "\n> " not in said
    assert "only a person can confirm it" in said
    assert "A second person can approve it until" in said
    assert not aws.count("SendCommand")
    entry = json.loads((place / "decisions.jsonl").read_text().splitlines()[-1])
    assert entry["input"]["caller"]["kind"] == "agent"
    assert entry["custom"]["approval_request"]["rules"] == ["opaque/command"]


def denied(site, cluster, method="terminate_instances"):
    """The rules that block it."""
    with pytest.raises(guardrails.CallDenied) as caught:
        getattr(site.ec2, method)(InstanceIds=[getattr(site, cluster).instance_ids[0]])
    return {one.rule for one in caught.value.decision.violations}, caught.value.decision


def test_an_agent_that_goes_on_is_stopped(site, aws, install, monkeypatch):
    """After three denials on the live cluster an agent may harm no cluster, and a person can allow a call."""
    monkeypatch.setenv("CLAUDECODE", "1")
    install()
    for _ in range(3):
        assert "caller/denials" not in denied(site, "blue")[0]
    rules, decision = denied(site, "green")
    assert rules == {"caller/denials"}
    assert decision.approval.rules == ("caller/denials",)
    assert decision.caller.denials == 3
    assert not aws.count("TerminateInstances")
    site.ec2.describe_instances()
    site.ec2.start_instances(InstanceIds=[site.green.instance_ids[0]])


def test_asking_is_not_being_denied(site, aws, install, monkeypatch):
    """Calls that need confirmation do not count: an agent may ask for an approval as often as it needs one."""
    monkeypatch.setenv("CLAUDECODE", "1")
    install()
    for number in range(4):
        with pytest.raises(guardrails.CallDenied) as caught:
            aws.client("ssm").send_command(
                DocumentName="AWS-RunShellScript",
                InstanceIds=[site.blue.instance_ids[0]],
                Parameters={"commands": [str(number)]},
            )
        assert caught.value.decision.caller.denials == 0
    site.ec2.terminate_instances(InstanceIds=[site.green.instance_ids[0]])
    assert aws.count("TerminateInstances") == 1


@pytest.mark.parametrize("denials", ["green", "blue"])
def test_others_are_not(denials, site, aws, install, monkeypatch):
    """A script goes on after three denials, and denials on a cluster that is not live do not count."""
    if denials == "green":
        monkeypatch.setenv("CLAUDECODE", "1")
        site.ec2.delete_tags(Resources=[site.green.instance_ids[0]], Tags=[{"Key": "Cluster"}])
    install()
    for _ in range(3):
        denied(site, denials)
    site.ec2.terminate_instances(InstanceIds=[site.green.instance_ids[1]])
    assert aws.count("TerminateInstances") == 1


def test_a_person_of_the_same_user_is_not_stopped(site, aws, install, monkeypatch):
    """What an agent was denied is not held against the user who started it."""
    monkeypatch.setenv("CLAUDECODE", "1")
    install()
    for _ in range(3):
        denied(site, "blue")
    monkeypatch.delenv("CLAUDECODE")
    site.ec2.terminate_instances(InstanceIds=[site.green.instance_ids[0]])
    assert aws.count("TerminateInstances") == 1


def test_denials_are_counted_apart():
    """By kind, user and host."""
    agent = caller.describe(None, CallerSettings(kind="agent"))
    script = caller.describe(None, CallerSettings(kind="script"))
    assert caller.counted_as(agent) != caller.counted_as(script)
