"""The source `target-group`: live is what load balancers send requests to, by listener, rule, weight and health."""

from __future__ import annotations

import re

import pytest

import guardrails
from tests.support.balancers import BehindBalancer, health

BOTH = {"sources": ["eip", "target-group"]}


@pytest.fixture
def shop(aws):
    """Two clusters without an Elastic IP, and a load balancer in front of nothing yet."""
    blue, green = aws.start_cluster("blue", 2), aws.start_cluster("green", 2)
    balancer = BehindBalancer(aws)
    balancer.group("blue", blue.instance_ids)
    balancer.group("green", green.instance_ids)
    return aws, blue, green, balancer


def live(aws, install, **config):
    """What the guard sees: the live clusters, and the sentence of the source."""
    config["live"] = {**BOTH, **config.get("live", {})}
    guard = install(**config)
    seen = guard.live(aws.client("ec2")).live
    guardrails.uninstall()
    return seen, next(source for source in seen.sources if source.name == "target-group")


@pytest.mark.parametrize(
    ("weights", "expected"),
    [
        ({"blue": 100, "green": 0}, ("blue",)),
        ({"blue": 0, "green": 100}, ("green",)),
        ({"blue": 90, "green": 10}, ("blue", "green")),
        ({"blue": 1}, ("blue",)),
    ],
)
def test_weights(weights, expected, shop, install):
    """A group that gets requests is live, a canary too; one with the weight 0 is not, healthy as it is."""
    aws, *_, balancer = shop
    balancer.listener(80, **weights)
    seen, report = live(aws, install)
    assert seen.clusters == expected
    assert seen.known
    assert not seen.disputed
    assert re.search(rf"{expected[0]} is behind web-prod:80, rule default, weight \d+", report.evidence)


def test_a_rule_counts(shop, install):
    """A rule of the listener makes the cluster that it forwards to live, beside the one of the default rule."""
    aws, *_, balancer = shop
    balancer.rule(balancer.listener(443, blue=1), "/beta/*", green=1)
    assert live(aws, install)[0].clusters == ("blue", "green")


def test_a_test_listener_does_not(shop, install):
    """The standby side behind another port of the balancer is not live, unless the configuration names that one."""
    aws, *_, balancer = shop
    balancer.listener(80, blue=1)
    test = balancer.listener(8080, green=1)
    assert live(aws, install)[0].clusters == ("blue",)
    assert live(aws, install, live={"listeners": [test]})[0].clusters == ("green",)


def test_other_ports_count_where_there_are_no_public_ones(shop, install):
    """A balancer for another protocol makes what is behind it live."""
    aws, *_, balancer = shop
    balancer.listener(8443, green=1)
    assert live(aws, install)[0].clusters == ("green",)


def test_internal_balancers_count_last(shop, install):
    """An internal balancer says what is live only where none that users reach does; then the evidence says so."""
    aws, *_, balancer = shop
    internal = BehindBalancer(aws, scheme="internal", name="internal")
    internal.groups = dict(balancer.groups)
    internal.listener(80, green=1)
    assert live(aws, install)[0].clusters == ("green",)
    balancer.listener(80, blue=1)
    seen, report = live(aws, install)
    assert seen.clusters == ("blue",)
    assert report.evidence.endswith("; green only behind internal ones, which do not count (live.listeners decides)")


def test_without_a_balancer_it_is_silent(site, aws, install):
    """Where there is no load balancer the source disagrees with no other one, and takes one look-up."""
    seen, report = live(aws, install)
    assert report.silent
    assert seen.known
    assert not seen.disputed
    assert aws.count("DescribeTargetHealth", "DescribeListeners", "DescribeRules") == 0


