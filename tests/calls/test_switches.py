"""Users move from one cluster to another by a listener or a rule: to one that can serve them, and to no other."""

from __future__ import annotations

import pytest

import guardrails
from tests.support.balancers import BehindBalancer, health


class Shop(BehindBalancer):
    """Blue behind port 80 with all the users, and what else a test starts."""

    def __init__(self, aws) -> None:
        super().__init__(aws)
        self.machines = {"blue": aws.start_cluster("blue", 2).instance_ids}
        self.group("blue", self.machines["blue"])

    def start(self, name: str, count: int) -> None:
        self.machines[name] = self.aws.start_cluster(name, count).instance_ids
        self.group(name, self.machines[name])

    def attempt(self, method: str, **params: object) -> str | None:
        """What the guard says; None where the call arrived."""
        operation = self.elbv2.meta.method_to_api_mapping[method]
        before = self.aws.count(operation)
        try:
            getattr(self.elbv2, method)(**params)
        except guardrails.CallDenied as error:
            denied, rules = error, {each.rule for each in error.decision.violations}
        else:
            denied, rules = None, {"live-cluster/switch"}
        assert rules == {"live-cluster/switch"}, denied
        assert self.aws.count(operation) == before + (denied is None)
        return str(denied) if denied else None

    def switch(self, listener: str, **weights: int) -> str | None:
        return self.attempt("modify_listener", ListenerArn=listener, DefaultActions=self.forward(**weights))


@pytest.fixture
def shop(aws):
    return Shop(aws)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        # moto shows no balancer at a group that it was given by ModifyListener, so green's has one from the beginning.
        ({"blue": 1, "green": 0}, {"blue": 0, "green": 1}),
        ({"blue": 100, "green": 0}, {"blue": 90, "green": 10}),
        ({"blue": 90, "green": 10}, {"blue": 0, "green": 100}),
    ],
)
def test_to_a_complete_replacement(before, after, shop, install):
    """All or a part of the users move to a complete and healthy cluster, and back; nothing is configured."""
    shop.start("green", 2)
    listener = shop.listener(80, **before)
    install()
    assert shop.switch(listener, **after) is None
    assert shop.switch(listener, **before) is None


def test_the_roles_follow(shop, install):
    """After the switch green is protected; blue is kept for a rollback, and free once the window is over."""
    shop.start("green", 2)
    listener = shop.listener(80, blue=1, green=0)
    install(params={"rollback_window_s": 3600})
    assert shop.switch(listener, blue=0, green=1) is None
    ec2 = shop.aws.client("ec2")
    for name, rule in (("green", "live-cluster/terminate"), ("blue", "rollback/window")):
        with pytest.raises(guardrails.CallDenied) as denied:
            ec2.terminate_instances(InstanceIds=list(shop.machines[name]))
        assert {each.rule for each in denied.value.decision.violations} == {rule}
    guardrails.uninstall()
    install(params={"rollback_window_s": 0})
    ec2.terminate_instances(InstanceIds=list(shop.machines["blue"]))
    assert shop.aws.count("TerminateInstances") == 1


def test_to_a_cluster_that_cannot_serve(shop, install):
    """A smaller one, one with a stopped machine, an empty one: denied, for a canary too, with what is lacking."""
    shop.start("small", 1)
    shop.start("half", 3)
    shop.aws.client("ec2").stop_instances(InstanceIds=list(shop.machines["half"][:1]))
    shop.group("empty", [])
    listener = shop.listener(80, blue=1)
    install()
    for name, gap in (
        ("small", "small runs 1 machine and blue runs 2 machines"),
        ("half", "half runs 2 of 3 machines"),
        ("empty", "nothing is registered with targetgroup/empty/"),
    ):
        for weights in ({name: 1}, {"blue": 99, name: 1}):
            assert gap in shop.switch(listener, **weights)


@pytest.mark.parametrize("state", ["unhealthy", "initial", "unused", "draining"])
def test_to_unhealthy_targets(state, shop, install):
    """A target that does not pass the balancer's checks keeps users where they are. (In moto all are healthy.)"""
    shop.start("green", 2)
    listener = shop.listener(80, blue=1, green=0)
    install()
    group = shop.groups["green"]
    shop.aws.reply("DescribeTargetHealth", health((each, state) for each in shop.machines["green"]))
    said = shop.attempt(
        "modify_listener", ListenerArn=listener, DefaultActions=[{"Type": "forward", "TargetGroupArn": group}]
    )
    assert "not all targets of green pass the load balancer's health checks" in said


def test_to_machines_of_nobody(shop, install):
    """Machines without a cluster get no users."""
    (stray,) = shop.aws.client("ec2").run_instances(ImageId="ami-12345678", MinCount=1, MaxCount=1)["Instances"]
    shop.group("stray", [stray["InstanceId"]])
    listener = shop.listener(80, blue=1)
    install()
    assert f"it is not known which cluster {stray['InstanceId']} belongs to" in shop.switch(listener, stray=1)


def test_more_than_a_switch(shop, install):
    """What also changes something else, or sends users elsewhere, is no switch."""
    shop.start("green", 2)
    listener = shop.listener(80, blue=1)
    install()
    new = {"DefaultActions": shop.forward(green=1)}
    assert "it also changes Port" in shop.attempt("modify_listener", ListenerArn=listener, Port=8080, **new)
    gone = {"Type": "fixed-response", "FixedResponseConfig": {"StatusCode": "503"}}
    assert "more than forward" in shop.attempt("modify_listener", ListenerArn=listener, DefaultActions=[gone])
    nobody = [
        {"Type": "forward", "ForwardConfig": {"TargetGroups": [{"TargetGroupArn": shop.groups["green"], "Weight": 0}]}}
    ]
    assert "no target group gets requests" in shop.attempt(
        "modify_listener", ListenerArn=listener, DefaultActions=nobody
    )


def test_look_ups_that_fail(shop, install):
    """Without the targets' health or the listener as it is, nothing moves."""
    shop.start("green", 2)
    listener = shop.listener(80, blue=1)
    rule = shop.rule(listener, "/a/*", blue=1)
    install(live={"sources": ["tag"], "tag": {"key": "Cluster", "value": "blue"}})
    shop.aws.answer("DescribeRules", 403, "AccessDenied", "no")
    said = shop.attempt("modify_rule", RuleArn=rule, Actions=shop.forward(green=1))
    assert "what the rule does now could not be looked up" in said


def test_a_rule(shop, install):
    """The same holds for a rule."""
    shop.start("green", 2)
    shop.start("small", 1)
    rule = shop.rule(shop.listener(80, blue=1), "/a/*", blue=1)
    install()
    assert "small runs 1 machine" in shop.attempt("modify_rule", RuleArn=rule, Actions=shop.forward(small=1))
    assert shop.attempt("modify_rule", RuleArn=rule, Actions=shop.forward(green=1)) is None


def test_within_the_cluster(shop, install):
    """Users move to another target group of the live cluster."""
    shop.group("blue-2", shop.machines["blue"])
    listener = shop.listener(80, blue=1)
    install()
    assert shop.switch(listener, **{"blue-2": 1}) is None


def test_a_listener_for_tests(shop, install):
    """A listener that sends no live cluster's users anywhere may switch to anything."""
    shop.start("green", 2)
    shop.start("small", 1)
    shop.listener(80, blue=1)
    stage = BehindBalancer(shop.aws, name="stage", scheme="internal")
    stage.groups = shop.groups
    listener = stage.listener(80, green=1)
    install()
    assert shop.switch(listener, small=1) is None
