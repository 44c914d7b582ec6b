"""Failover within the live cluster arrives; to a machine that cannot serve, or another cluster's, it does not."""

from __future__ import annotations

import pytest
from attrs import frozen

from tests.calls.test_unknown_holders import attempt

NO_CHECKS = "<DescribeInstanceStatusResponse><instanceStatusSet/></DescribeInstanceStatusResponse>"
FLOATING = "10.0.0.200"
RANGE = "10.9.0.0/16"


@frozen
class Machine:
    """A machine's ids."""

    id: str
    eni: str


@frozen
class Shop:
    """Blue, live by an address on its first machine, which also has a floating private address and a route."""

    holder: Machine
    standby: Machine
    stopped: Machine
    foreign: Machine
    allocation: str
    association: str
    table: str


@pytest.fixture
def shop(aws):
    ec2 = aws.client("ec2")
    subnet = aws.create_subnet("10.0.0.0/24")
    blue = aws.start_cluster("blue", 3, subnet=subnet, addresses=1)
    # Too small for a cutover.
    green = aws.start_cluster("green", 1, subnet=subnet)
    described = ec2.describe_instances(InstanceIds=[*blue.instance_ids, *green.instance_ids])["Reservations"]
    enis = {
        machine["InstanceId"]: machine["NetworkInterfaces"][0]["NetworkInterfaceId"]
        for group in described
        for machine in group["Instances"]
    }
    holder, standby, stopped, foreign = (
        Machine(name, enis[name]) for name in (*blue.instance_ids, *green.instance_ids)
    )
    ec2.stop_instances(InstanceIds=[stopped.id])
    ec2.assign_private_ip_addresses(NetworkInterfaceId=holder.eni, PrivateIpAddresses=[FLOATING])
    vpc = ec2.describe_subnets(SubnetIds=[subnet])["Subnets"][0]["VpcId"]
    table = ec2.create_route_table(VpcId=vpc)["RouteTable"]["RouteTableId"]
    ec2.associate_route_table(RouteTableId=table, SubnetId=subnet)
    ec2.create_route(RouteTableId=table, DestinationCidrBlock=RANGE, NetworkInterfaceId=holder.eni)
    (address,) = ec2.describe_addresses(AllocationIds=list(blue.allocation_ids))["Addresses"]
    aws.clear()
    return Shop(holder, standby, stopped, foreign, blue.allocation_ids[0], address["AssociationId"], table)


MOVES = {
    "address to a machine": ("associate_address", "addresses/repoint", lambda shop, onto: {
        "AllocationId": shop.allocation, "InstanceId": onto.id, "AllowReassociation": True}),
    "address to an interface": ("associate_address", "addresses/repoint", lambda shop, onto: {
        "AllocationId": shop.allocation, "NetworkInterfaceId": onto.eni, "AllowReassociation": True}),
    "address to a private address": ("associate_address", "addresses/repoint", lambda shop, onto: {
        "AllocationId": shop.allocation, "NetworkInterfaceId": onto.eni, "PrivateIpAddress": "10.0.0.201",
        "AllowReassociation": True}),
    "private address": ("assign_private_ip_addresses", "addresses/private-ip", lambda _, onto: {
        "NetworkInterfaceId": onto.eni, "PrivateIpAddresses": [FLOATING], "AllowReassignment": True}),
    "route to an interface": ("replace_route", "network/route-table", lambda shop, onto: {
        "RouteTableId": shop.table, "DestinationCidrBlock": RANGE, "NetworkInterfaceId": onto.eni}),
    "route to a machine": ("replace_route", "network/route-table", lambda shop, onto: {
        "RouteTableId": shop.table, "DestinationCidrBlock": "10.9.1.1/16", "InstanceId": onto.id}),
}  # fmt: skip


@pytest.mark.parametrize("way", MOVES)
def test_to_a_healthy_machine_of_the_same_cluster(way, shop, aws, install):
    """Each way arrives with a standby that is running and healthy, and is denied with one that cannot serve."""
    method, rule, params = MOVES[way]
    foreign = "addresses/steal" if method == "associate_address" else rule
    install()
    assert attempt(aws, "ec2", method, params(shop, shop.standby)) is None
    assert attempt(aws, "ec2", method, params(shop, shop.stopped)) == {rule, "None"}
    assert attempt(aws, "ec2", method, params(shop, shop.foreign)) == {foreign, "None"}
    unknown = attempt(aws, "ec2", method, params(shop, Machine("i-0123456789abcdef0", "eni-0123456789abcdef0")))
    assert unknown
    assert unknown & {"live-cluster/unresolved", "addresses/steal"}


def test_to_a_machine_without_passed_checks(shop, aws, install):
    """A running standby whose health checks have not passed, or are not shown, gets nothing."""
    aws.reply("DescribeInstanceStatus", NO_CHECKS)
    install()
    for way, (method, rule, params) in MOVES.items():
        assert attempt(aws, "ec2", method, params(shop, shop.standby)) == {rule, "None"}, way


def test_to_a_machine_that_is_about_to_go(shop, aws, install):
    """A standby that a call is just terminating, with the rule set aside, gets nothing."""
    guard = install()
    aws.answer("TerminateInstances", 500, "InternalError", "perhaps", times=5)
    with (
        guard.break_glass(reason="INC-42", rules=["live-cluster/terminate"]),
        pytest.raises(aws.client("ec2").exceptions.ClientError, match="perhaps"),
    ):
        aws.client("ec2").terminate_instances(InstanceIds=[shop.standby.id])
    for way, (method, rule, params) in MOVES.items():
        assert attempt(aws, "ec2", method, params(shop, shop.standby)) == {rule, "None"}, way


def test_a_route_elsewhere(shop, aws, install):
    """A live route through a machine may not move to nowhere, a gateway, or to a machine when it went to none."""
    gateway = aws.client("ec2").create_internet_gateway()["InternetGateway"]["InternetGatewayId"]
    route = {"RouteTableId": shop.table, "DestinationCidrBlock": RANGE}
    install()
    denied = {"network/route-table", "None"}
    assert attempt(aws, "ec2", "replace_route", route) == denied
    assert attempt(aws, "ec2", "replace_route", {**route, "GatewayId": gateway}) == denied
    other = {**route, "DestinationCidrBlock": "0.0.0.0/0", "InstanceId": shop.standby.id}
    assert attempt(aws, "ec2", "replace_route", other) == denied
    assert attempt(aws, "ec2", "delete_route", route) == denied


def test_taking_off_first(shop, aws, install):
    """To take an address off before another machine gets it is denied: the denial names the way in one step."""
    install()
    ec2 = aws.client("ec2")
    for call, way in (
        (lambda: ec2.disassociate_address(AssociationId=shop.association), "AllowReassociation=True"),
        (
            lambda: ec2.unassign_private_ip_addresses(
                NetworkInterfaceId=shop.holder.eni, PrivateIpAddresses=[FLOATING]
            ),
            "AllowReassignment=True",
        ),
    ):
        with pytest.raises(ec2.exceptions.ClientError, match=f"(?s)GuardrailsDenied.*in one step, with .*{way}"):
            call()
    assert aws.count("DisassociateAddress", "UnassignPrivateIpAddresses") == 0
