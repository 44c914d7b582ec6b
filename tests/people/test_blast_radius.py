"""The blast radius: what a call would do to which cluster, as far as it is known and no further."""

from __future__ import annotations

import pytest

from guardrails.show import blast_radius

SUBNETS, IPS = ["subnet-1"], ["192.0.2.1", "192.0.2.2"]


def target(kind="instance", clusters=("blue",), **more):
    return {"type": kind, "role": "target", "resolved": True, "clusters": list(clusters), **more}


def of(effects, targets, *, running=5, total=5, remaining=None):
    document = {
        "call": {"effects": effects},
        "clusters": {
            "blue": {
                "live": True, "running": running, "total": total, "public_ips": IPS, "subnets": SUBNETS,
                "remaining": running if remaining is None else remaining,
            },
            "green": {"live": False, "running": 2, "total": 2, "remaining": 2},
        },
        "targets": targets,
    }  # fmt: skip
    blue, green = blast_radius.of(document)
    assert green.sentence == "untouched"
    return blue


@pytest.mark.parametrize(
    ("effects", "targets", "remaining", "sentence"),
    [
        (["terminate", "ip"], {"i-1": target(public_ips=IPS[:1]), "i-2": target()}, 3,
         "2 of 5 running would go down, 3 would remain; 1 of 2 addresses would stop answering"),
        (["terminate"], {"asg": target("asg", facts={"instances": ["i-1", "i-2"], "untagged": []})}, None,
         "up to 2 of 5 running would go down; through asg (asg)"),
        (["scale-in"], {"asg": target("asg", facts={"instances": ["i-1", "i-2", "i-3"]})}, None,
         "up to 3 of 5 running would go down; through asg (asg)"),
        (["terminate"], {"g": target("asg", ("blue", "azure"), facts={"instances": ["i-1"]})}, None,
         "up to 5 of 5 running would go down; through g (asg)"),
        (["network"], {"subnet-1": target("subnet")}, None,
         "its machines might be cut off; through subnet-1 (subnet)"),
        (["network"], {"i-1": target(public_ips=IPS[:1])}, 4,
         "1 of 5 machines might be cut off, 4 would be left alone"),
        (["ip", "traffic"], {"eipalloc-1": target("address", public_ips=IPS[:1])}, None,
         "1 of 2 addresses would stop answering"),
        (["ip"], {"eipalloc-1": target("address", public_ips=IPS[:1]), "i-9": target(clusters=["green"], role="x"),
                  "i-8": {**target(clusters=["green"]), "role": "destination"}}, None,
         "1 of 2 addresses would move away"),
        (["storage"], {"vol-1": target("volume", facts={"instances": ["i-1"]})}, None,
         "disks of 1 of 5 machines would change or be lost, 4 would be left alone; through vol-1 (volume)"),
        (["storage"], {"db": target("db-instance", facts={"marked": True})}, None,
         "db (db-instance) would change or be lost"),
        (["opaque"], {"i-1": target()}, 4, "anything might happen to 1 of 5 machines, 4 would be left alone"),
        (["opaque"], {"tag:Cluster=blue": target("tag-selector", facts={"instances": ["i-1", "i-2"]})}, None,
         "anything might happen to 2 of 5 machines, 3 would be left alone; through tag:Cluster=blue (tag-selector)"),
        (["opaque"], {"role": target("iam-role", facts={"traced": False})}, None,
         "anything might happen to its machines; through role (iam-role)"),
        (["protection"], {"i-1": target()}, 4, "1 of 5 machines would change, 4 would be left alone"),
        (["capacity"], {}, None, "untouched"),
    ],
)  # fmt: skip
def test_sentences(effects, targets, remaining, sentence):
    """Machines go down only by calls that take machines down; what is not known is called possible."""
    assert of(effects, targets, remaining=remaining).sentence == sentence


