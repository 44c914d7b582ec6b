"""From look-up answers to facts, for what the simulated AWS does not have: shapes as AWS documents them."""

from __future__ import annotations

import pytest

from guardrails.resolve.connection import endpoint_for
from guardrails.resolve.inventory import ADDRESSES, INSTANCES
from guardrails.resolve.ownership import Ownership
from guardrails.resolve.region import Region
from guardrails.resolve.resources.registry import Inventory, asks, clusters_of, plan, targets_of
from guardrails.values import Answer, Call, Live, Origin, TargetRef

LIVE = Live(known=True, disputed=False, clusters=("blue",))


def machine(number, cluster="blue", state="running", *, tags=None, **more):
    pairs = {**({"Cluster": cluster} if cluster else {}), **(tags or {})}
    return {
        "InstanceId": f"i-{number}",
        "State": {"Name": state},
        "Tags": [{"Key": key, "Value": value} for key, value in pairs.items()],
        **more,
    }


def world(refs, *, machines=(), addresses=(), params=None, service="ec2", region="eu-west-1", **answers):
    """The targets of a call that names `refs`, and the clusters; `answers` by look-up operation."""
    call = Call(service, "X", params or {}, region, "", targets=tuple(refs), effects=("network",))
    given = {"DescribeInstances": [{"Instances": list(machines)}], "DescribeAddresses": list(addresses), **answers}
    lookups = [*plan(call, ("Cluster",)), INSTANCES, ADDRESSES]
    assert {lookup.permission for lookup in lookups} <= {lookup.permission for lookup in asks()}
    answers = {lookup.key(): Answer(tuple(given.get(lookup.operation, ())), 1.0) for lookup in lookups}
    inventory = Inventory(Region.of(answers), answers[ADDRESSES.key()].items, Ownership())
    targets = targets_of(call, answers, inventory, LIVE.clusters)
    return targets, {cluster.name: cluster for cluster in clusters_of(answers, inventory, targets, LIVE)}


def only(*args, **kwargs):
    ((target,), _) = world(*args, **kwargs)
    return target


INTERFACE = {
    "NetworkInterfaceId": "eni-1", "VpcId": "vpc-1", "Status": "in-use", "Attachment": {"InstanceId": "i-1"},
    "Ipv6Addresses": [{"Ipv6Address": "2001:db8::a"}], "Ipv6Prefixes": [{"Ipv6Prefix": "2001:db8:1::/80"}],
    "Ipv4Prefixes": [{"Ipv4Prefix": "10.0.0.16/28"}],
}  # fmt: skip


@pytest.mark.parametrize(
    "written", ["2001:db8::a", "2001:0DB8:0:0::000A", "2001:db8:1::/80", "2001:DB8:1:0::0/80", "10.0.0.16/28"]
)
def test_addresses_in_every_spelling(written):
    """An IPv6 address or prefix is found however it is written, and carries the cluster of its machine."""
    found, _ = world(
        [TargetRef(written, "private-ip"), TargetRef("eni-1", "eni", "destination")],
        machines=[machine(1)],
        DescribeNetworkInterfaces=[INTERFACE],
    )
    assert found[0].resolved
    assert found[0].clusters == ("blue",)


def test_a_free_private_address_carries_nothing():
    """An address that is not in use is resolved and carries nothing, if the VPC in question is known."""
    refs = [TargetRef("10.0.0.99", "private-ip"), TargetRef("eni-1", "eni", "destination")]
    (free, _), _ = world(refs, machines=[machine(1)], DescribeNetworkInterfaces=[INTERFACE])
    assert (free.resolved, free.clusters) == (True, ())
    (unknown, _), _ = world(refs, machines=[machine(1)])
    assert not unknown.resolved


def test_an_interface_of_a_gateway_carries_its_network():
    """An interface in use by no machine (a gateway's, a load balancer's) carries the clusters in its VPC."""
    gateway = {"NetworkInterfaceId": "eni-9", "VpcId": "vpc-1", "Status": "in-use", "Attachment": {}}
    machines = [machine(1, VpcId="vpc-1"), machine(2, "green", VpcId="vpc-2")]
    target = only([TargetRef("eni-9", "eni")], machines=machines, DescribeNetworkInterfaces=[gateway])
    assert target.clusters == ("blue",)


@pytest.mark.parametrize(
    ("kind", "tag"), [("fleet", "aws:ec2:fleet-id"), ("spot-fleet", "aws:ec2spot:fleet-request-id")]
)
def test_fleets_carry_the_clusters_of_their_machines(kind, tag):
    """A fleet is known by the tag EC2 writes on its machines; those without a cluster tag are its own."""
    machines = [machine(1, tags={tag: "f-1"}), machine(2, None, tags={tag: "f-1"}), machine(3, "green")]
    target = only([TargetRef("f-1", kind)], machines=machines)
    assert target.clusters == ("blue", "fleet/f-1")
    assert target.facts["untagged"] == []


