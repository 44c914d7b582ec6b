"""Two steps are one accident: take the evidence of what is live away, then the machines; neither order gets through.

For each source of liveness: either the first step is denied, or it arrives and the machines are still kept, by
another source or by the rollback window; also by a guard in another process, which shares the memory by its file. For
files, variables and commands the first step is no call of AWS at all. `traffic` only adds clusters to those of other
sources, so taking requests away frees nothing that they name; it is tried beside `eip`.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

import guardrails
from tests.resolve.test_traffic import requests
from tests.support.balancers import BehindBalancer
from tests.support.two_steps import PLACES, SOURCES, Shop

pytestmark = pytest.mark.every(3)

# The configuration names a record or an environment: without it, something is missing.
NAMED = ("dns", "beanstalk")
KEPT = {"live-cluster/terminate", "live-cluster/unknown-live", "rollback/window"}
# For each line, a guard of its own takes the machines away; it answers with the rules that keep them.
SECOND = """
import json, os, sys, boto3, guardrails
guardrails.Guard.self_test = lambda _: {}
os.environ["LIVE_CLUSTER"] = "green"
for line in sys.stdin:
    config, ids = json.loads(line)
    guardrails.install(config)
    rules = []
    try:
        boto3.client("ec2").terminate_instances(InstanceIds=ids)
    except guardrails.CallDenied as error:
        rules = sorted({each.rule for each in error.decision.violations})
    guardrails.uninstall()
    print(json.dumps(rules), flush=True)
"""


@pytest.fixture(scope="module")
def elsewhere(_server):
    """elsewhere(config, ids): the rules by which a guard in another process keeps machines."""
    process = subprocess.Popen(
        [sys.executable, "-c", SECOND], env={**os.environ, **_server.environment()},
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip

    def ask(config, ids):
        process.stdin.write(json.dumps([config, ids]) + "\n")
        process.stdin.flush()
        return json.loads(process.stdout.readline())

    with process:
        yield ask
        process.stdin.close()


def second(shop) -> set[str]:
    """The rules that keep the machines; empty where they go."""
    before = shop.aws.count("TerminateInstances")
    try:
        shop.aws.client("ec2").terminate_instances(InstanceIds=shop.ids)
    except guardrails.CallDenied as error:
        assert shop.aws.count("TerminateInstances") == before
        return {each.rule for each in error.decision.violations}
    return set()


def arrives(step) -> bool:
    """Whether the guard lets a step through."""
    try:
        step()
    except guardrails.CallDenied:
        return False
    return True


@pytest.mark.parametrize("source", SOURCES)
def test_first_the_evidence(source, aws, install, tmp_path, monkeypatch):
    """The evidence stays, or the machines are kept without it; the machines first are kept by the evidence."""
    shop = Shop(aws, source, tmp_path, monkeypatch)
    install(live=shop.live)
    assert "live-cluster/terminate" in second(shop)
    # Of the places where people write, a program may change those that are no call of AWS.
    assert arrives(shop.first) == (source in PLACES)
    assert second(shop) & KEPT
    assert aws.count("TerminateInstances") == 0


@pytest.mark.cases(7)
@pytest.mark.parametrize("source", SOURCES)
def test_across_processes(source, aws, install, elsewhere, tmp_path, monkeypatch):
    """One guard saw blue live, and its evidence goes without a guard: in another process, the shared memory keeps it.

    There a variable says that green is live, so that nothing but the memory keeps blue; only where a name that the
    configuration lists has gone, it is not known what is live.
    """
    shop, state = Shop(aws, source, tmp_path, monkeypatch), {"path": str(tmp_path / "shared.db")}
    install(live=shop.live, state=state)
    assert "live-cluster/terminate" in second(shop)
    guardrails.uninstall()
    shop.first()
    live = {**shop.live, "sources": [*{source, "env"}]}
    patient = {"log": {"enabled": False}, "lookup_timeout_s": 60}
    kept = "live-cluster/unknown-live" if source in NAMED else "rollback/window"
    assert elsewhere({"live": live, "state": state, **patient}, shop.ids) == [kept]
    assert aws.count("TerminateInstances") == 0


def test_requests_cease(site, aws, install):
    """Green got requests beside the addresses of blue: it stays without its balancer, and when those are too old."""
    balancer = BehindBalancer(aws)
    balancer.group("green", site.green.instance_ids)
    balancer.listener(443, green=1)
    requests(aws, balancer, "green", minutes_ago=3)

    def kept(**more):
        install(live={"sources": ["eip", "traffic"], **more})
        with pytest.raises(guardrails.CallDenied) as denied:
            site.ec2.terminate_instances(InstanceIds=list(site.green.instance_ids))
        guardrails.uninstall()
        return {each.rule for each in denied.value.decision.violations}

    assert kept() == {"live-cluster/terminate"}
    aws.client("elbv2").delete_load_balancer(LoadBalancerArn=balancer.arn)
    assert kept() == {"live-cluster/terminate"}
    assert kept(traffic_max_age_s=60) == {"rollback/window"}
    assert aws.count("TerminateInstances") == 0
