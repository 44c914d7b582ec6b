"""The operation in Guard.check(), in any of its spellings; a wrong one is reported in one sentence."""

from __future__ import annotations

import pytest

import guardrails


@pytest.fixture
def guard(log):
    """A guard that is not installed."""
    return guardrails.Guard.from_config({"log": {"path": str(log)}})


@pytest.mark.parametrize("name", ["StopInstances", "stop_instances", "stop-instances"])
def test_three_spellings(guard, site, name):
    """AWS's name, the method's and the AWS CLI's are the same operation."""
    decision = guard.check(site.ec2, name, InstanceIds=[site.blue.instance_ids[0]])
    assert decision.call.operation == "StopInstances"


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("TerminateInstance", "ec2 has no operation TerminateInstance; did you mean TerminateInstances?"),
        ("terminate_instance", "ec2 has no operation terminate_instance; did you mean TerminateInstances?"),
        ("terminateinstances", "ec2 has no operation terminateinstances; did you mean TerminateInstances?"),
        ("Xyzzy", "ec2 has no operation Xyzzy"),
    ],
)
def test_an_unknown_operation(guard, aws, site, name, sentence):
    """An operation that the service does not have is a ConfigError with at most one suggestion, and nothing is sent."""
    aws.clear()
    with pytest.raises(guardrails.ConfigError) as caught:
        guard.check(site.ec2, name)
    assert str(caught.value) == sentence
    assert aws.requests == ()
