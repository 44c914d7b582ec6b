"""The source `elb`: live is what classic load balancers send requests to."""

from __future__ import annotations

import pytest

from tests.support.sources import assert_denied_without, assert_protects, seen_by

STATE = "<member><InstanceId>{id}</InstanceId><State>{state}</State></member>"
HEALTH = """<DescribeInstanceHealthResponse xmlns="http://elasticloadbalancing.amazonaws.com/doc/2012-06-01/">
<DescribeInstanceHealthResult><InstanceStates>{members}</InstanceStates></DescribeInstanceHealthResult>
</DescribeInstanceHealthResponse>"""


@pytest.fixture
def shop(aws):
    """Two clusters without an Elastic IP."""
    return aws, aws.start_cluster("blue", 2), aws.start_cluster("green", 2)


def balancer(aws, name, machines, *, port=80, scheme="internet-facing"):
    elb = aws.client("elb")
    elb.create_load_balancer(
        LoadBalancerName=name,
        Listeners=[{"Protocol": "HTTP", "LoadBalancerPort": port, "InstanceProtocol": "HTTP", "InstancePort": 80}],
        AvailabilityZones=["eu-west-1a"],
        Scheme=scheme,
    )
    if machines:
        elb.register_instances_with_load_balancer(
            LoadBalancerName=name, Instances=[{"InstanceId": machine} for machine in machines]
        )


def test_behind_a_classic_balancer(shop, install):
    """The side behind the balancer is live and stays; the other one may go."""
    aws, blue, green = shop
    balancer(aws, "web-classic", blue.instance_ids)
    seen, report = seen_by("elb", aws, install)
    assert (seen.clusters, seen.known, seen.disputed) == (("blue",), True, False)
    assert report.evidence == "blue is in service behind web-classic:80"
    assert_protects("elb", aws, install, blue, green)


def test_which_balancers_count(shop, install):
    """An internal balancer counts where none that users reach leads to a cluster; `balancers` names others."""
    aws, blue, green = shop
    balancer(aws, "inside", green.instance_ids, scheme="internal")
    assert seen_by("elb", aws, install)[0].clusters == ("green",)
    balancer(aws, "web-classic", blue.instance_ids)
    assert seen_by("elb", aws, install)[0].clusters == ("blue",)
    assert seen_by("elb", aws, install, balancers=["inside"])[0].clusters == ("green",)
    seen, report = seen_by("elb", aws, install, balancers=["misspelt"])
    assert not seen.known
    assert not report.silent
    assert "no classic load balancer misspelt" in report.evidence


def test_nothing_of_its_kind(site, aws, install):
    """Without a balancer, or with one that has no machines, the source is silent and disagrees with none."""
    for name in ("", "idle"):
        if name:
            balancer(aws, name, [])
        seen, report = seen_by("elb", aws, install)
        assert report.silent
        assert (seen.clusters, seen.known, seen.disputed) == (("blue",), True, False)
    assert aws.count("DescribeInstanceHealth") == 0


@pytest.mark.parametrize(
    ("states", "expected"),
    [
        (("InService", "OutOfService"), ("blue",)),
        (("OutOfService", "InService"), ("green",)),
        (("OutOfService", "OutOfService"), ("blue", "green")),
        (("Unknown", "InService"), ("blue", "green")),
    ],
)
def test_health(states, expected, aws, install):
    """Machines in service are live, and those whose state is not known yet; all of them where none is in service.

    The states are canned: in the simulated AWS every running machine is in service.
    """
    sides = [aws.start_cluster(name, 1).instance_ids[0] for name in ("blue", "green")]
    balancer(aws, "web-classic", sides)
    members = "".join(STATE.format(id=name, state=state) for name, state in zip(sides, states, strict=True))
    aws.reply("DescribeInstanceHealth", HEALTH.format(members=members))
    assert seen_by("elb", aws, install)[0].clusters == expected


def test_what_aws_does_not_show(shop, install):
    """Without the permission, and where AWS does not say how its machines are, no machine of any side is taken.

    The empty answer is canned.
    """
    aws, blue, green = shop
    balancer(aws, "web-classic", blue.instance_ids)
    for operation in ("DescribeLoadBalancers", "DescribeInstanceHealth"):
        assert_denied_without(f"elasticloadbalancing:{operation}", "elb", aws, install, green)
    aws.reply("DescribeInstanceHealth", HEALTH.format(members=""))
    seen, report = seen_by("elb", aws, install)
    assert not seen.known
    assert report.blind
