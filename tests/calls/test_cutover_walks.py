"""No order of the steps of a cutover gets stuck, whatever shows which cluster is live.

For each subset of the sources, every order of its steps where it has up to three, else a sample that is the same at
every run: all orders of all subsets take a quarter of an hour (GUARDRAILS_ORDERS=720 tries them all). The two sides
take turns, so that each walk starts where the one before it ended, in one account and under one guard.
"""

from __future__ import annotations

import itertools
import os
import random

import pytest

import guardrails
from tests.support.balancers import BehindBalancer

POINTER, NAME = "/live", "www.example.com"
STEPS = {
    "eip": ("address",),
    "target-group": ("listener",),
    "dns": ("record",),
    "tag": ("mark", "unmark"),
    "ssm": ("pointer",),
}
SUBSETS = [subset for size in range(1, len(STEPS) + 1) for subset in itertools.combinations(STEPS, size)]
ALL_ORDERS_UP_TO, SAMPLE = 3, int(os.environ.get("GUARDRAILS_ORDERS", "2"))


def orders(subset):
    """The orders in which the steps of a subset are tried first."""
    steps = [step for source in subset for step in STEPS[source]]
    every = [*itertools.permutations(steps)]
    chance = random.Random("-".join(subset))
    return every if len(steps) <= ALL_ORDERS_UP_TO else chance.sample(every, min(SAMPLE, len(every)))


class Shop:
    """Blue is live by every source; green is complete beside it."""

    def __init__(self, aws) -> None:
        self.aws, self.ec2, self.ssm, self.route53 = aws, *map(aws.client, ("ec2", "ssm", "route53"))
        self.sides = {name: aws.start_cluster(name, 2, addresses=name == "blue") for name in ("blue", "green")}
        (self.address,) = self.sides["blue"].allocation_ids
        self.balancer = BehindBalancer(aws)
        for name, side in self.sides.items():
            self.balancer.group(name, side.instance_ids)
        self.web = self.balancer.listener(80, blue=1, green=0)
        self.zone = self.route53.create_hosted_zone(Name="example.com", CallerReference="1")["HostedZone"]["Id"]
        described = self.ec2.describe_instances()["Reservations"]
        machines = [machine for each in described for machine in each["Instances"]]
        self.private = {machine["InstanceId"]: machine["PrivateIpAddress"] for machine in machines}
        for step in ("mark", "record", "pointer"):
            self.step(step, "green", "blue")

    def step(self, step, old, new) -> None:
        """One step of the way from one side to the other."""
        machines = self.sides[new].instance_ids
        mark = {"Key": "Live", "Value": "true"}
        if step == "address":
            self.ec2.associate_address(AllocationId=self.address, InstanceId=machines[0], AllowReassociation=True)
        elif step == "listener":
            forward = self.balancer.forward(**{old: 0, new: 1})
            self.balancer.elbv2.modify_listener(ListenerArn=self.web, DefaultActions=forward)
        elif step == "record":
            values = [{"Value": self.private[each]} for each in machines]
            record = {"Name": NAME, "Type": "A", "TTL": 60, "ResourceRecords": values}
            batch = {"Changes": [{"Action": "UPSERT", "ResourceRecordSet": record}]}
            self.route53.change_resource_record_sets(HostedZoneId=self.zone, ChangeBatch=batch)
        elif step == "mark":
            self.ec2.create_tags(Resources=list(machines), Tags=[mark])
        elif step == "unmark":
            self.ec2.delete_tags(Resources=list(self.sides[old].instance_ids), Tags=[mark])
        else:
            self.ssm.put_parameter(Name=POINTER, Value=new, Type="String", Overwrite=True)

    def terminate(self, name) -> set[str]:
        """The rules that keep a side; empty where the request arrived."""
        before = self.aws.count("TerminateInstances")
        try:
            self.ec2.terminate_instances(InstanceIds=list(self.sides[name].instance_ids))
        except guardrails.CallDenied as error:
            rules = {each.rule for each in error.decision.violations}
        else:
            rules = set()
        assert self.aws.count("TerminateInstances") == before + (not rules)
        return rules

    def walk(self, order, old, new) -> None:
        """The steps in this order; what is denied is tried again after the others."""
        waiting = [*order]
        while waiting:
            left = []
            for step in waiting:
                try:
                    self.step(step, old, new)
                except guardrails.CallDenied as error:
                    left.append(step)
                    denied = error
            assert left != waiting, f"stuck at {left}: {denied}"
            waiting = left


@pytest.mark.cases(8)
@pytest.mark.parametrize("subset", SUBSETS, ids="-".join)
def test_every_walk_ends(subset, aws, install):
    """After each walk the new side is protected and the old one may go, with nobody editing anything."""
    shop = Shop(aws)
    live = {
        "sources": list(subset),
        "tag": {"key": "Live", "value": "true"},
        "ssm_parameter": POINTER,
        "records": [NAME],
    }
    guard = install(live=live, params={"rollback_window_s": 0})

    def judged(name):
        machines = list(shop.sides[name].instance_ids)
        return {each.rule for each in guard.check(shop.ec2, "TerminateInstances", InstanceIds=machines).violations}

    old, new = "blue", "green"
    for order in orders(subset):
        shop.walk(order, old, new)
        assert judged(new) == {"live-cluster/terminate"}, order
        assert judged(old) == set(), order
        old, new = new, old
    assert shop.terminate(old) == {"live-cluster/terminate"}
    assert shop.terminate(new) == set()
