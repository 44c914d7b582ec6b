"""Greenlets: governed calls in them are decided on, whatever RUST_BACKTRACE says."""

from __future__ import annotations

import os
import subprocess

import pytest

from tests.support.environments import ROOT, python_of

SCRIPT = """
import gevent.monkey; gevent.monkey.patch_all()
import boto3, gevent, guardrails, sys
guardrails.install()
ec2 = boto3.client("ec2")

def terminate(machine):
    try:
        ec2.terminate_instances(InstanceIds=[machine])
    except guardrails.CallDenied as error:
        return error.decision.violations[0].rule
    return "sent"

print(*[gevent.spawn(terminate, machine).get() for machine in sys.argv[1:]])
"""


@pytest.mark.tools
@pytest.mark.parametrize("more", [{}, {"RUST_BACKTRACE": "1"}, {"RUST_BACKTRACE": "full"}])
def test_a_greenlet(more, site, aws, tmp_path):
    """The live machine is protected and the other one terminated; the process does not crash."""
    environment = {**os.environ, **aws.environment(), "PYTHONPATH": str(ROOT), **more}
    machines = [site.blue.instance_ids[0], site.green.instance_ids[0]]
    done = subprocess.run(
        [python_of("gevent"), "-c", SCRIPT, *machines],
        env=environment, cwd=tmp_path, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stdout.strip()) == (0, "live-cluster/terminate sent"), done.stderr
    assert aws.count("TerminateInstances") == 1
