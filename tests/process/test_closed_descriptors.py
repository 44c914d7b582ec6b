"""A program that closes every file descriptor, as one does that goes into the background: its own files stay whole."""

from __future__ import annotations

import subprocess
import sys

import pytest

import guardrails

PROGRAM = """
import os, sys, guardrails, boto3, botocore.exceptions
live, other, when = sys.argv[1:]
guardrails.install({"log": {"path": "decisions.jsonl"}, "max_fact_age_s": 60, "lookup_timeout_s": 60})

def terminate(machine):
    try:
        boto3.client("ec2").terminate_instances(InstanceIds=[machine])
    except guardrails.GuardUnavailable as error:
        return error.decision.unavailable
    except botocore.exceptions.ClientError as error:
        return error.response["Error"]["Code"]
    return "sent"

if when == "call before":
    print(terminate(other))
os.closerange(3, 256)
files = [open(f"user{number}", "w+") for number in range(20)]
for file in files:
    file.write("precious")
    file.flush()
for machine in (other, live, other):
    print(terminate(machine))
"""
CLOSED = "this program has closed all file descriptors, also those of the guard"


@pytest.fixture
def closing(aws, site, tmp_path):
    """closing("call before" or not): what each call of such a program came to."""

    def run(when):
        command = [sys.executable, "-c", PROGRAM, site.blue.instance_ids[0], site.green.instance_ids[0], when]
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=120, check=True)
        assert {file.read_text() for file in tmp_path.glob("user*")} == {"precious"}
        return done.stdout.splitlines()

    return run


def test_before_the_first_governed_call(closing, aws):
    """A program that is guarded, closes all descriptors and then makes its first call is guarded as any other."""
    assert closing("no call before") == ["sent", "GuardrailsDenied", "sent"]
    assert aws.count("TerminateInstances") == 2


def test_between_two_governed_calls(closing, aws, install, site, tmp_path):
    """Nothing is sent without the memory, the message says what to do, and another program finds the memory whole."""
    first, *others = closing("call before")
    assert first == "sent"
    assert len(others) == 3
    assert all(CLOSED in other and "let it close them before its first governed call" in other for other in others)
    assert aws.count("TerminateInstances") == 1
    install(state={"path": str(tmp_path / "state.db")})
    with pytest.raises(guardrails.CallDenied):
        site.ec2.terminate_instances(InstanceIds=[site.blue.instance_ids[0]])
