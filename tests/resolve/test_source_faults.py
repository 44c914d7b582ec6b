"""Each source of liveness alone, with faults in its look-ups: what makes a cluster live is not lost with an answer."""

from __future__ import annotations

import pytest

from tests.faults.decisions import FAULTS, Case, World, open_shop
from tests.faults.shop import BLUE, GREEN

# What each source needs to find blue in the shop.
CONFIG = {"target-group": {}, "elb": {}, "asg": {}, "ecs": {}, "dns": {"records": ["blue.example.com"]}}


def terminate(side):
    return Case("ec2", "TerminateInstances", "", {"InstanceIds": [side.id("instance")]})


@pytest.mark.parametrize(("source", "config"), CONFIG.items(), ids=CONFIG)
def test_a_fault_in_a_look_up(source, config):
    """The live side stays with every look-up missing, empty, of another account or old; the other side may go."""
    shop, world = open_shop(sources=[source], **config), World()
    denied = shop.decide(terminate(BLUE), world)
    assert not denied.allowed
    assert denied.facts.live.clusters == ("blue",)
    assert shop.decide(terminate(GREEN), World()).allowed
    for lookup in world.asked:
        for fault in FAULTS:
            assert not shop.decide(terminate(BLUE), World({lookup: fault})).allowed, (lookup, fault)
