"""Which cluster something belongs to: configured tags in order, AWS's own tags, memberships."""

from __future__ import annotations

import pytest

from guardrails.resolve.inventory import Inventory
from guardrails.resolve.ownership import Owner, Ownership
from guardrails.resolve.region import Region

GROUP = "aws:autoscaling:groupName"
STACK = "aws:cloudformation:stack-name"


@pytest.mark.parametrize(
    ("tags", "expected"),
    [
        ({"elasticbeanstalk:environment-name": "shop"}, ("eb/shop", "eb")),
        ({"aws:eks:cluster-name": "prod"}, ("eks/prod", "eks")),
        ({"eks:cluster-name": "prod"}, ("eks/prod", "eks")),
        ({"kubernetes.io/cluster/prod": "owned"}, ("eks/prod", "eks")),
        ({"alpha.eksctl.io/cluster-name": "prod"}, ("eks/prod", "eks")),
        ({"aws:ecs:clusterName": "jobs"}, ("ecs/jobs", "ecs")),
        ({GROUP: "web"}, ("asg/web", "asg")),
        ({"aws:ec2:fleet-id": "fleet-1"}, ("fleet/fleet-1", "fleet")),
        ({"aws:ec2spot:fleet-request-id": "sfr-1"}, ("fleet/sfr-1", "fleet")),
        ({STACK: "web"}, ("stack/web", "stack")),
        # The first of the list counts.
        ({STACK: "a", GROUP: "b", "kubernetes.io/cluster/c": "owned"}, ("eks/c", "eks")),
        ({"Cluster": "blue", GROUP: "web"}, ("blue", "tag")),
        ({"Cluster": "", GROUP: "web"}, ("asg/web", "asg")),
        # Several clusters may use what is shared.
        ({"kubernetes.io/cluster/prod": "shared"}, None),
        ({"Name": "web", "cluster": "blue", GROUP: ""}, None),
        ({}, None),
    ],
)
def test_tags(tags, expected):
    """A configured tag counts first, then those of AWS and its tools, the most specific first."""
    assert Ownership().of(tags) == (expected and Owner(*expected))


def test_configured_tags_in_order():
    """The first configured tag that something has counts, also one of a later place."""
    ownership = Ownership(("Cluster", "Service"))
    assert ownership.named({"Service": "web", "Cluster": "blue"}) == "blue"
    assert ownership.named({"Service": "web", "Cluster": ""}) == "web"
    assert ownership.named({GROUP: "web"}) is None


def test_clusters_of_several():
    """The configuration puts inferred and tagged clusters into one, which then counts as named."""
    ownership = Ownership(clusters={"blue": ("asg/web-blue", "workers-blue", "tg/blue")})
    for tags in ({GROUP: "web-blue"}, {"Cluster": "workers-blue"}, {"Cluster": "blue"}):
        assert ownership.of(tags) == Owner("blue", "tag")
        assert ownership.named(tags) == "blue"
    assert ownership.member("tg", "blue") == Owner("blue", "tag")
    assert ownership.of({GROUP: "web-green"}) == Owner("asg/web-green", "asg")


def machine(name, ip, **tags):
    """A running machine as DescribeInstances shows it."""
    shown = [{"Key": key, "Value": value} for key, value in tags.items()]
    return {"InstanceId": name, "State": {"Name": "running"}, "PrivateIpAddress": ip, "Tags": shown}


def inventory(machines, addresses=(), registered=(), **options):
    """The inventory of these machines."""
    return Inventory(Region(({"Instances": machines},), 0.0), addresses, Ownership(**options), registered)


def test_memberships():
    """Without a tag that shows one, it is the target group, or else the Elastic IP that a machine alone has."""
    machines = [machine(f"i-{n}", f"10.0.0.{n}") for n in range(1, 7)] + [machine("i-7", "10.0.0.7", **{GROUP: "web"})]
    addresses = [
        {"PublicIp": "203.0.113.1", "InstanceId": "i-1"},
        {"PublicIp": "203.0.113.3", "InstanceId": "i-3"},
        {"PublicIp": "203.0.113.2", "InstanceId": "i-3"},
        {"PublicIp": "203.0.113.7", "InstanceId": "i-7"},
        {"PublicIp": "203.0.113.9"},
    ]
    seen = inventory(
        machines, addresses, [("i-1", "web"), ("10.0.0.2", "web"), ("i-7", "web"), ("i-4", "b"), ("i-4", "a")]
    )
    assert {name: each.cluster for name, each in seen.machines.items()} == {
        "i-1": "tg/web",
        "i-2": "tg/web",
        "i-3": "ip/203.0.113.2",
        "i-4": "tg/a",
        "i-5": None,
        "i-6": None,
        "i-7": "asg/web",
    }
    assert seen.kinds == {"tg/web": "tg", "ip/203.0.113.2": "ip", "tg/a": "tg", "asg/web": "asg"}
    assert {name: len(members) for name, members in seen.members.items()} == {
        "asg/web": 1, "tg/a": 1, "tg/web": 2, "ip/203.0.113.2": 1,
    }  # fmt: skip


def test_an_address_of_two_machines_makes_no_cluster():
    """Two networks may use one private address: then it is unknown which machine holds the Elastic IP."""
    both = [machine("i-1", "10.0.0.1"), machine("i-2", "10.0.0.1")]
    seen = inventory(both, [{"PublicIp": "203.0.113.1", "PrivateIpAddress": "10.0.0.1"}])
    assert seen.untagged_on("private-ip", "10.0.0.1") == {"i-1", "i-2"}


def test_what_is_not_a_machine():
    """A resource has the cluster of its configured tag and of what is on it; else of the machines with AWS's tag."""
    machines = [
        machine("i-1", "10.0.0.1", **{GROUP: "web", STACK: "shop"}),
        machine("i-2", "10.0.0.2", **{STACK: "shop", "Cluster": "blue"}),
        machine("i-3", "10.0.0.3", **{STACK: "other"}),
    ]
    seen = inventory(machines, clusters={"green": ("stack/green",)})
    assert seen.carried({STACK: "shop"}) == ("asg/web", "blue")
    assert seen.carried({STACK: "empty"}) == ("stack/empty",)
    assert seen.carried({STACK: "green"}) == ("green",)
    assert seen.carried({STACK: "shop", "Cluster": "red"}) == ("red",)
    # What is on it is better evidence than how it was made.
    assert seen.carried({STACK: "network"}, ["blue"]) == ("blue",)
    assert seen.carried({STACK: "green"}, ["blue"]) == ("blue", "green")
    assert seen.carried({}) == ()
