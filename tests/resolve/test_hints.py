"""What the sources asked last time is asked at once; only answers that this decision calls for count."""

from __future__ import annotations

import json
from contextlib import contextmanager

import pytest

import guardrails
from guardrails.resolve.lookups import Lookups
from tests.support.balancers import BehindBalancer


@pytest.fixture
def rounds(monkeypatch):
    """How many requests each round made. Nothing at the server tells the rounds apart."""
    counted, original = [], Lookups.fetch

    def fetch(self, *arguments):
        fetched = original(self, *arguments)
        counted.append(fetched.requests)
        return fetched

    monkeypatch.setattr(Lookups, "fetch", fetch)
    return counted


class Shop(BehindBalancer):
    """Blue has all the users and green none, by the weights of one listener."""

    def __init__(self, aws):
        super().__init__(aws)
        self.blue = aws.start_cluster("blue", 2).instance_ids
        self.green = aws.start_cluster("green", 6).instance_ids
        self.group("blue", self.blue)
        self.group("green", self.green)
        self.ports = [self.listener(80, blue=1, green=0)]
        self.ec2 = aws.client("ec2")

    def terminate(self, machine):
        """The rules that denied it, and whether it was unavailable; None where the call arrived."""
        before = self.aws.count("TerminateInstances")
        try:
            self.ec2.terminate_instances(InstanceIds=[machine])
        except guardrails.CallDenied as error:
            assert self.aws.count("TerminateInstances") == before
            return {each.rule for each in error.decision.violations} | {str(error.decision.unavailable)}
        assert self.aws.count("TerminateInstances") == before + 1
        return None


def test_protections_are_asked_in_the_first_round(aws, install, rounds):
    """Those of a small batch are asked at once; after a batch in one zone, only where the next one needs them."""
    ec2 = aws.client("ec2")
    subnets = {each["AvailabilityZone"]: each["SubnetId"] for each in ec2.describe_subnets()["Subnets"]}
    first, second = [subnets[zone] for zone in sorted(subnets)[:2]]
    aws.start_cluster("blue", 1, addresses=1)
    here, there = (aws.start_cluster("green", 6, subnet=subnet).instance_ids for subnet in (first, second))
    install()
    for batch, expected, each in (
        ([here[0], there[0]], 1, 2), (here[1:3], 1, 2), (here[3:5], 1, 0), ([here[5], there[1]], 2, 2),
    ):  # fmt: skip
        aws.clear()
        rounds.clear()
        ec2.terminate_instances(InstanceIds=batch)
        assert (aws.count("TerminateInstances"), len(rounds)) == (1, expected)
        assert aws.count("DescribeInstanceAttribute") == each


@contextmanager
def elsewhere(guard):
    """What is done here is done in another process, of which the guard does not know."""
    guard._interceptor.uninstall()
    yield
    guard._interceptor.install()


@pytest.fixture
def shop(aws):
    return Shop(aws)


def test_one_round_once_the_shape_is_known(shop, install, rounds):
    """The first decision needs three rounds; the next ones ask as much in one, and still protect what is live."""
    install()
    assert shop.terminate(shop.green[0]) is None
    first = rounds[:]
    assert len(first) == 3
    for machine, arrives in ((shop.green[1], True), (shop.blue[0], False)):
        rounds.clear()
        assert (shop.terminate(machine) is None) == arrives
        assert rounds == [sum(first)]


def test_a_hint_is_no_evidence(shop, install, rounds):
    """Users moved to green since the last decision: its weights are read anew, and green is protected at once."""
    guard = install()
    assert shop.terminate(shop.green[0]) is None
    with elsewhere(guard):
        shop.elbv2.modify_listener(ListenerArn=shop.ports[0], DefaultActions=shop.forward(blue=0, green=1))
    rounds.clear()
    assert "live-cluster/terminate" in shop.terminate(shop.green[1])
    assert len(rounds) == 1


def test_a_hint_that_is_out_of_date_harms_nobody(shop, aws, install, rounds):
    """What a hint names is gone, or may not be looked at: a decision that does not need it goes on without."""
    guard = install()
    assert shop.terminate(shop.green[0]) is None
    with elsewhere(guard):
        shop.elbv2.delete_listener(ListenerArn=shop.ports[0])
        shop.elbv2.delete_load_balancer(LoadBalancerArn=shop.arn)
        for group in shop.groups.values():
            shop.elbv2.delete_target_group(TargetGroupArn=group)
        aws.start_cluster("red", 1, addresses=1)
    for operation in ("DescribeRules", "DescribeTargetHealth", "DescribeListeners"):
        aws.answer(operation, 403, "AccessDenied", "no")
    rounds.clear()
    assert shop.terminate(shop.green[1]) is None
    assert rounds[0] > 3


def test_a_hint_that_fails_and_is_needed_is_asked_again(shop, aws, install):
    """A look-up that failed as a hint is made again where the decision needs it, and denies if it fails then, too."""
    install()
    assert shop.terminate(shop.green[0]) is None
    aws.answer("DescribeRules", 403, "AccessDenied", "no")
    before = aws.count("DescribeRules")
    (why,) = shop.terminate(shop.green[1])
    assert "DescribeRules" in why
    assert aws.count("DescribeRules") == before + 2
    aws.repair()
    assert shop.terminate(shop.green[1]) is None


def test_a_kept_hint_that_reads_something_else(shop, install, log):
    """An edited file cannot make the guard read another member of an answer than the decision needs."""
    install()
    assert "live-cluster/terminate" in shop.terminate(shop.blue[0])
    guardrails.uninstall()
    (kept,) = log.parent.glob("*.hints")
    places = json.loads(kept.read_text())
    for lookup in (lookup for place in places.values() for lookup in place["lookups"]):
        if lookup["operation"] == "DescribeTargetHealth":
            lookup["items"] = "@"
    kept.write_text(json.dumps(places))
    for file in log.parent.glob("state.db*"):
        if file != kept:
            file.unlink()
    install()
    assert "live-cluster/terminate" in shop.terminate(shop.blue[0])