def test_an_address_that_is_pushed_off():
    """An address that moves onto a machine displaces the one it had."""
    hit = of(["ip", "traffic"], {
        "eipalloc-9": {**target("address", ()), "public_ips": ["192.0.2.9"]},
        "i-1": {**target(), "role": "destination", "facts": {"elastic_ips": IPS[:1]}},
    })  # fmt: skip
    assert hit.sentence == "1 of 2 addresses would move away"
    assert hit.touched


@pytest.mark.parametrize(("params", "sentence"), [
    ({"DesiredCapacity": 5}, "3 of 5 machines would change, 2 would be left alone; through asg (asg)"),
    ({"MaxSize": 9}, "3 of 5 machines would change, 2 would be left alone; through asg (asg)"),
    ({"DesiredCapacity": 5, "MaxSize": 2}, "up to 3 of 5 running would go down; through asg (asg)"),
    ({"DesiredCapacity": 2}, "up to 3 of 5 running would go down; through asg (asg)"),
    ({}, "up to 3 of 5 running would go down; through asg (asg)"),
])  # fmt: skip
def test_a_group_that_grows(params, sentence):
    """A group that is made larger, or whose limits are, takes no machine down."""
    group = target("asg", facts={"instances": ["i-1", "i-2", "i-3"], "desired": 3})
    document = {
        "call": {"effects": ["scale-in"], "params": params},
        "clusters": {"blue": {"live": True, "running": 5, "total": 5, "remaining": 5}},
        "targets": {"asg": group},
    }
    (hit,) = blast_radius.of(document)
    assert hit.sentence == sentence


def test_addresses_behind_a_group():
    """It is not known which machine of a group holds an address, so the address might stop answering."""
    hit = of(["terminate"], {"asg": target("asg", facts={"instances": ["i-1", "i-2"]})})
    assert set(hit.addresses.values()) == {"might"}


def test_machines_that_are_gone():
    """A machine that is already terminated does not count as one that would change."""
    hit = of(["protection"], {"i-1": target(state="terminated"), "i-2": target(state="stopped")}, total=5)
    assert hit.sentence == "1 of 5 machines would change, 4 would be left alone"


def test_numbers_that_are_none():
    """Negative numbers in a log count as zero."""
    hit = of(["terminate"], {"i-1": target()}, running=-3, total=-3, remaining=-9)
    assert (hit.running, hit.stopped, hit.down) == (0, 0, 0)


def test_machines_that_do_not_run_cannot_go_down():
    """A stopped machine that is terminated does not count as one that goes down."""
    hit = of(["terminate"], {"i-1": target(state="stopped"), "i-2": target()}, running=2, total=5, remaining=1)
    assert (hit.down, hit.stopped) == (1, 3)
    assert hit.sentence == "1 of 2 running would go down, 1 would remain"


def test_the_worst_is_what_takes_most_down():
    """A termination of most is worse than one of few, that worse than a cut network, and that worse than a disk."""
    ids = {f"i-{n}": target() for n in range(4)}
    harms = [
        of(["storage"], {"vol-1": target("volume", facts={"instances": ["i-1"]})}).harm,
        of(["network"], {"i-1": target()}).harm,
        of(["network"], {"subnet-1": target("subnet")}).harm,
        of(["terminate"], {"i-1": target()}, remaining=4).harm,
        of(["terminate"], ids, remaining=1).harm,
    ]
    assert harms == sorted(harms)
    assert len(set(harms)) == 5


def test_what_no_cluster_shows():
    """Ids that AWS does not know or that have no cluster, and destinations, are named separately."""
    document = {
        "targets": {
            "i-dead": {"role": "target", "resolved": False},
            "i-lone": {"role": "target", "resolved": True, "clusters": []},
            "i-new": {"role": "destination", "resolved": True, "clusters": ["green"]},
            "i-live": {"role": "target", "resolved": True, "clusters": ["blue"]},
        }
    }
    assert blast_radius.elsewhere(document) == (
        "i-dead (AWS does not know it)", "i-lone (no cluster)", "onto i-new (green)",
    )  # fmt: skip
