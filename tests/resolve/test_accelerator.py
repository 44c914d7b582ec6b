"""The source `accelerator`: live is where accelerators send users. They are canned: the simulated AWS has none."""

from __future__ import annotations

import json

import pytest

from tests.support.balancers import BehindBalancer
from tests.support.sources import assert_denied_without, assert_protects, seen_by

ARN = "arn:aws:globalaccelerator::123456789012:accelerator/1"


@pytest.fixture
def shop(aws):
    """Two sides, and groups(region, dial, {endpoint: weight}) that cans one accelerator with an endpoint group."""
    sides = [aws.start_cluster(name, 1) for name in ("blue", "green")]
    listener = f"{ARN}/listener/1"

    def groups(region, dial, weights, *, enabled=True):
        described = [{"EndpointId": name, "Weight": weight} for name, weight in weights.items()]
        group = {"EndpointGroupArn": f"{listener}/endpoint-group/1", "EndpointGroupRegion": region,
                 "TrafficDialPercentage": dial, "EndpointDescriptions": described}  # fmt: skip
        accelerator = {"AcceleratorArn": ARN, "Name": "edge", "Enabled": enabled}
        aws.reply("ListAccelerators", json.dumps({"Accelerators": [accelerator]}))
        aws.reply("ListListeners", json.dumps({"Listeners": [{"ListenerArn": listener}]}))
        aws.reply("ListEndpointGroups", json.dumps({"EndpointGroups": [group]}))

    return aws, *sides, groups


def test_weights_and_dials(shop, install):
    """An endpoint with a weight in a group with a dial above 0 is live; weight 0, dial 0 and other regions are not."""
    aws, blue, green, groups = shop
    ids = {side.name: side.instance_ids[0] for side in (blue, green)}
    groups("eu-west-1", 50.0, {ids["blue"]: 128, ids["green"]: 0})
    live, report = seen_by("accelerator", aws, install)
    assert (live.clusters, live.known, live.disputed) == (("blue",), True, False)
    assert report.evidence == "blue is behind accelerator edge, eu-west-1 at 50 %, weight 128"
    for region, dial, enabled in (("eu-west-1", 0.0, True), ("us-east-1", 100.0, True), ("eu-west-1", 100.0, False)):
        groups(region, dial, {ids["blue"]: 128}, enabled=enabled)
        assert seen_by("accelerator", aws, install)[1].silent
    groups("eu-west-1", 50.0, {ids["green"]: 0, ids["blue"]: 128})


def test_the_live_side_stays(shop, install):
    """At the server: the machine behind the endpoint is not terminated, and the other one is."""
    aws, blue, green, groups = shop
    groups("eu-west-1", 100.0, {blue.instance_ids[0]: 10})
    assert_protects("accelerator", aws, install, blue, green)


def test_balancers_and_addresses(shop, install):
    """Behind a load balancer its weights decide, and an Elastic IP is followed to its machine."""
    aws, blue, green, groups = shop
    balancer = BehindBalancer(aws, scheme="internal")
    balancer.group("blue", blue.instance_ids)
    balancer.group("green", green.instance_ids)
    balancer.listener(443, blue=0, green=1)
    groups("eu-west-1", 100.0, {balancer.arn: 128})
    live, report = seen_by("accelerator", aws, install)
    assert live.clusters == ("green",)
    assert "weight 128, web-prod:443, rule default, weight 1" in report.evidence
    grey = aws.start_cluster("grey", 1, addresses=1)
    groups("eu-west-1", 100.0, {grey.allocation_ids[0]: 128})
    assert seen_by("accelerator", aws, install)[0].clusters == ("grey",)


def test_what_is_not_there(shop, site, install):
    """An endpoint of this region that AWS does not show leaves unknown what is live, whatever other sources say."""
    aws, *_, groups = shop
    groups("eu-west-1", 100.0, {"i-00000000000000001": 128})
    live, report = seen_by("accelerator", aws, install)
    assert not live.known
    assert "i-00000000000000001, which no look-up follows" in report.evidence
    assert_denied_without("globalaccelerator:ListAccelerators", "accelerator", aws, install, site.green)