@pytest.mark.parametrize(
    ("states", "expected"),
    [
        (("healthy", "unhealthy"), ("blue",)),
        (("unhealthy", "draining"), ("blue", "green")),
        (("unhealthy", "unhealthy"), ("blue", "green")),
        (("unhealthy", "healthy"), ("green",)),
        (("healthy", "draining"), ("blue", "green")),
    ],
)
def test_health(states, expected, aws, install):
    """Of one group with both clusters, healthy and draining targets are live, or all of them where none is healthy.

    The states are canned: every target of the simulated AWS is healthy.
    """
    blue, green = aws.start_cluster("blue", 1), aws.start_cluster("green", 1)
    balancer = BehindBalancer(aws)
    balancer.group("both", [*blue.instance_ids, *green.instance_ids])
    balancer.listener(80, both=1)
    ids = (*blue.instance_ids, *green.instance_ids)
    aws.reply("DescribeTargetHealth", health(zip(ids, states, strict=True)))
    assert live(aws, install)[0].clusters == expected


def test_addresses_as_targets(aws, install):
    """Containers and pods are registered by the private address of an interface of their machine."""
    blue = aws.start_cluster("blue", 2)
    machines = aws.client("ec2").describe_instances(InstanceIds=list(blue.instance_ids))["Reservations"]
    addresses = [machine["PrivateIpAddress"] for reservation in machines for machine in reservation["Instances"]]
    balancer = BehindBalancer(aws)
    balancer.group("pods", addresses, by="ip")
    balancer.listener(80, pods=1)
    assert live(aws, install)[0].clusters == ("blue",)


def test_an_application_balancer_behind_a_network_balancer(shop, install):
    """What is behind an internal application balancer is reached from the network balancer that forwards to it."""
    aws, *_ = shop
    inner = BehindBalancer(aws, scheme="internal", name="inner")
    inner.group("inner-blue", aws.machines("blue"))
    inner.listener(80, **{"inner-blue": 1})
    outer = BehindBalancer(aws, kind="network", name="outer")
    outer.group("alb", [inner.arn], by="alb")
    outer.listener(443, alb=1)
    assert live(aws, install)[0].clusters == ("blue",)


def test_without_addresses_the_live_side_is_protected(shop, install):
    """Behind a balancer and without an Elastic IP, the live side stays and the other may go."""
    aws, blue, green, balancer = shop
    balancer.listener(80, blue=100, green=0)
    install(live=BOTH)
    ec2 = aws.client("ec2")
    with pytest.raises(guardrails.CallDenied, match="web-prod:80"):
        ec2.terminate_instances(InstanceIds=list(blue.instance_ids))
    assert aws.count("TerminateInstances") == 0
    ec2.terminate_instances(InstanceIds=list(green.instance_ids))
    assert aws.count("TerminateInstances") == 1


def test_a_look_up_that_fails_denies(shop, install):
    """Without the permission the guard blocks, and names the permission and the list of sources."""
    aws, _, green, _ = shop
    aws.answer("DescribeTargetGroups", 403, "AccessDenied", "not authorized")
    install(live=BOTH)
    with pytest.raises(guardrails.GuardUnavailable, match="elasticloadbalancing:DescribeTargetGroups"):
        aws.client("ec2").terminate_instances(InstanceIds=list(green.instance_ids))
    assert aws.count("TerminateInstances") == 0


@pytest.mark.parametrize("other", [True, False])
def test_a_group_that_is_said_to_be_empty(other, shop, install):
    """While a live group looks empty, and AWS does not confirm it machine by machine, no machine is taken.

    The empty answer is canned. It comes with and without another cluster that holds an Elastic IP.
    """
    aws, blue, green, balancer = shop
    balancer.listener(80, blue=1)
    if other:
        aws.start_cluster("bastion", 1, addresses=1)
    aws.reply("DescribeTargetHealth", health([]))
    install(live=BOTH)
    for cluster in (blue, green):
        with pytest.raises(guardrails.CallDenied, match="AWS does not confirm"):
            aws.client("ec2").terminate_instances(InstanceIds=list(cluster.instance_ids))
    assert aws.count("TerminateInstances") == 0


def test_a_group_that_is_empty(shop, install):
    """A group without members is no cluster's: a balancer that is being built blocks nothing."""
    aws, _, green, _ = shop
    aws.start_cluster("users", 1, addresses=1)
    idle = BehindBalancer(aws, name="idle")
    idle.group("nobody", [])
    idle.listener(80, nobody=1)
    install(live=BOTH)
    aws.client("ec2").terminate_instances(InstanceIds=list(green.instance_ids))
    assert aws.count("TerminateInstances") == 1
