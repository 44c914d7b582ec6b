"""Many load balancers: fewer look-ups that show the same, within AWS's limits; else a way forward that works."""

from __future__ import annotations

import random
from collections import Counter
from types import SimpleNamespace

import pytest

import guardrails
from guardrails.config.settings import LiveSettings
from guardrails.resolve.balancers import BALANCERS, GROUPS, listeners_of, registered_with, rules_of
from guardrails.resolve.inventory import INSTANCES
from guardrails.resolve.live import ways, which_listeners
from guardrails.values import Answer
from tests.support.balancers import BehindBalancer

ELB = ("DescribeTargetGroups", "DescribeLoadBalancers", "DescribeListeners", "DescribeRules", "DescribeTargetHealth")
# A share of AWS's limits with which seven balancers are as many as sixty with all of it.
SHARE = 0.1
REGIONS = 40


class World:
    """A region with 6 to 20 balancers that nobody planned, and what AWS answers about it."""

    def __init__(self, seed: int) -> None:
        chance = random.Random(seed)
        machines = [f"i-{number}" for number in range(chance.randint(2, 14))]
        self.answers, self.listeners = {}, list[str]()
        balancers, groups = [], []
        schemes = chance.choice([["internal"], ["internet-facing"], ["internet-facing", "internal"]])
        for number in range(chance.randint(6, 20)):
            arn = f"arn:aws:elasticloadbalancing:eu-west-1:1:loadbalancer/app/lb{number}/0"
            balancers.append({"LoadBalancerArn": arn, "LoadBalancerName": f"lb{number}",
                              "Scheme": chance.choice(schemes)})  # fmt: skip
            own = [self._group(chance, arn, name, machines) for name in range(chance.randint(1, 3))]
            groups += own
            self._listeners(chance, arn, [group["TargetGroupArn"] for group in own])
        self._say(BALANCERS, balancers)
        self._say(GROUPS, groups)
        running = {"InstanceId": "i-0", "VpcId": "vpc-1", "State": {"Name": "running"}}
        self._say(INSTANCES, [{"OwnerId": "1", "Instances": [running]}])
        # AWS does not confirm of some regions' groups that they are empty.
        outside = {"Target": {"Id": "i-0"}, "TargetHealth": {"State": "unused", "Reason": "Target.NotRegistered"}}
        for lookup in ways.controls(groups, self.answers):
            self._say(lookup, [outside] * (seed % 2))

    def _say(self, lookup, items) -> None:
        self.answers[lookup.key()] = Answer(tuple(items), 0.0)

    def _group(self, chance, balancer, name, machines):
        arn = f"{balancer}/group{name}"
        members = chance.sample(machines, chance.choice([0, 1, 1, 2, 2]))
        states = ("healthy", "healthy", "unhealthy", "draining", "initial", "unused")
        self._say(registered_with(arn), [
            {"Target": {"Id": each}, "TargetHealth": {"State": chance.choice(states)}} for each in members
        ])  # fmt: skip
        return {"TargetGroupArn": arn, "LoadBalancerArns": [balancer], "TargetType": "instance", "VpcId": "vpc-1"}

    def _listeners(self, chance, balancer, groups) -> None:
        found = []
        for port in chance.sample([80, 443, 8080, 9000], chance.randint(1, 3)):
            arn = f"{balancer.replace('loadbalancer', 'listener')}/{port}"
            self.listeners.append(arn)
            found.append({"ListenerArn": arn, "LoadBalancerArn": balancer, "Port": port,
                          "DefaultActions": self._actions(chance, groups)})  # fmt: skip
            rules = [{"Priority": str(number), "Actions": self._actions(chance, groups)}
                     for number in range(chance.choice([0, 0, 1, 2]))]  # fmt: skip
            self._say(rules_of(arn), [*rules, {"Priority": "default", "Actions": found[-1]["DefaultActions"]}])
        self._say(listeners_of(balancer), found)

    def _actions(self, chance, groups):
        weighted = [{"TargetGroupArn": each, "Weight": chance.choice([0, 1, 1])} for each in groups]
        part = chance.sample(weighted, chance.randint(0, len(weighted)))
        return [{"Type": "forward", "ForwardConfig": {"TargetGroups": part}}] if part else [{"Type": "redirect"}]

    def asked(self, ask):
        """What is asked one round after the other, until nothing more is."""
        known, rounds = {INSTANCES.key(): self.answers[INSTANCES.key()]}, 0
        while missing := {lookup.key() for lookup in ask(known)} - known.keys():
            known |= {key: self.answers[key] for key in missing}
            rounds += 1
        assert rounds <= 7
        return known


class Machines:
    """Each machine in a cluster of its own, so that none hides behind another; one is in none."""

    cluster_tag = "Cluster"

    def on(self, kind, name):
        alone = name == "i-0"
        return [SimpleNamespace(id=name, cluster=None if alone else name)] if kind == "instance" else []


