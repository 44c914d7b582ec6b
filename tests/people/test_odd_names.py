"""Names that are not text in UTF-8: of the user, the host, the script, and in what breaks the glass."""

from __future__ import annotations

import os
import socket
import time

import pytest

import guardrails
from guardrails.enforce.break_glass.grant import ENVIRONMENT, environment_value
from guardrails.record.entries import read

ODD = os.fsdecode(b"J\xfcrg")


@pytest.fixture
def odd(monkeypatch):
    """The user and the host have names in Latin-1."""
    monkeypatch.setenv("LOGNAME", ODD)
    monkeypatch.setattr(socket, "gethostname", lambda: ODD)


def test_calls_are_decided_on(odd, site, aws, install):
    """The guard installs, the live machine is protected and the other goes; the log has a mark for the odd letter."""
    guard = install()
    with pytest.raises(guardrails.CallDenied) as caught:
        site.ec2.terminate_instances(InstanceIds=list(site.blue.instance_ids))
    assert {each.rule for each in caught.value.decision.violations} == {"live-cluster/terminate"}
    site.ec2.terminate_instances(InstanceIds=list(site.green.instance_ids))
    assert aws.count("TerminateInstances") == 1
    (denial, _) = read(guard.settings.log.path)
    assert (denial.input["caller"]["os_user"], denial.input["caller"]["host"]) == ("J\ufffdrg", "J\ufffdrg")


def test_a_reason_that_is_no_text(site, aws, install, monkeypatch):
    """The glass is broken anyway, and the log has the reason."""
    rules = ["live-cluster/terminate"]
    monkeypatch.setenv(ENVIRONMENT, environment_value(f"{ODD} repairs the network", rules, time.time() + 600))
    guard = install()
    site.ec2.terminate_instances(InstanceIds=[site.blue.instance_ids[0]])
    assert aws.count("TerminateInstances") == 1
    (sent,) = read(guard.settings.log.path)
    assert sent.input["break_glass"]["reason"] == "J\ufffdrg repairs the network"
