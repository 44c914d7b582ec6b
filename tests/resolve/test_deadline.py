"""`lookup_timeout_s` is one deadline for a decision, whatever it waits for, and nothing goes on after it."""

from __future__ import annotations

import sqlite3
import threading
import time

import pytest

import guardrails
from guardrails.resolve.inventory import INSTANCES
from guardrails.waiting.deadline import Deadline, left, within
from tests.support import slow_servers
from tests.support.slow_servers import looking, slow_server
from tests.support.waiting import until

DEADLINE_S = 1.0
# Without the deadline each of these takes half a minute or for ever.
MARGIN_S = 20.0


def terminate(client, machine):
    """The exception of the call, and how long it took."""
    started = time.monotonic()
    with pytest.raises(guardrails.GuardUnavailable) as caught:
        client.terminate_instances(InstanceIds=[machine])
    return caught.value, time.monotonic() - started


def _read_the_models(guard, site):
    """Botocore reads a service's model at its first call, which may take longer than the deadline on a busy machine."""
    with within(Deadline(60)):
        guard.check(site.ec2, "TerminateInstances", InstanceIds=[site.green.instance_ids[0]])
    guard._lookups.forget()


@pytest.mark.parametrize("kind", slow_servers.KINDS)
def test_a_slow_answer(kind, site, aws, install):
    """The call is denied at the deadline and does not arrive; then the threads end and read no longer."""
    # A machine that is busy with other tests may not get a question out in the first one's time.
    assert any(_denied_in_time(deadline, kind, site, aws, install) for deadline in (DEADLINE_S, 5.0, 25.0))
    assert looking() == []
    site.ec2.terminate_instances(InstanceIds=[site.green.instance_ids[0]])
    assert aws.count("TerminateInstances") == 1


def _denied_in_time(deadline, kind, site, aws, install):
    """Whether the look-ups were on their way when the deadline came; that the call was denied then is asserted."""
    guardrails.uninstall()
    guard = install(lookup_timeout_s=deadline)
    _read_the_models(guard, site)
    with slow_server(kind) as server:
        _, took = terminate(slow_servers.client(aws, server), site.green.instance_ids[0])
        assert took < deadline + MARGIN_S
        until(lambda: not looking(), MARGIN_S)
        until(lambda: not server.reading, MARGIN_S)
        assert "TerminateInstances" not in server.asked
        return "DescribeInstances" in server.asked


@pytest.mark.parametrize("kind", slow_servers.KINDS)
def test_an_ungoverned_call_waits_as_ever(kind, site, aws, install):
    """The deadline is the guard's own: a script's own slow answer is read for as long as botocore's limits say."""
    install(lookup_timeout_s=0.2)
    with slow_server(kind) as server:
        client = slow_servers.client(aws, server)
        thread = threading.Thread(target=lambda: _quietly(client), daemon=True)
        thread.start()
        until(lambda: server.asked)
        thread.join(1.0)
        assert thread.is_alive() or kind in (slow_servers.pages, slow_servers.refuses)


def _quietly(client):
    try:
        client.describe_instances()
    except Exception:
        return


def test_both_rounds_share_it(site, aws, install, tmp_path):
    """Each round of look-ups is in time, and both together are not: the call is denied at the deadline."""
    elb = aws.client("elbv2")
    vpc = site.ec2.describe_subnets(SubnetIds=[site.subnet])["Subnets"][0]["VpcId"]
    subnets = site.ec2.describe_subnets(Filters=[{"Name": "vpc-id", "Values": [vpc]}])["Subnets"]
    names = [subnet["SubnetId"] for subnet in subnets][:2]
    balancer = elb.create_load_balancer(Name="web", Subnets=names)["LoadBalancers"][0]["LoadBalancerArn"]
    group = elb.create_target_group(Name="web", Protocol="HTTP", Port=80, VpcId=vpc)["TargetGroups"][0]
    forward = [{"Type": "forward", "TargetGroupArn": group["TargetGroupArn"]}]
    elb.create_listener(LoadBalancerArn=balancer, Protocol="HTTP", Port=80, DefaultActions=forward)
    guard, started = install(lookup_timeout_s=60), time.monotonic()
    assert guard.check(elb, "DeleteLoadBalancer", LoadBalancerArn=balancer).unavailable is None
    # What the look-ups take by themselves here and now.
    usual = time.monotonic() - started
    guardrails.uninstall()
    aws.clear()
    delay = max(2.0, 4 * usual)
    deadline = 1.5 * delay
    # Beside another state file, nothing says what the second round will ask.
    install(lookup_timeout_s=deadline, state={"path": str(tmp_path / "other.db")})
    aws.delay(delay)
    started = time.monotonic()
    with pytest.raises(guardrails.GuardUnavailable, match="lookup_timeout_s") as caught:
        elb.delete_load_balancer(LoadBalancerArn=balancer)
    assert time.monotonic() - started < deadline + MARGIN_S
    # The second round was under way.
    assert "DescribeTargetHealth" in str(caught.value)
    assert aws.count("DeleteLoadBalancer") == 0
    until(lambda: not looking())


def test_who_shares_a_look_up_waits_for_its_own_time(site, aws, install):
    """A second thread that asks the same gets the answer, although the first one's time is over by then."""
    guard, failed = install(lookup_timeout_s=30), []
    aws.delay(4)

    def impatient():
        with within(Deadline(2.0)):
            failed.extend(guard.probe(site.ec2, [INSTANCES]).failures)

    first = threading.Thread(target=impatient)
    first.start()
    until(lambda: aws.count("DescribeInstances"))
    assert guard.probe(site.ec2, [INSTANCES]).failures == ()
    first.join()
    assert [failure.code for failure in failed] == ["Timeout"]
    assert aws.count("DescribeInstances") == 1


def test_a_locked_memory(site, aws, install, log):
    """Threads that queue up at a memory another process has locked are all denied at the deadline."""
    install(lookup_timeout_s=60)
    started = time.monotonic()
    site.ec2.terminate_instances(InstanceIds=[site.green.instance_ids[0]])
    # Long enough for the look-ups of six at once, also on a busy machine.
    patience = max(3 * DEADLINE_S, 15 * (time.monotonic() - started))
    guardrails.uninstall()
    install(lookup_timeout_s=patience)
    lock = sqlite3.connect(log.with_name("state.db"), isolation_level=None)
    lock.execute("BEGIN EXCLUSIVE")
    took = []

    def attempt():
        error, seconds = terminate(aws.client("ec2"), site.green.instance_ids[1])
        assert "state" in str(error)
        took.append(seconds)

    threads = [threading.Thread(target=attempt) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    lock.execute("ROLLBACK")
    lock.close()
    # One after the other would be six times the five seconds that each may wait for the lock by itself.
    assert len(took) == 6
    assert max(took) < patience + MARGIN_S
    assert aws.count("TerminateInstances") == 1
    site.ec2.terminate_instances(InstanceIds=[site.green.instance_ids[1]])


def test_a_deadline():
    """Waits inside are cut to it, also where none of them knows of it; another's patience moves it on."""
    assert left(5.0) == 5.0
    until_then = Deadline(0.0)
    with within(until_then):
        assert left(5.0) == 0.0
        until_then.extend(60.0)
        assert 5.0 == left(5.0) < left(100.0) <= 60.0
    assert left(5.0) == 5.0
