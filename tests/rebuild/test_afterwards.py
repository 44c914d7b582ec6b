"""What belongs to a rebuild beside its machines: target groups, addresses, Auto Scaling groups, reserved capacity."""

from __future__ import annotations

import json

import pytest
from attrs import evolve

from guardrails.rebuild import checks, reserve
from guardrails.rebuild.send import Stopped
from tests.rebuild.world import World, keep, start

RESERVED = (
    "<CreateCapacityReservationResponse><capacityReservation><capacityReservationId>cr-1</capacityReservationId>"
    "</capacityReservation></CreateCapacityReservationResponse>"
)
CANCELLED = "<CancelCapacityReservationResponse><return>true</return></CancelCapacityReservationResponse>"
PRODUCT = {"terms": {"OnDemand": {"1": {"priceDimensions": {"1": {"pricePerUnit": {"USD": "0.0208"}}}}}}}


@pytest.fixture
def world(aws, tmp_path, monkeypatch):
    return World(aws, tmp_path, monkeypatch)


@pytest.fixture
def subnet(aws):
    return aws.create_subnet("10.0.0.0/24")


def target_group(aws, subnet, kind, targets):
    vpc = aws.client("ec2").describe_subnets(SubnetIds=[subnet])["Subnets"][0]["VpcId"]
    elbv2 = aws.client("elbv2")
    made = elbv2.create_target_group(Name=f"web-{kind}", Protocol="HTTP", Port=80, VpcId=vpc, TargetType=kind)
    arn = made["TargetGroups"][0]["TargetGroupArn"]
    elbv2.register_targets(TargetGroupArn=arn, Targets=targets)
    return arn


def targets(aws, arn):
    described = aws.client("elbv2").describe_target_health(TargetGroupArn=arn)["TargetHealthDescriptions"]
    return {(each["Target"]["Id"], each["Target"].get("Port")) for each in described}


def test_behind_its_target_groups(aws, world, subnet):
    """The new machines are registered where the old ones were: by id with their port, and by address."""
    ids = start(aws, "blue", 2, subnet)
    ec2 = aws.client("ec2")

    def ips(names):
        found = ec2.describe_instances(InstanceIds=list(names))["Reservations"]
        return {machine["PrivateIpAddress"] for each in found for machine in each["Instances"]}

    by_id = target_group(aws, subnet, "instance", [{"Id": name, "Port": 8080} for name in ids])
    by_ip = target_group(aws, subnet, "ip", [{"Id": ip, "Port": 80} for ip in ips(ids)])
    keep(world)
    world.lose("blue")
    world.run(world.begin(world.plan("blue")))
    new = aws.machines("blue")
    assert len(new) == 2
    assert {(name, 8080) for name in new} <= targets(aws, by_id)
    assert {(ip, 80) for ip in ips(new)} <= targets(aws, by_ip)


def test_addresses_only_where_no_one_holds_them(aws, world, subnet):
    """With --addresses a free Elastic IP moves; one that someone else holds meanwhile stays, and that is said."""
    ids = start(aws, "blue", 2, subnet)
    (other,) = start(aws, "other", 1, subnet)
    ec2 = aws.client("ec2")
    held = [ec2.allocate_address(Domain="vpc") for _ in ids]
    for name, address in zip(ids, held, strict=True):
        ec2.associate_address(InstanceId=name, AllocationId=address["AllocationId"])
    keep(world)
    for address in held:
        association = ec2.describe_addresses(AllocationIds=[address["AllocationId"]])["Addresses"][0]["AssociationId"]
        ec2.disassociate_address(AssociationId=association)
    ec2.associate_address(InstanceId=other, AllocationId=held[1]["AllocationId"])
    world.lose("blue")
    running = world.run(world.begin(world.plan("blue", addresses=True)))
    assert len(aws.addresses("blue")) == 1
    assert running.notes == [f"{held[1]['PublicIp']} stays on {other}: it moves only when its old holder is gone"]


def test_a_group_starts_its_own_machines(aws, world, subnet):
    """A group that was set to 0 gets its size back in waves; one with its size by now is left as it is."""
    ec2, scaling = aws.client("ec2"), aws.client("autoscaling")
    image = ec2.register_image(Name="group", RootDeviceName="/dev/sda1")["ImageId"]
    scaling.create_launch_configuration(LaunchConfigurationName="web", ImageId=image, InstanceType="t3.small")
    scaling.create_auto_scaling_group(
        AutoScalingGroupName="web", LaunchConfigurationName="web", MinSize=0, MaxSize=8, DesiredCapacity=8,
        VPCZoneIdentifier=subnet,
    )  # fmt: skip
    keep(world)
    scaling.update_auto_scaling_group(AutoScalingGroupName="web", MinSize=0, MaxSize=8, DesiredCapacity=0)
    plan = world.plan("asg/web")
    sizes = [step.params["DesiredCapacity"] for wave in plan.waves for step in wave]
    assert (len(plan.machines), sizes) == (8, [1, 6, 8])
    aws.clear()
    world.run(world.begin(plan))
    assert aws.count("RunInstances") == 0
    (group,) = scaling.describe_auto_scaling_groups()["AutoScalingGroups"]
    assert len(group["Instances"]) == 8
    scaling.update_auto_scaling_group(AutoScalingGroupName="web", MaxSize=40, DesiredCapacity=10)
    aws.clear()
    world.run(world.begin(plan))
    (group,) = scaling.describe_auto_scaling_groups()["AutoScalingGroups"]
    assert (group["DesiredCapacity"], group["MaxSize"], aws.count("UpdateAutoScalingGroup")) == (10, 40, 0)
    scaling.update_auto_scaling_group(AutoScalingGroupName="web", DesiredCapacity=7)
    world.run(world.begin(plan))
    (group,) = scaling.describe_auto_scaling_groups()["AutoScalingGroups"]
    assert (group["DesiredCapacity"], group["MaxSize"], aws.count("UpdateAutoScalingGroup")) == (8, 40, 2)
    snapshot = keep(world)
    scaling.delete_auto_scaling_group(AutoScalingGroupName="web", ForceDelete=True)
    problems = world.plan("asg/web", snapshot).problems
    assert any("the Auto Scaling group web is not there (8 machines)" in each for each in problems)


