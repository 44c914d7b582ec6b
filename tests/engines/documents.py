"""Inputs made up for a seed: like those of real calls, some odd, some broken."""

from __future__ import annotations

import random

EFFECTS = ["terminate", "stop", "storage", "traffic", "network", "ip", "scale-in", "replace", "protection", "indirect",
           "capacity", "opaque", "unreviewed", "admit"]  # fmt: skip
# Operations that rules test by name, with their effects and target types; most documents follow these.
OPERATIONS = [
    ("ec2", "TerminateInstances", ["terminate", "ip"], ["instance"]),
    ("ec2", "AssociateAddress", ["ip", "traffic"], ["address"]),
    ("ec2", "DisassociateAddress", ["ip"], ["address"]),
    ("ec2", "AssignPrivateIpAddresses", ["ip"], ["private-ip"]),
    ("ec2", "DetachNetworkInterface", ["network"], ["eni", "subnet", "route-table", "nacl"]),
    ("autoscaling", "SetDesiredCapacity", ["scale-in"], ["asg"]),
    ("autoscaling", "UpdateAutoScalingGroup", ["scale-in"], ["asg"]),
    ("ec2", "CreateTags", ["protection"], ["instance", "address"]),
    ("ssm", "PutParameter", ["protection", "traffic"], ["ssm-parameter"]),
    ("ssm", "SendCommand", ["opaque"], ["instance", "tag-selector"]),
    ("cloudformation", "UpdateStack", ["replace"], ["cfn-stack"]),
    ("ec2", "RunInstances", ["capacity"], []),
    ("ec2", "DeleteLaunchTemplate", ["indirect"], ["other"]),
    ("ec2", "ModifySubnetAttribute", ["network"], ["subnet", "instance"]),
    ("ec2", "ObliterateEverything", ["unreviewed"], []),
]
TYPES = ["instance", "subnet", "eni", "private-ip", "address", "volume", "route-table", "nacl", "nat-gateway", "asg",
         "cidr", "ssm-parameter", "other"]  # fmt: skip
CLUSTERS = ["blue", "green", "red"]
IPS = ["203.0.113.7", "203.0.113.8"]


def _some(dice, items, most=2):
    return dice.sample(items, dice.randint(0, most))


def _target(dice, clusters, usual):
    destination = dice.random() < 0.3
    kinds = ["instance", "eni"] if destination or not usual else usual
    return {
        "type": dice.choice(kinds if dice.random() < 0.8 else TYPES),
        "role": "destination" if destination else "target",
        "resolved": dice.random() > 0.1,
        "clusters": dice.choice([[], clusters[:1], clusters[:1], clusters[:2]]),
        "tags": {key: dice.choice(["true", "blue"]) for key in _some(dice, ["Cluster", "Live", "Front", "Name"])},
        "state": None, "vpc": "vpc-1", "subnet": None, "private_ips": [], "public_ips": _some(dice, IPS),
        "protections": dice.choice([{}, {"termination": True}]),
        "facts": {
            key: value
            for key, value in {
                "untagged": dice.choice([[], [], ["i-8"]]), "desired": dice.choice([0, 3, None]),
                "instance": dice.choice(["i-1", "i-2", None]), "eni": dice.choice(["eni-1", None]),
                "elastic_ips": _some(dice, IPS), "traced": dice.choice([True, True, False]),
                "mismatch": dice.choice([None, None, None, "it is a volume, but this call expects a machine"]),
                "zone": dice.choice(["a", "b", None]), "serves": dice.choice([True, True, False]),
                "unread": dice.choice([[], [], ["part-1"]]), "look_at": dice.choice([[], ["vpc-1"]]),
                "starts": dice.choice([[], clusters[:1]]), "harm": dice.choice(["it takes users", None]),
            }.items() if dice.random() > 0.2
        },
    }  # fmt: skip


def _capacity(dice):
    if dice.random() < 0.6:
        return None
    place = {
        "subnets": dice.choice([["subnet-1"], ["subnet-1", "subnet-2"]]), "zones": ["a"], "needed": dice.choice([1, 8]),
        "free": dice.choice([3, 8, 10]), "fits": 3, "reserved": dice.choice([0, 0, 5]),
        "alternatives": [{"id": "subnet-3", "free": 99, "zone": zone} for zone in _some(dice, ["a", "b"])],
    }  # fmt: skip
    quota = {"code": "L-1", "name": "vCPUs", "limit": 32.0, "used": dice.choice([0, 30]), "needed": 4}
    return {
        "machines": 8, "least": 1, "grows": dice.choice([None, *CLUSTERS]), "places": [place] * dice.randint(0, 1),
        "quotas": [quota] * dice.randint(0, 1),
        "unknown": [{"what": what, "why": "not known"} for what in _some(dice, ["addresses", "quota"])],
    }  # fmt: skip


def _freezes(dice):
    times = {"since": "2023-10-09T15:00:00.000Z", "until": "2023-10-09T16:00:00.000Z", "until_s": 1696867200}
    freeze = {"id": "f1", "reason": "INC-42", "by": "ann", "host": "h", **times, "effects": _some(dice, EFFECTS, 3)}
    return [freeze] * (dice.random() < 0.1)


