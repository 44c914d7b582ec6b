"""A machine that routes of the live cluster lead to is protected like a NAT gateway, whichever cluster it is in."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from tests.calls.test_unknown_holders import attempt

pytestmark = pytest.mark.every(3)


def router(aws, name):
    """A machine with a second interface, of a cluster that is not live. It forwards what is not for itself."""
    ec2, machine = aws.client("ec2"), aws.start_cluster(name, 1).instance_ids[0]
    described = ec2.describe_instances(InstanceIds=[machine])["Reservations"][0]["Instances"][0]
    primary = described["NetworkInterfaces"][0]["NetworkInterfaceId"]
    eni = ec2.create_network_interface(SubnetId=described["SubnetId"])["NetworkInterface"]["NetworkInterfaceId"]
    attached = ec2.attach_network_interface(NetworkInterfaceId=eni, InstanceId=machine, DeviceIndex=1)
    ec2.modify_instance_attribute(InstanceId=machine, SourceDestCheck={"Value": False})
    ec2.modify_network_interface_attribute(NetworkInterfaceId=eni, SourceDestCheck={"Value": False})
    return SimpleNamespace(machine=machine, eni=eni, attachment=attached["AttachmentId"], primary=primary)


@pytest.fixture
def site(aws):
    """Blue is live and reaches the internet through the machine `nat`; `spare` is another one, which no route names."""
    ec2, blue = aws.client("ec2"), aws.start_cluster("blue", 2, addresses=1)
    nat, spare = router(aws, "nat"), router(aws, "spare")
    machine = ec2.describe_instances(InstanceIds=[blue.instance_ids[0]])["Reservations"][0]["Instances"][0]
    table = ec2.create_route_table(VpcId=machine["VpcId"])["RouteTable"]["RouteTableId"]
    ec2.associate_route_table(RouteTableId=table, SubnetId=machine["SubnetId"])
    return SimpleNamespace(nat=nat, spare=spare, table=table, ec2=ec2)


CALLS = [
    ("terminate_instances", lambda r: {"InstanceIds": [r.machine]}),
    ("stop_instances", lambda r: {"InstanceIds": [r.machine]}),
    ("reboot_instances", lambda r: {"InstanceIds": [r.machine]}),
    ("modify_instance_attribute", lambda r: {"InstanceId": r.machine, "SourceDestCheck": {"Value": True}}),
    ("modify_network_interface_attribute", lambda r: {"NetworkInterfaceId": r.eni, "SourceDestCheck": {"Value": True}}),
    ("detach_network_interface", lambda r: {"AttachmentId": r.attachment, "Force": True}),
]


@pytest.mark.parametrize(("method", "params"), CALLS)
@pytest.mark.parametrize("by", ["InstanceId", "NetworkInterfaceId"])
def test_what_routes_lead_to(by, method, params, site, aws, install):
    """It is not ended, stopped or kept from forwarding; the same machine without a route is."""
    route = {"InstanceId": site.nat.machine, "NetworkInterfaceId": site.nat.eni}[by]
    site.ec2.create_route(RouteTableId=site.table, DestinationCidrBlock="0.0.0.0/0", **{by: route})
    install()
    denied = attempt(aws, "ec2", method, params(site.nat))
    assert denied
    assert denied >= {"live-cluster/terminate"} or not method.startswith("terminate")
    assert attempt(aws, "ec2", method, params(site.spare)) is None


def test_the_message_says_what_it_carries(site, aws, install):
    """The denial says that routes of the live cluster lead to the machine: it is in another one."""
    site.ec2.create_route(RouteTableId=site.table, DestinationCidrBlock="0.0.0.0/0", InstanceId=site.nat.machine)
    guard = install()
    asked = guard.check(aws.client("ec2"), "TerminateInstances", InstanceIds=[site.nat.machine])
    assert "a machine that carries routes of the live cluster blue" in asked.violations[0].message
    assert {"blue", "nat"} <= {*asked.facts.targets[0].clusters}


def test_a_machine_that_no_route_leads_to(site, aws, install):
    """One look-up more, beside the others: what is behind a router is asked for where there is one."""
    site.ec2.create_route(RouteTableId=site.table, DestinationCidrBlock="0.0.0.0/0", InstanceId=site.nat.machine)
    install()
    aws.clear()
    assert attempt(aws, "ec2", "terminate_instances", {"InstanceIds": [site.spare.machine]}) is None
    assert aws.count("DescribeRouteTables") == 1
    assert aws.count("DescribeNatGateways", "DescribeNetworkInterfaces") == 0
    assert attempt(aws, "ec2", "terminate_instances", {"InstanceIds": [site.nat.machine]})
    assert aws.count("DescribeNatGateways") == 1
