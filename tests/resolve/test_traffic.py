"""The source `traffic`: what got requests lately is live, too. It only adds clusters."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

import guardrails
from guardrails.config.load import load
from guardrails.testing import SimulatedAWS
from tests.support.balancers import BehindBalancer
from tests.support.sources import assert_denied_without, assert_protects, seen_by


def requests(aws: SimulatedAWS, balancer: BehindBalancer, group: str, *, minutes_ago: float = 1, count: int = 7):
    """Put what AWS would report of requests to a group; for a network balancer, of connections."""
    network = balancer.kind == "network"
    dimensions = {"LoadBalancer": balancer.arn.partition(":loadbalancer/")[2]}
    if not network:
        dimensions["TargetGroup"] = balancer.groups[group].rpartition(":")[2]
    aws.client("cloudwatch").put_metric_data(
        Namespace="AWS/NetworkELB" if network else "AWS/ApplicationELB",
        MetricData=[
            {
                "MetricName": "NewFlowCount" if network else "RequestCount",
                "Dimensions": [{"Name": name, "Value": value} for name, value in dimensions.items()],
                "Timestamp": datetime.now(UTC) - timedelta(minutes=minutes_ago),
                "Value": count,
            }
        ],
    )


@pytest.fixture
def shop(site, aws):
    """Blue has Elastic IPs; a third cluster and green are behind a balancer."""
    grey = aws.start_cluster("grey", 1)
    balancer = BehindBalancer(aws)
    balancer.group("green", site.green.instance_ids)
    balancer.group("grey", grey.instance_ids)
    balancer.listener(443, green=1, grey=0)
    return aws, balancer, site.green, grey


def test_what_got_requests(shop, install):
    """A cluster whose group got requests is live beside the one of the addresses, without a dispute."""
    aws, balancer, green, grey = shop
    requests(aws, balancer, "green")
    requests(aws, balancer, "grey", minutes_ago=30)
    live, report = seen_by("traffic", aws, install)
    assert (live.clusters, live.known, live.disputed) == (("blue", "green"), True, False)
    assert report.evidence == "green got 7 requests through web-prod in the last 5 min"
    assert_protects("traffic", aws, install, green, grey)


def test_its_own_age(shop, install):
    """`traffic_max_age_s` says how long requests count."""
    aws, balancer, *_ = shop
    requests(aws, balancer, "grey", minutes_ago=30)
    assert seen_by("traffic", aws, install)[1].silent
    live, report = seen_by("traffic", aws, install, traffic_max_age_s=3600)
    assert live.clusters == ("blue", "grey")
    assert "in the last 60 min" in report.evidence


def test_it_only_adds(aws, install):
    """Where no other source finds anything it does not make known what is live; alone it is refused."""
    green, balancer = aws.start_cluster("green", 1), BehindBalancer(aws)
    balancer.group("green", green.instance_ids)
    balancer.listener(443, green=1)
    requests(aws, balancer, "green")
    live, _ = seen_by("traffic", aws, install)
    assert (live.clusters, live.known) == (("green",), False)
    with pytest.raises(guardrails.ConfigError, match="only adds clusters"):
        load({"live": {"sources": ["traffic"]}})


def test_a_network_balancer(site, aws, install):
    """Of a network balancer with connections, the group behind its listener counts."""
    balancer = BehindBalancer(aws, kind="network", name="net")
    balancer.group("green", site.green.instance_ids)
    balancer.listener(443, green=1)
    assert seen_by("traffic", aws, install)[1].silent
    requests(aws, balancer, "green")
    assert "green got 7 connections through net" in seen_by("traffic", aws, install)[1].evidence


def test_without_balancers_and_without_permission(shop, install):
    """Without the permission calls that could harm are blocked, and one request asks for all groups."""
    aws, *_, grey = shop
    aws.clear()
    seen_by("traffic", aws, install)
    assert aws.count("GetMetricData") == 1
    assert_denied_without("cloudwatch:GetMetricData", "traffic", aws, install, grey)