def test_ranges_carry_the_addresses_inside():
    """A range of public addresses carries the clusters of the Elastic IPs inside it; a bad range is unknown."""
    addresses = [
        {"PublicIp": "203.0.113.7", "InstanceId": "i-1", "AssociationId": "a"},
        {"PublicIp": "198.51.100.1", "InstanceId": "i-2", "AssociationId": "b"},
    ]
    machines = [machine(1), machine(2, "green")]
    target = only([TargetRef("203.0.113.0/24", "cidr")], machines=machines, addresses=addresses)
    assert (target.clusters, target.public_ips) == (("blue",), ("203.0.113.7",))
    assert not only([TargetRef("nonsense", "cidr")]).resolved


def test_an_arn_of_another_region_names_nothing_here():
    """An ARN is resolved by its resource, only in the region of the call."""
    arn = "arn:aws:ec2:{}:1:instance/i-1"
    assert only([TargetRef(arn.format("eu-west-1"), "arn")], machines=[machine(1)]).clusters == ("blue",)
    assert not only([TargetRef(arn.format("us-east-1"), "arn")], machines=[machine(1)]).resolved
    assert not only([TargetRef("nonsense", "arn")]).resolved


TABLES = [
    {"RouteTableId": "rtb-main", "VpcId": "vpc-1",
     "Associations": [{"Main": True, "RouteTableAssociationId": "rtbassoc-main"}]},
    {"RouteTableId": "rtb-own", "VpcId": "vpc-1",
     "Associations": [{"SubnetId": "subnet-2", "RouteTableAssociationId": "rtbassoc-own"}]},
]  # fmt: skip


def test_the_main_route_table_serves_what_no_other_does():
    """The main table carries the machines of its VPC whose subnet has no other table."""
    machines = [
        machine(1, "blue", VpcId="vpc-1", SubnetId="subnet-1"),
        machine(2, "green", VpcId="vpc-1", SubnetId="subnet-2"),
    ]
    carried = {
        name: only([TargetRef(name, kind)], machines=machines, DescribeRouteTables=TABLES).clusters
        for name, kind in [
            ("rtb-main", "route-table"), ("rtb-own", "route-table"),
            ("rtbassoc-main", "route-table-association"), ("rtbassoc-own", "route-table-association"),
        ]
    }  # fmt: skip
    assert carried == {
        "rtb-main": ("blue",), "rtb-own": ("green",), "rtbassoc-main": ("blue",), "rtbassoc-own": ("green",),
    }  # fmt: skip


@pytest.mark.parametrize(
    "kind",
    ["instance", "volume", "subnet", "subnet-cidr-association", "eni", "eni-attachment", "address", "asg",
     "route-table", "route-table-association", "nacl", "nacl-association", "nat-gateway", "other"],
)  # fmt: skip
def test_what_aws_does_not_know_is_unresolved(kind):
    """An id that no look-up returned is unresolved, for every type that AWS lists."""
    target = only([TargetRef("x-404", kind)], machines=[machine(1)])
    assert (target.resolved, target.clusters) == (False, ())


def test_counts_of_clusters():
    """Running, terminating and named machines are counted; terminated ones are not."""
    machines = [
        machine(1),
        machine(2, state="pending"),
        machine(3, state="shutting-down"),
        machine(4, state="terminated"),
    ]
    _, clusters = world([TargetRef("i-1", "instance")], machines=machines)
    blue = clusters["blue"]
    assert (blue.running, blue.total, blue.in_flight, blue.targeted, blue.remaining) == (1, 2, 1, 1, 0)


@pytest.mark.parametrize(
    ("endpoint", "service", "asked"),
    [
        ("https://ec2.eu-west-1.amazonaws.com", "ec2", "https://ec2.eu-west-1.amazonaws.com"),
        ("https://autoscaling.eu-west-1.amazonaws.com", "ec2", None),
        ("https://vpce-1.ec2.eu-west-1.vpce.amazonaws.com", "ec2", "https://vpce-1.ec2.eu-west-1.vpce.amazonaws.com"),
        ("http://127.0.0.1:5000", "ec2", "http://127.0.0.1:5000"),
    ],
)
def test_lookups_go_where_the_call_goes(endpoint, service, asked):
    """A look-up uses the call's own endpoint; if that is AWS's endpoint of another service, botocore chooses."""
    own = "autoscaling" if "autoscaling" in endpoint else "ec2"
    assert endpoint_for(service, Origin(None, "eu-west-1", own, endpoint)) == asked