def test_others_use_the_rate_limit_as_well(aws, world, subnet):
    """A launch that AWS throttles, because others launch: it waits and goes on, and the way is shown."""
    start(aws, "blue", 3, subnet)
    keep(world)
    world.lose("blue")
    made = world.begin(world.plan("blue"))
    aws.answer("RunInstances", 503, "RequestLimitExceeded", "Request limit exceeded.", times=3)
    began = world.clock.now
    world.run(made)
    assert world.clock.now - began > 2 + 4 + 8
    assert aws.running("blue") == 3
    assert any("AWS's rate limit was reached by others" in line for line in world.told)


def test_capacity_is_reserved_first_and_cancelled_after(aws, world, subnet):
    """A reservation for the machines of each type and zone; where AWS refuses it, nothing is started.

    moto has no capacity reservations: its answers are canned.
    """
    start(aws, "blue", 3, subnet)
    keep(world)
    world.lose("blue")
    aws.clear()
    made = world.begin(world.plan("blue"))
    wanted = reserve.wanted(made, checks.subnets(world.reader, checks.Findings()) or {})
    assert [(each.type, each.count, len(each.keys)) for each in wanted] == [("t3.small", 3, 2)]
    aws.reply("CreateCapacityReservation", RESERVED)
    aws.reply("CancelCapacityReservation", CANCELLED)
    reserve.reserve(world.reader, made, wanted, 30, world.clock)
    (asked,) = [each.params for each in aws.requests if each.operation == "CreateCapacityReservation"]
    assert (asked["InstanceCount"], asked["InstanceMatchCriteria"], asked["EndDateType"]) == (
        "3",
        "targeted",
        "limited",
    )
    world.run(made)
    launches = [each.params for each in aws.requests if each.operation == "RunInstances"]
    name = "CapacityReservationSpecification.CapacityReservationTarget.CapacityReservationId"
    assert [each[name] for each in launches] == ["cr-1", "cr-1"]
    assert reserve.cancel(world.reader, made) == ""
    assert (aws.count("CancelCapacityReservation"), made.reservations) == (1, {})
    aws.answer("CreateCapacityReservation", 400, "InsufficientInstanceCapacity", "none left")
    with pytest.raises(Stopped, match=r"3 t3.small in eu-west-1\w could not be reserved .*; nothing was started"):
        reserve.reserve(world.reader, evolve(made, entries={}), wanted, 30, world.clock)


def test_a_price_is_never_invented(aws, world):
    """AWS's list price for so many minutes; without one, where to look it up. moto has no prices."""
    wanted = [reserve.Wanted("t3.small", "eu-west-1a", 10, ("w1b1",))]
    aws.reply("GetProducts", json.dumps({"FormatVersion": "aws_v1", "PriceList": [json.dumps(PRODUCT)]}))
    assert reserve.price(world.reader, "eu-west-1", wanted, 30).startswith("at most 0.10 USD for 30 min")
    aws.reply("GetProducts", '{"FormatVersion": "aws_v1", "PriceList": []}')
    assert reserve.price(world.reader, "eu-west-1", wanted, 30).startswith("price unknown: look it up at https://")


def test_a_new_machine_that_aws_does_not_find_yet(aws, world, subnet):
    """CreateTags right after a launch finds no machine for a moment: again; another refusal stops the run."""
    ids = start(aws, "blue", 3, subnet)
    for name in ids:
        aws.client("ec2").create_tags(Resources=[name], Tags=[{"Key": "Name", "Value": f"w{name}"}])
    plan = lost(world)
    aws.answer("CreateTags", 400, "InvalidInstanceID.NotFound", "The instance ID does not exist", times=1)
    world.run(world.begin(plan))
    assert (aws.running("blue"), aws.count("CreateTags")) == (3, 6)
    plan = lost(world)
    aws.answer("CreateTags", 403, "UnauthorizedOperation", "no")
    made = world.begin(plan, "1234abcd")
    with pytest.raises(Stopped, match=r"could not be tagged: .*UnauthorizedOperation"):
        world.run(made)
    aws.repair()
    world.run(made)
    assert aws.running("blue") == 3


def lost(world):
    """The plan after the loss of all machines of blue, which a snapshot has."""
    keep(world)
    world.lose("blue")
    return world.plan("blue")