def _waves(dice, clusters):
    if dice.random() < 0.7:
        return None
    wave = lambda: {"mode": "refuse", "taken": dice.choice([None, 1, 5, 40]), "gone": dice.choice([0, 1, 6, 31]),
                    "in_wave": dice.choice([0, 0, 1]), "wait_s": dice.choice([0, 4.5])}  # fmt: skip
    return {
        "clusters": {name: wave() for name in _some(dice, clusters)},
        "live": {name: {"healthy": dice.choice([None, 0, 2, 3]), "best": 3} for name in _some(dice, clusters)},
        "loop": dice.choice(["", "ec2.stop_instances(InstanceIds=batch)"]), "sized": dice.random() < 0.3,
    }  # fmt: skip


def _shift(dice, clusters):
    if dice.random() < 0.6:
        return None
    return {
        "way": dice.choice(["listener", "record", "targets", "pointer"]), "known": dice.random() > 0.2,
        "before": {clusters[0]: 1}, "after": dict.fromkeys(_some(dice, clusters), 0.5),
        "healthy": {name: dice.random() > 0.3 for name in clusters}, "why": dice.choice(["", "not known"]),
        "machines_before": {clusters[0]: 2}, "machines_after": {name: dice.choice([1, 2, 2]) for name in clusters},
    }  # fmt: skip


def generated(seed):
    """An input like those of real calls; some are odd, some broken."""
    dice = random.Random(seed)
    service, operation, effects, kinds = dice.choice(OPERATIONS)
    if dice.random() < 0.3:
        effects = _some(dice, EFFECTS, 3)
    tags = {
        "set": {key: dice.choice(["true", "blue", ""]) for key in _some(dice, ["Cluster", "Live", "Front", "Name"])},
        "removed": _some(dice, ["Cluster", "Live", "Name"]), "removes_all": dice.random() < 0.2,
    }  # fmt: skip
    clusters = dice.sample(CLUSTERS, 3)
    sources = [
        {"name": name, "clusters": _some(dice, CLUSTERS), "observed_at": "2023-10-09T15:22:00.000Z",
         "age_s": dice.choice([0.1, 4.9, 5, 5, 5, 60]), "evidence": "seen"}
        for name in _some(dice, ["eip", "tag", "ssm"], 3)
    ]  # fmt: skip
    named = sorted({cluster for source in sources for cluster in source["clusters"]})
    document = {
        "schema": 1,
        "call": {
            "service": service, "operation": operation, "effects": effects, "severity": "high",
            "forms": _some(dice, ["one form", "another form"]),
            "params": dice.choice([{}, {"DesiredCapacity": dice.randint(0, 5)}, {"MaxSize": dice.randint(0, 5)}]),
            "tags": tags if operation == "CreateTags" else None, "dry_run": False,
            "presigned": False, "region": "eu-west-1", "account": None, "endpoint": "",
            "real": dice.random() < 0.3,
        },
        "targets": {f"i-{number}": _target(dice, clusters, kinds) for number in range(dice.randint(0, 3))},
        "clusters": {
            name: {
                "live": name in named, "running": dice.choice([0, 2, 3]), "total": dice.choice([2, 3]),
                "remaining": 2,
                "targeted": dice.choice([0, 1, 3]), "in_flight": dice.choice([0, 0, 1]),
                "public_ips": _some(dice, IPS), "subnets": [],
                "live_since": None, "healthy": dice.choice([True, True, True, False, None]),
                "retired_at": dice.choice([None, None, 1696864920 - 60, 1696864920 - 7200]),
            }
            for name in clusters[: dice.randint(1, 3)]
        },
        "live": {
            "known": bool(named), "disputed": len({tuple(sorted(source["clusters"])) for source in sources}) > 1,
            "clusters": named, "sources": sources,
        },
        "caller": {"test_run": dice.random() < 0.1, "program": "p"}, "capacity": _capacity(dice),
        "history": {
            "destroyed": {name: dice.randint(0, 2) for name in _some(dice, CLUSTERS)},
            "stopped": dict.fromkeys(_some(dice, CLUSTERS, 1), 1), "launched": {}, "call_rate": 0,
            "launch_tokens": dice.choice([None, 1000, -9000]), "hosts": dice.choice([0, 1, 1, 3]), "unshared": "away",
            "out": dict.fromkeys(_some(dice, CLUSTERS, 1), 1),
        },
        "approvals": [], "freezes": _freezes(dice),
        "freezes_unknown": dice.choice(["", "", "", "away"]), "break_glass": None,
        "time": "2023-10-09T15:22:00.000Z", "now_s": 1696864920,
    }  # fmt: skip
    document["live"]["nothing"] = not named and dice.random() < 0.5
    document["live"] |= _gaps(dice)
    for target in document["targets"].values():
        if dice.random() < 0.05:
            target["facts"]["unseats"] = ["blue"]
    document["shift"] = _shift(dice, clusters)
    document["waves"] = _waves(dice, clusters)
    if dice.random() < 0.05:
        del document[dice.choice(["call", "targets", "clusters", "live"])]
    kinds = ["person", "script", "ci", "notebook", "agent"]
    document["caller"] |= {"kind": dice.choice(kinds), "denials": dice.choice([0, 0, 2, 3, None])}
    if dice.random() < 0.2:
        rules = dice.sample(["opaque/command", "live-cluster/untagged", "live-cluster/terminate", "caller/denials"], 2)
        document["approvals"] = [{"id": "a", "rules": rules, "until_s": dice.choice([1696864919, 1696864921, None])}]
    return document


def _gaps(dice):
    """What sources name that is not here, and what was not asked."""
    return {"absent": dice.choice(([], [], ["red"])), "unasked": dice.choice(([], ["eip", "target-group"]))}
