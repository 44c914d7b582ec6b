"""An account that nobody tagged or configured: dev boxes, a bastion, two Kubernetes clusters, three groups.

No call on a dev box is denied without a way to say yes, and nothing that harms what serves arrives.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest
from attrs import frozen

import guardrails
from guardrails.testing import SimulatedAWS
from tests.calls.test_unknown_holders import attempt
from tests.support.attributes import protected
from tests.support.balancers import BehindBalancer

GROUP, EKSCTL, OWNED = "aws:autoscaling:groupName", "alpha.eksctl.io/cluster-name", "kubernetes.io/cluster/prod"
UNTAGGED = "live-cluster/untagged"
LAUNCH = {"MinSize": 0, "MaxSize": 9, "DesiredCapacity": 0, "AvailabilityZones": ["eu-west-1a"]}


@frozen
class Account:
    """The machines by what they are for; `machines` has DescribeInstances' description of each by id."""

    boxes: tuple[str, ...]
    bastion: tuple[str, ...]
    prod: tuple[str, ...]
    dev: tuple[str, ...]
    web: tuple[str, ...]
    batch: tuple[str, ...]
    green: tuple[str, ...]
    ingress: BehindBalancer
    shop: BehindBalancer
    address: str
    listener: str
    machines: dict[str, dict[str, Any]]


@pytest.fixture(scope="module")
def account(_server) -> Account:
    """One account for all tests of this file: their calls are denied, or answered by an error where they arrive."""
    world: SimulatedAWS = _server
    world.reset()
    boxes = world.start_cluster("box", 60, cluster_tag="Name").instance_ids
    bastion = world.start_cluster("bastion", 1, addresses=1, cluster_tag="Name")
    prod = world.start_cluster("owned", 6, cluster_tag=OWNED, tags={"Name": "node"}).instance_ids
    dev = world.start_cluster("dev", 3, cluster_tag=EKSCTL, tags={"Name": "node"}).instance_ids
    names = ("web-blue", "batch", "web-green")
    scaling = world.client("autoscaling")
    scaling.create_launch_configuration(LaunchConfigurationName="any", ImageId="ami-12c6146b", InstanceType="t3.small")
    for name in names:
        scaling.create_auto_scaling_group(AutoScalingGroupName=name, LaunchConfigurationName="any", **LAUNCH)
    web, batch, green = (world.start_cluster(name, 4, cluster_tag=GROUP).instance_ids for name in names)
    ingress = BehindBalancer(world, kind="network", name="ingress")
    ingress.group("nodes", prod)
    ingress.listener(443, nodes=1)
    shop = BehindBalancer(world)
    shop.group("web", web)
    listener = shop.listener(443, web=1)
    described = world.client("ec2").describe_instances()["Reservations"]
    machines = {each["InstanceId"]: each for group in described for each in group["Instances"]}
    sides = (bastion.instance_ids, prod, dev, web, batch, green)
    return Account(boxes, *sides, ingress, shop, bastion.allocation_ids[0], listener, machines)


@pytest.fixture
def aws(_server, account, monkeypatch) -> SimulatedAWS:
    """The same account for each test, with nothing of the test before."""
    for name, value in _server.environment().items():
        monkeypatch.setenv(name, value)
    _server.clear()
    return _server


