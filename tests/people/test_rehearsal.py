"""`guardrails demo --mine`: the account is only read, its copy behaves like it, and what the copy lacks is said."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest
from rich.console import Console

from guardrails import Guard
from guardrails.demo.mine import Answer, Rehearsal, page
from guardrails.demo.mine.account import look
from guardrails.demo.mine.rebuild import Rebuilt
from tests.topologies.behind_listeners import Shop, groups
from tests.topologies.table import TOPOLOGIES

COPIED = [each for each in TOPOLOGIES if each.seen_by in ("eip", "target-group")]
QUIET = {"log": {"enabled": False}, "state": {"enabled": False}}


def test_your_own_account(aws, tmp_path):
    """Ten accidents are answered with the account's own ids; of all requests to it, each only reads."""
    shop = Shop(aws)
    groups(shop, {"blue": 3, "green": 3})
    shop.balancer.rule(shop.balancer.listener(443, blue=100, green=0), "/a/*", blue=1)
    bastion = aws.start_cluster("bastion", 1, addresses=1, cluster_tag="Name")
    aws.clear()
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("AWS_", "GUARDRAILS_"))}
    done = subprocess.run(
        [sys.executable, "-m", "guardrails", "demo", "--mine", "--format", "json"],
        env={**kept, **aws.environment(), "XDG_STATE_HOME": str(tmp_path)}, cwd=tmp_path,
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert {request.operation for request in aws.requests} == {
        "DescribeInstances", "DescribeAddresses", "DescribeLoadBalancers", "DescribeTargetGroups", "DescribeListeners",
        "DescribeTargetHealth", "DescribeRules", "DescribeAutoScalingGroups",
    }  # fmt: skip
    # Only what the check made of the policies may be kept.
    assert [path for path in tmp_path.rglob("*") if path.is_file() and path.parent.name != "checked-policies"] == []
    said = json.loads(done.stdout)
    assert (said["cluster"], said["gaps"]) == ("asg/web-blue", [])
    assert f"ip/{bastion.public_ips[0]}" in said["live"]
    verdicts = [(answer["blocked"], bool(answer["verdict"])) for answer in said["answers"]]
    # The group has no address.
    assert verdicts == [(True, True)] * 2 + [(False, False)] + [(True, True)] * 7
    assert shop.balancer.arn in said["answers"][7]["sentence"]
    assert said["answers"][8]["rules"] == ["live-cluster/scale-in"]
    assert (said["everyday"]["title"], said["everyday"]["blocked"]) == (
        "terminate the machines of asg/web-green",
        False,
    )


@pytest.mark.parametrize("topology", COPIED, ids=lambda topology: topology.title)
def test_the_copy_is_like_the_account(topology, aws):
    """In the copy of each shop the same is live for the same reasons, and nothing is missing."""
    topology.build(aws)
    guard = Guard.from_config({**QUIET, **topology.config})
    client = aws.client("ec2")
    account, before = look(guard, client), guard.live(client).live
    aws.reset()
    copy = Rebuilt(aws, account)
    after = Guard.from_config({**QUIET, **topology.config}).live(client).live
    assert copy.gaps == []
    names = tuple(f"ip/{copy.ids[name[3:]]}" if name.startswith("ip/") else name for name in before.clusters)
    assert (after.known, after.disputed, after.clusters) == (before.known, before.disputed, names)


def test_what_is_not_rebuilt(aws):
    """What the simulation does not have is said: unhealthy targets, other kinds of balancers, addresses of others."""
    shop = Shop(aws)
    shop.start("blue", 2)
    shop.balancer.listener(443, blue=1)
    aws.client("elb").create_load_balancer(
        LoadBalancerName="old", AvailabilityZones=["eu-west-1a"],
        Listeners=[{"Protocol": "TCP", "LoadBalancerPort": 25, "InstanceProtocol": "TCP", "InstancePort": 25}],
    )  # fmt: skip
    shop.balancer.elbv2.create_target_group(Name="code", TargetType="lambda")
    ec2 = aws.client("ec2")
    interface = ec2.create_network_interface(SubnetId=ec2.describe_subnets()["Subnets"][0]["SubnetId"])
    address = ec2.allocate_address(Domain="vpc")
    ec2.associate_address(
        AllocationId=address["AllocationId"],
        NetworkInterfaceId=interface["NetworkInterface"]["NetworkInterfaceId"],
    )
    aws.answer("DescribeAutoScalingGroups", 403, "AccessDenied", "not authorized")
    with shop.unhealthy("blue", 1):
        account = look(Guard.from_config(QUIET), ec2)
    assert [failure.permission for failure in account.failures] == ["autoscaling:DescribeAutoScalingGroups"]
    aws.reset()
    assert Rebuilt(aws, account).gaps == [
        f"the Elastic IP {address['PublicIp']}: it is not on a machine",
        "of blue 1 unhealthy targets, which get no requests",
        "the target group code: its targets are of type lambda",
        "the classic load balancer old",
    ]


def test_what_is_printed(capsys):
    """Each accident has its verdict and sentence; control characters of the account's names are not printed."""
    answers = tuple(Answer(f"accident {number}", "Would be blocked", blocked=True) for number in range(9))
    rehearsal = Rehearsal("blue\x1b[31m", "blue is live", (*answers, Answer("last")), answers[0], ("a gap",) * 12)
    page.show(rehearsal, Console(width=100))
    printed = capsys.readouterr().out
    assert printed.count("Would be blocked") == 10
    assert "10. last: your account has nothing like that" in printed
    assert "and 2 more (--format json has all)" in printed
    assert "\x1b[31m" not in printed
