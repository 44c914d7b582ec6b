"""Many load balancers: fewer look-ups that show the same, within AWS's limits; else a way forward that works."""

from __future__ import annotations

import random
from collections import Counter
from contextlib import nullcontext
from types import SimpleNamespace

import pytest

import guardrails
from guardrails.config.settings import LiveSettings
from guardrails.resolve import own_requests
from guardrails.resolve.balancers import BALANCERS, GROUPS, listeners_of, registered_with, rules_of
from guardrails.resolve.inventory import INSTANCES
from guardrails.resolve.kept_answers import KeptAnswers
from guardrails.resolve.live import ways, which_listeners
from guardrails.resolve.turns import at_hand
from guardrails.values import Answer
from guardrails.waiting import deadline
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
        for number in range(chance.randint(6, 20)):
            arn = f"arn:aws:elasticloadbalancing:eu-west-1:1:loadbalancer/app/lb{number}/0"
            balancers.append({"LoadBalancerArn": arn, "LoadBalancerName": f"lb{number}",
                              "Scheme": chance.choice(["internet-facing", "internet-facing", "internal"])})  # fmt: skip
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
            self._say(lookup, [outside] * (seed % 5 > 0))

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
    assert min(seen[True], 10 * seen[None]) > REGIONS // 2
    assert saved > 5 * REGIONS


class Region:
    """Seven balancers: all lead to the machines of blue, or each to a cluster of its own. Green is behind none."""

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
        assert "name the listeners that users come in by in live.listeners, or set max_fact_age_s = 8" in why
        assert "make the call again" not in why
        assert sum(asked) <= 1
    for machine, rule in ((region.green[0], None), (region.blue, "live-cluster/terminate")):
        guardrails.uninstall()
        install(pacing={"share": SHARE}, max_fact_age_s=5, live={"listeners": region.listeners[:1]})
        why, asked = region.terminate(machine)
        assert rule is why is None or rule in why
        assert asked == [1, 1, 1, 0, 1]


@pytest.fixture
def own(monkeypatch):
    """The guard's own requests on a clock that stands still."""
    monkeypatch.setattr(own_requests, "monotonic", lambda: 1000.0)
    return own_requests.OwnRequests(0.5)


def test_a_round_leaves_together(own):
    """From a full bucket 20 leave at once, then 5 a second; an empty one is waited for first, so none grows old."""
    assert own.together("here", "elbv2", 30) == pytest.approx([0] * 20 + [each / 5 for each in range(1, 11)])
    assert own.together("here", "elbv2", 25) == pytest.approx([6] * 20 + [6 + each / 5 for each in range(1, 6)])
    assert own.together("here", "elb", 20) == own.together("elsewhere", "elbv2", 20) == [0.0] * 20
    with deadline.within(deadline.Deadline(5)), pytest.raises(own_requests.TooManyLookups, match="lookup_timeout_s"):
        own.together("here", "elbv2", 1)
    assert own.wait("here", "elbv2", 1) == pytest.approx(7.2)


def test_nothing_waits_unless_it_is_about_load_balancers(own):
    """Without pacing, and for other services, there are no turns."""
    assert own.together("here", "autoscaling", 1000) == [0.0] * 1000
    assert own_requests.OwnRequests(None).together("here", "elbv2", 1000) == [0.0] * 1000


class Answering:
    """A connection that has an answer to everything."""

    def ask(self, _lookup):
        return Answer((), 0.0)


def test_what_is_at_hand_is_not_mixed_with_what_comes_much_later(own):
    """Answers that would be too old once the missing ones had their turn are asked again; a few more take no turn."""
    memory = KeptAnswers(Answering(), nullcontext)
    wanted = {lookup.key(): lookup for lookup in map(registered_with, map(str, range(30)))}
    for lookup in [*wanted.values()][:10]:
        memory.ask(lookup, 5.0)[0].result(5.0)
    few = dict([*wanted.items()][:25])
    assert len(at_hand(few, "here", memory, own, 4.0)) == 10
    own.together("here", "elbv2", 25)
    assert at_hand(wanted, "here", memory, own, 4.0) == {}