def shown(settings, answers):
    """The clusters that are live by these answers, by the first tier that leads to any; None where there is doubt."""
    inventory = Machines()
    if ways.unproved([way for tier in ways.tiers(settings, answers) for way in tier], answers):
        return None
    reached = (ways.served(tier, answers, inventory).clusters for tier in ways.tiers(settings, answers))
    return next((clusters for clusters in reached if clusters), ())


@pytest.mark.parametrize("named", [False, True], ids=["all listeners", "named ones"])
def test_fewer_look_ups_show_the_same(named):
    """In regions of all shapes the same clusters are live as by all look-ups, or the same is in doubt."""
    saved, seen = 0, Counter()
    for seed in range(REGIONS):
        world = World(seed)
        settings = LiveSettings(listeners=tuple(world.listeners[::4]) if named else ())
        every = world.asked(ways.lookups)
        few = world.asked(lambda known, by=settings: which_listeners.lookups(by, known))
        assert few.keys() <= every.keys()
        clusters = shown(settings, every)
        assert shown(settings, few) == clusters, seed
        assert ways.missing_listeners(settings, few) == ways.missing_listeners(settings, every), seed
        saved += len(every) - len(few)
        seen[clusters and True] += 1
    assert min(seen[True], seen[None]) > REGIONS // 5
    assert saved > 5 * REGIONS


class Region:
    """Seven balancers that all lead to the machine of blue, or each to a cluster of its own. Green is behind none."""

    def __init__(self, aws, *, alike: bool) -> None:
        self.aws, self.ec2 = aws, aws.client("ec2")
        self.blue = aws.start_cluster("blue", 1, addresses=1).instance_ids[0]
        self.green = aws.start_cluster("green", 4).instance_ids
        self.behind = [self.blue if alike else aws.start_cluster(f"own{each}", 1).instance_ids[0] for each in range(7)]
        self.listeners = []
        for number, machine in enumerate(self.behind):
            balancer = BehindBalancer(aws, name=f"lb{number}")
            balancer.group(f"group{number}", [machine])
            self.listeners.append(balancer.listener(80, **{f"group{number}": 1}))
        aws.clear()

    def terminate(self, machine):
        """Why it was denied, None where it arrived; and the requests about load balancers, those of ELB in turn."""
        self.aws.clear()
        why = None
        try:
            self.ec2.terminate_instances(InstanceIds=[machine])
        except guardrails.CallDenied as error:
            why = str(error)
        assert self.aws.count("TerminateInstances") == (why is None)
        return why, [self.aws.count(operation) for operation in ELB]


def test_balancers_that_lead_to_the_same_machines(aws, install):
    """One of seven shows that a machine is live: the others are not asked for listeners, and none for rules."""
    region = Region(aws, alike=True)
    install()
    assert region.terminate(region.green[0]) == (None, [1, 1, 1, 0, 7])
    assert region.terminate(region.green[1]) == (None, [1, 1, 1, 0, 7])
    why, asked = region.terminate(region.blue)
    assert "live-cluster/terminate" in why
    assert asked == [1, 1, 1, 0, 7]


def test_a_named_listener_is_all_that_is_asked(aws, install):
    """Of seven balancers with a cluster each, one has a named listener: only what is behind that is asked, and live."""
    region = Region(aws, alike=False)
    install(live={"listeners": [region.listeners[3]]})
    assert region.terminate(region.green[0]) == (None, [1, 1, 1, 0, 1])
    why, asked = region.terminate(region.behind[3])
    assert "live-cluster/terminate" in why
    assert asked == [1, 1, 1, 0, 1]


def test_too_many_are_not_asked_and_the_sentence_names_what_works(aws, install):
    """AWS would not answer all in time: they are not asked, and the named listener lets the same call pass."""
    region = Region(aws, alike=True)
    install(pacing={"share": SHARE}, max_fact_age_s=5)
    for machine in (region.green[0], region.blue):
        why, asked = region.terminate(machine)
        assert "AWS allows 40 at once, then 10 a second, and the guard uses 10% of that (pacing.share)" in why
        assert "name the listeners that users come in by in live.listeners, or set max_fact_age_s = 7" in why
        assert "make the call again" not in why
        assert sum(asked) <= 1
    for machine, rule in ((region.green[0], None), (region.blue, "live-cluster/terminate")):
        guardrails.uninstall()
        install(pacing={"share": SHARE}, max_fact_age_s=5, live={"listeners": region.listeners[:1]})
        why, asked = region.terminate(machine)
        assert rule is why is None or rule in why
        assert asked == [1, 1, 1, 0, 1]


def test_answers_from_before_a_call_of_ec2(aws, install):
    """While AWS's limit is used up, machines are terminated in a loop after one look, and the live one is not."""
    region = Region(aws, alike=True)
    install(pacing={"share": 12 / 40})
    assert region.terminate(region.green[0]) == (None, [1, 1, 1, 0, 7])
    assert region.terminate(region.green[1]) == (None, [0, 0, 0, 0, 0])
    assert "live-cluster/terminate" in region.terminate(region.blue)[0]
