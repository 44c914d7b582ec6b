"""Machines of a live group leave their load balancer within the bounds that hold when they are terminated."""

from __future__ import annotations

import pytest

import guardrails
from guardrails.classify.catalogue import Catalogue
from guardrails.values import Call
from tests.calls.test_unknown_holders import attempt
from tests.support.balancers import BehindBalancer

NAME, TRAFFIC, SHARE = "web-prod", {"live-cluster/traffic", "None"}, {"remaining/share", "None"}


@pytest.fixture
def shop(aws):
    """Six machines of an Auto Scaling group behind port 443, all healthy; AWS's own tag alone says whose they are."""
    balancer = BehindBalancer(aws)
    balancer.ids = aws.start_cluster(NAME, 6, cluster_tag="aws:autoscaling:groupName").instance_ids
    balancer.group("web", balancer.ids)
    balancer.listener(443, web=1)
    aws.clear()
    return balancer


def leaves(shop, machine):
    """Every way to take it out of service that lets it run on."""
    some = {"AutoScalingGroupName": NAME, "InstanceIds": [machine]}
    return {
        "targets": ("elbv2", "deregister_targets",
                    {"TargetGroupArn": shop.groups["web"], "Targets": [{"Id": machine}]}),
        "classic": ("elb", "deregister_instances_from_load_balancer",
                    {"LoadBalancerName": "old", "Instances": [{"InstanceId": machine}]}),
        "standby": ("autoscaling", "enter_standby", {**some, "ShouldDecrementDesiredCapacity": False}),
        "smaller": ("autoscaling", "enter_standby", {**some, "ShouldDecrementDesiredCapacity": True}),
        "detach": ("autoscaling", "detach_instances", {**some, "ShouldDecrementDesiredCapacity": True}),
    }  # fmt: skip


OF_GROUPS = """<{0}Response xmlns="http://autoscaling.amazonaws.com/doc/2011-01-01/"><{0}Result><Activities/></{0}Result>
</{0}Response>"""


def accepted(aws, service, method, params):
    """The rules that denied a call, None where it arrived, and AWS accepted it."""
    client = aws.client(service)
    operation = client.meta.method_to_api_mapping[method]
    if service == "autoscaling":
        aws.reply(operation, OF_GROUPS.format(operation))
    before = aws.count(operation)
    try:
        getattr(client, method)(**params)
    except guardrails.CallDenied as error:
        assert aws.count(operation) == before, operation
        return {violation.rule for violation in error.decision.violations} | {str(error.decision.unavailable)}
    assert aws.count(operation) == before + 1
    return None


@pytest.mark.parametrize("way", ["targets", "standby", "smaller", "detach"])
def test_one_after_another_within_the_bounds(way, shop, aws, install):
    """Two of six leave, one that has left is no other when it is terminated, and a third leaves in no way."""
    install()
    for machine in shop.ids[:2]:
        assert accepted(aws, *leaves(shop, machine)[way]) is None, way
    assert attempt(aws, *leaves(shop, shop.ids[0])[way]) is None
    aws.repair()
    for other in ("targets", "standby", "detach"):
        assert accepted(aws, *leaves(shop, shop.ids[2])[other]) == SHARE, other
    assert accepted(aws, "ec2", "terminate_instances", {"InstanceIds": [shop.ids[2]]}) == SHARE
    assert accepted(aws, "ec2", "terminate_instances", {"InstanceIds": [shop.ids[0]]}) is None


def test_what_was_terminated_before_counts(shop, aws, install):
    """After two of six were terminated, none may leave its balancer."""
    install()
    assert accepted(aws, "ec2", "terminate_instances", {"InstanceIds": [*shop.ids[:2]]}) is None
    assert accepted(aws, *leaves(shop, shop.ids[2])["targets"]) == SHARE
    assert accepted(aws, *leaves(shop, shop.ids[2])["standby"]) == SHARE


def test_a_call_that_aws_refused_does_not_count(shop, aws, install):
    """Machines that did not leave after all are not counted."""
    install()
    together = {"TargetGroupArn": shop.groups["web"], "Targets": [{"Id": each} for each in shop.ids[:3]]}
    assert attempt(aws, "elbv2", "deregister_targets", together) == SHARE
    for machine in shop.ids[:2]:
        assert attempt(aws, *leaves(shop, machine)["detach"]) is None


def test_the_last_one_that_serves_stays(shop, aws, install):
    """Where no other target is healthy, or none is registered, the only one may not leave."""
    lone = shop.group("lone", shop.ids[:1])
    shop.listener(8443, lone=1)
    install()
    call = ("elbv2", "deregister_targets", {"TargetGroupArn": lone, "Targets": [{"Id": shop.ids[0]}]})
    assert attempt(aws, *call) == TRAFFIC
    assert attempt(aws, *leaves(shop, shop.ids[1])["targets"]) is None


def test_a_named_cluster_says_what_works(aws, install):
    """One target of a cluster with a tag leaves under break glass for the rule that the message names."""
    machines = aws.start_cluster("blue", 3).instance_ids
    balancer = BehindBalancer(aws)
    group = balancer.group("web", machines)
    balancer.listener(443, web=1)
    install()
    call = {"TargetGroupArn": group, "Targets": [{"Id": machines[0]}]}
    with pytest.raises(guardrails.CallDenied, match="break the glass for live-cluster/traffic"):
        aws.client("elbv2").deregister_targets(**call)
    assert attempt(aws, "elbv2", "deregister_targets", call) == TRAFFIC
    with guardrails.break_glass(reason="drain one", rules=["live-cluster/traffic"]):
        assert attempt(aws, "elbv2", "deregister_targets", call) is None


def test_the_policies_know_each_such_operation():
    """They are those of the catalogue that name machines one by one, and only cut off their traffic."""
    services = {key: Catalogue().service(key) for key in Catalogue().services}
    entries = {f"{key}:{name}": each for key, service in services.items() for name, each in service.operations.items()}
    single = {name: entry for name, entry in entries.items() if entry.per_machine}
    calls = {name: Call("", "", {}, "", "", effects=each.effects, per_machine="Ids") for name, each in single.items()}
    assert {name for name, call in calls.items() if call.takes_out} == {
        "autoscaling:DetachInstances",
        "autoscaling:EnterStandby",
        "elb:DeregisterInstancesFromLoadBalancer",
        "elbv2:DeregisterTargets",
    }