def changes(machine: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """What people do to a machine of their own, its disk and its interface."""
    one = {"InstanceId": machine["InstanceId"]}
    several = {"InstanceIds": [machine["InstanceId"]]}
    (disk,), (interface,) = machine["BlockDeviceMappings"], machine["NetworkInterfaces"]
    volume, eni = {"VolumeId": disk["Ebs"]["VolumeId"]}, {"NetworkInterfaceId": interface["NetworkInterfaceId"]}
    yield "stop_instances", several
    yield "reboot_instances", several
    yield "terminate_instances", several
    yield "create_image", {**one, "Name": "saved"}
    yield "detach_volume", volume
    yield "delete_volume", volume
    yield "modify_instance_attribute", {**one, "InstanceType": {"Value": "t3.large"}}
    yield "modify_instance_attribute", {**one, "DisableApiTermination": {"Value": False}}
    yield "modify_instance_attribute", {**one, "Groups": ["sg-00000000000000001"]}
    yield "modify_instance_metadata_options", {**one, "HttpTokens": "required"}
    yield "modify_network_interface_attribute", {**eni, "Groups": ["sg-00000000000000001"]}
    yield "detach_network_interface", {"AttachmentId": interface["Attachment"]["AttachmentId"]}


def test_a_dev_box_is_left_to_a_person(account, aws, install):
    """Each change of a dev box, or of all 60 at once, needs a yes or arrives; no rule denies it."""
    install()
    for box, (method, params) in zip(account.boxes, changes(account.machines[account.boxes[0]]), strict=False):
        named = {**params, "InstanceIds": [box]} if "InstanceIds" in params else params
        assert attempt(aws, "ec2", method, named) in ({UNTAGGED, "None"}, None), method
    assert attempt(aws, "ec2", "stop_instances", {"InstanceIds": [*account.boxes]}) == {UNTAGGED, "None"}
    ec2 = aws.client("ec2")
    with pytest.raises(guardrails.CallDenied) as caught:
        ec2.stop_instances(InstanceIds=[account.boxes[0]])
    assert caught.value.decision.action == "confirm"
    assert "No one can be asked here" in str(caught.value)


def test_a_tag_or_a_start_needs_no_yes(account, aws, install):
    """Tags and starts of a dev box arrive, and what only makes it safer does."""
    install()
    (box,) = account.boxes[:1]
    assert attempt(aws, "ec2", "start_instances", {"InstanceIds": [box]}) is None
    for method, tag in (("create_tags", {"Key": "Cluster", "Value": "mine"}), ("delete_tags", {"Key": "Name"})):
        assert attempt(aws, "ec2", method, {"Resources": [box], "Tags": [tag]}) is None


def test_a_script_says_yes(account, aws, install):
    """Under break glass for the rule, each change of a dev box arrives, and the bastion stays."""
    install()
    with guardrails.break_glass(reason="clean up", rules=[UNTAGGED]):
        for method, params in changes(account.machines[account.boxes[1]]):
            assert attempt(aws, "ec2", method, params) is None, method
        assert attempt(aws, "ec2", "stop_instances", {"InstanceIds": [*account.bastion]}) >= {"live-cluster/stop"}
        together = {"InstanceIds": [account.boxes[2], account.bastion[0]]}
        assert attempt(aws, "ec2", "terminate_instances", together) >= {"live-cluster/terminate"}


def test_the_line_that_the_denial_names(account, aws, install, monkeypatch):
    """The line for a shell that the denial names lets the script pass that was denied before."""
    install()
    box = {"InstanceIds": [account.boxes[3]]}
    with pytest.raises(guardrails.CallDenied) as caught:
        aws.client("ec2").stop_instances(**box)
    (violation,) = caught.value.decision.violations
    line = violation.remediation.partition("break the glass: eval ")[2].rstrip(".").strip('"')[2:-1]
    program, *options = line.replace("WHY", "clean-up").split()
    assert program == "guardrails"
    done = subprocess.run(
        [sys.executable, "-m", "guardrails", *options], env={**os.environ}, capture_output=True, text=True, check=True
    )
    name, _, value = done.stdout.strip().removeprefix("export ").partition("=")
    guardrails.uninstall()
    monkeypatch.setenv(name, value.strip("'"))
    install()
    assert attempt(aws, "ec2", "stop_instances", box) is None


@pytest.mark.parametrize(("untagged", "rules"), [("allow", None), ("deny", {UNTAGGED, "None"})])
def test_the_parameter(untagged, rules, account, aws, install):
    """`untagged` lets all changes of a dev box pass, or denies them; a bastion with an address stays in both cases."""
    install(params={"untagged": untagged})
    for method, params in list(changes(account.machines[account.boxes[4]]))[:5]:
        assert attempt(aws, "ec2", method, params) == rules, method
    assert attempt(aws, "ec2", "terminate_instances", {"InstanceIds": [*account.bastion]}) >= {"live-cluster/terminate"}


def harmful(account: Account) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """What takes the bastion, the cluster behind the balancer, or the group behind the other one from its users."""
    for side in (account.bastion, account.prod, account.web):
        for method in ("stop_instances", "terminate_instances", "reboot_instances"):
            yield "ec2", method, {"InstanceIds": [*side]}
    yield "ec2", "terminate_instances", {"InstanceIds": [*account.boxes[:2], *account.prod[:3]]}
    for machine in (account.bastion[0], account.prod[0], account.web[0]):
        # One machine of several may be stopped, as its group does itself; its parts stay.
        parts = [each for each in changes(account.machines[machine]) if "Id" not in str(each[1].get("InstanceIds"))]
        for method, params in parts if machine in account.bastion else parts[4:6] + parts[7:]:
            yield "ec2", method, params
    yield "ec2", "delete_tags", {"Resources": [account.prod[0]], "Tags": [{"Key": OWNED}]}
    yield "ec2", "create_tags", {"Resources": [account.web[0]], "Tags": [{"Key": "Cluster", "Value": "mine"}]}
    yield "ec2", "release_address", {"AllocationId": account.address}
    for balancer, members in ((account.ingress, account.prod), (account.shop, account.web)):
        (group,) = balancer.groups.values()
        yield "elbv2", "delete_load_balancer", {"LoadBalancerArn": balancer.arn}
        yield "elbv2", "deregister_targets", {"TargetGroupArn": group, "Targets": [{"Id": each} for each in members]}
    yield "elbv2", "delete_listener", {"ListenerArn": account.listener}
    name = {"AutoScalingGroupName": "web-blue"}
    yield "autoscaling", "delete_auto_scaling_group", {**name, "ForceDelete": True}


def test_nothing_harmful_arrives(account, aws, install):
    """Each harmful call is denied by a rule of its own, not left to `untagged`."""
    # A flag that is off already would be no change.
    aws.reply("DescribeInstanceAttribute", protected("i-0123456789abcdef0"))
    install(params={"untagged": "allow"})
    for service, method, params in harmful(account):
        assert (attempt(aws, service, method, params) or {"None"}) - {"None", UNTAGGED}, (method, params)


def test_the_bastions_address_moves_after_a_yes(account, aws, install):
    """Only a person knows whether another machine of no cluster is the new bastion: they are asked."""
    move = {"AllocationId": account.address, "InstanceId": account.boxes[0]}
    install()
    assert "addresses/steal" in attempt(aws, "ec2", "associate_address", move)
    guardrails.uninstall()
    install(params={"untagged": "deny"})
    assert "addresses/steal" in attempt(aws, "ec2", "associate_address", move)


def test_what_does_not_serve_is_free(account, aws, install):
    """The other Kubernetes cluster and the groups without a balancer can be stopped, terminated and deleted."""
    install()
    for side in (account.dev, account.batch, account.green):
        for method in ("stop_instances", "terminate_instances"):
            assert attempt(aws, "ec2", method, {"InstanceIds": [*side]}) is None
    group = {"AutoScalingGroupName": "web-green", "ForceDelete": True}
    assert attempt(aws, "autoscaling", "delete_auto_scaling_group", group) is None
