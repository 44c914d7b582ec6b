"""What a cutover finds to move, for each way in which users come, and what it says where it cannot move them."""

from __future__ import annotations

import functools
import json

import pytest
from moto.elbv2.models import elbv2_backends

import guardrails
from guardrails.cutover.entrances import Entrances
from guardrails.cutover.found import Wanted
from guardrails.cutover.hold import Hold
from guardrails.cutover.kinds import KINDS
from guardrails.cutover.make import Terms, make
from guardrails.cutover.plan import RETURNED, SWITCHED, read
from guardrails.cutover.preflight import checks
from guardrails.cutover.runner import Runner
from guardrails.cutover.situation import look
from guardrails.cutover.times import Times
from guardrails.memory import StateUnavailable, configured
from guardrails.values import Freeze
from tests.support.balancers import BehindBalancer
from tests.support.cutover_shop import ACCOUNT, Clock
from tests.topologies.by_address import impaired

pytestmark = pytest.mark.every(3)

TERMS = Terms(Wanted((50, 100)), bake_s=0, patience_s=0)
NAME = "www.example.com"


class Healthy:
    def problem(self):
        return ""


@pytest.fixture
def guard_for(aws, tmp_path):
    """guard_for(**live): a guard, and clients that it judges."""

    def make_guard(state=None, params=None, **live):
        state = state or {"path": str(tmp_path / "state.db")}
        config = {"log": {"path": str(tmp_path / "log")}, "state": state, "live": live, "params": params or {}}
        guard = guardrails.Guard.from_config({**config, "max_fact_age_s": 60, "lookup_timeout_s": 60})

        @functools.cache
        def clients(service):
            made = aws.client(service)
            guard.attach(made)
            return made

        return guard, clients

    return make_guard


def planned(guard, clients, source="blue", to="green", terms=TERMS):
    situation = look(guard, clients, source, to)
    return situation, make(situation, terms)


def walk(guard, clients, made):
    """Everything forward, and back again: the states at the end of each."""
    assert not made.problems
    clock, states = Clock(), []
    times = Times(clock.clock, clock.sleep)
    cutovers = configured.cutovers(guard.settings)
    entrances = Entrances(made.plan, clients, clients, lambda: None)
    hold = Hold.begin(cutovers, made.plan)
    runner = Runner(hold, clients, Healthy(), lambda _: None, times)
    runner.forward()
    assert runner.record.phase == SWITCHED
    states.append(entrances.read(made.plan.moved_first()))
    runner = Runner(Hold.take_over(cutovers, runner.record), clients, Healthy(), lambda _: None, times)
    runner.back("it was aborted")
    assert runner.record.phase == RETURNED, runner.record.note
    states.append(entrances.read(made.plan.moved_first()))
    return states


def shown(aws, balancer, name):
    """Let AWS show that a group has a balancer, which moto leaves out where ModifyListener gives it one."""
    elbv2_backends[ACCOUNT][aws.region].target_groups[balancer.groups[name]].load_balancer_arns = [balancer.arn]


def zone_of(aws):
    route53 = aws.client("route53")
    zone = route53.create_hosted_zone(Name="example.com", CallerReference="1")["HostedZone"]["Id"]

    def change(*records):
        changes = [{"Action": "UPSERT", "ResourceRecordSet": record} for record in records]
        route53.change_resource_record_sets(HostedZoneId=zone, ChangeBatch={"Changes": changes})

    return change


def private_of(aws, side):
    described = aws.client("ec2").describe_instances(InstanceIds=list(side.instance_ids))["Reservations"]
    return [machine["PrivateIpAddress"] for each in described for machine in each["Instances"]]


def test_a_group_that_is_behind_nothing_yet(aws, guard_for):
    """It comes behind the listener with the weight 0 first, where its targets are checked; all ends as it was."""
    balancer = BehindBalancer(aws)
    balancer.start(("blue", "green"), 2)
    balancer.listener(443, blue=1)
    guard, clients = guard_for(sources=["target-group"])
    _, made = planned(guard, clients)
    assert [step.share for step in made.plan.steps] == [0, 50, 100]
    shown(aws, balancer, "green")
    switched, returned = walk(guard, clients, made)
    ((_, actions),) = switched.items()
    weights = {each["TargetGroupArn"]: each["Weight"] for each in actions[0]["ForwardConfig"]["TargetGroups"]}
    assert weights == {balancer.groups["blue"]: 0, balancer.groups["green"]: 100}
    ((_, actions),) = returned.items()
    assert actions == [{"Type": "forward", "TargetGroupArn": balancer.groups["blue"]}]


def test_a_record_with_addresses(aws, guard_for):
    """A record alone leads to the new machines at once, keeps its TTL, and comes back with it."""
    blue, green = aws.start_cluster("blue", 2), aws.start_cluster("green", 3)
    record = {"Name": NAME, "Type": "A", "TTL": 45}
    zone_of(aws)({**record, "ResourceRecords": [{"Value": value} for value in private_of(aws, blue)]})
    guard, clients = guard_for(sources=["dns"], records=[NAME])
    _, made = planned(guard, clients)
    assert [(step.share, step.wait_s) for step in made.plan.steps] == [(100, 105)]
    for states, side in zip(walk(guard, clients, made), (green, blue), strict=True):
        ((records,),) = (states.values(),)
        assert {each["Value"] for each in records[0]["ResourceRecords"]} == {*private_of(aws, side)}
        assert records[0]["TTL"] == 45


def test_a_name_of_an_elastic_ip(aws, guard_for):
    """Where the record has Elastic IPs, these move, and the record stays."""
    blue = aws.start_cluster("blue", 2, addresses=1)
    aws.start_cluster("green", 2)
    zone_of(aws)({"Name": NAME, "Type": "A", "TTL": 3000, "ResourceRecords": [{"Value": blue.public_ips[0]}]})
    _, made = planned(*guard_for(sources=["dns"], records=[NAME]))
    assert (made.problems, [entrance.kind for entrance in made.plan.entrances]) == ([], ["address"])


@pytest.mark.parametrize("of_green", [True, False])
def test_a_name_of_a_balancer(of_green, aws, guard_for):
    """An alias goes to the balancer that has only the new side behind it; else the listener behind it is moved."""
    change, hosts = zone_of(aws), {}
    first = None
    for name in ("blue", "green"):
        ids = aws.start_cluster(name, 2).instance_ids
        if first is not None and not of_green:
            first.group(name, ids)
            break
        balancer = BehindBalancer(aws, name=f"web-{name}")
        first = first or balancer
        balancer.group(name, ids)
        balancer.listener(443, **{name: 1})
        described = balancer.elbv2.describe_load_balancers(LoadBalancerArns=[balancer.arn])
        hosts[name] = described["LoadBalancers"][0]["DNSName"]
    alias = {"HostedZoneId": "Z1", "DNSName": hosts["blue"], "EvaluateTargetHealth": False}
    change({"Name": NAME, "Type": "A", "AliasTarget": alias})
    guard, clients = guard_for(sources=["dns"], records=[NAME])
    _, made = planned(guard, clients)
    assert [entrance.kind for entrance in made.plan.entrances] == ["record" if of_green else "listener"], made.problems
    if not of_green:
        shown(aws, first, "green")
    switched, returned = walk(guard, clients, made)
    if of_green:
        assert switched[made.plan.entrances[0].key][0]["AliasTarget"]["DNSName"].startswith(hosts["green"])
        assert returned[made.plan.entrances[0].key][0]["AliasTarget"] == alias


def forward(*, sticky=False, **groups):
    config = {"TargetGroups": [{"TargetGroupArn": name, "Weight": weight} for name, weight in groups.items()]}
    return [{"Type": "forward", "ForwardConfig": {**config, "TargetGroupStickinessConfig": {"Enabled": sticky}}}]


def weighted(**records):
    shown = {"Name": NAME, "Type": "A", "TTL": 60}
    return [
        {**shown, "SetIdentifier": name, "Weight": weight, "ResourceRecords": [{"Value": name}]}
        for name, weight in records.items()
    ]


@pytest.mark.parametrize(("kind", "made"), [("listener", forward), ("rule", forward), ("record", weighted)])
def test_what_others_changed_meanwhile(kind, made, aws):
    """Only the weights of the two sides may differ: someone who drained a third one is not overruled."""
    ours = KINDS[kind].ours
    states = (made(blue=8, green=0, red=2), made(blue=40, green=40, red=20), made(blue=0, green=80, red=20))
    assert all(ours(state, states) for state in states)
    assert ours(made(blue=70, green=10, red=20), states)
    assert not ours(made(blue=40, green=40, red=0), states)
    assert not ours(made(blue=40, green=40), states)
    assert not ours(made(blue=40, green=40, red=20, pink=0), states)
    if made is forward:
        assert not ours(forward(blue=40, green=40, red=20, sticky=True), states)


def test_a_login_keeps_its_secret(aws):
    """AWS never shows the client secret of an OIDC login, so a change of the weights says to keep it."""
    login = {"Type": "authenticate-oidc", "Order": 1, "AuthenticateOidcConfig": {"Issuer": "https://login"}}

    class Sent:
        def modify_listener(self, **params):
            self.actions = params["DefaultActions"]

    sent = Sent()
    KINDS["listener"].write(lambda _: sent, "l", [], [login, *forward(blue=1)])
    assert sent.actions[0]["AuthenticateOidcConfig"] == {"Issuer": "https://login", "UseExistingClientSecret": True}
    assert sent.actions[1:] == forward(blue=1)


def test_machines_with_two_interfaces(aws, guard_for):
    """EC2 takes no address for a machine with several interfaces by its id: the interface and its address are named."""
    sides, ec2 = [aws.start_cluster("blue", 1, addresses=1), aws.start_cluster("green", 1)], aws.client("ec2")
    for side in sides:
        (machine,) = ec2.describe_instances(InstanceIds=list(side.instance_ids))["Reservations"][0]["Instances"]
        made = ec2.create_network_interface(SubnetId=machine["SubnetId"])["NetworkInterface"]["NetworkInterfaceId"]
        ec2.attach_network_interface(NetworkInterfaceId=made, InstanceId=machine["InstanceId"], DeviceIndex=1)
    guard, clients = guard_for(sources=["eip"])
    _, made = planned(guard, clients)
    ((move,),) = [step.moves for step in made.plan.steps]
    KINDS["address"].write(clients, sides[0].allocation_ids[0], {}, move.state)
    sent = aws.requests[-1].params
    assert ("InstanceId" in sent, sent["PrivateIpAddress"]) == (False, move.state["private_ip"])
    assert not made.plan.entrances[0].before["primary"]


def test_a_name_in_two_zones(aws, guard_for):
    """A public and a private zone of the same name both move; a zone with a shorter name is not asked."""
    sides, route53 = [aws.start_cluster(name, 2) for name in ("blue", "green")], aws.client("route53")
    change, records = zone_of(aws), weighted(blue=100, green=0)
    for record, side in zip(records, sides, strict=True):
        record["ResourceRecords"] = [{"Value": value} for value in private_of(aws, side)]
    change(*records)
    vpc = {"VPCRegion": aws.region, "VPCId": aws.client("ec2").describe_vpcs()["Vpcs"][0]["VpcId"]}
    private = route53.create_hosted_zone(
        Name="example.com", CallerReference="2", VPC=vpc, HostedZoneConfig={"PrivateZone": True}
    )["HostedZone"]["Id"]
    changes = [{"Action": "UPSERT", "ResourceRecordSet": record} for record in records]
    route53.change_resource_record_sets(HostedZoneId=private, ChangeBatch={"Changes": changes})
    guard, clients = guard_for(sources=["dns"], records=[NAME])
    _, made = planned(guard, clients)
    assert [entrance.kind for entrance in made.plan.entrances] == ["record", "record"], made.problems
    switched, _ = walk(guard, clients, made)
    assert [[record["Weight"] for record in state] for state in switched.values()] == [[0, 100], [0, 100]]


def test_a_parameter_with_several_names(aws, guard_for):
    """Only the whole name of the old side is replaced, not what begins or ends with it."""
    for name in ("blue", "green", "blue-db"):
        aws.start_cluster(name, 1)
    aws.client("ssm").put_parameter(Name="/live", Value="blue-db, blue,my blue\nblue # blue", Type="String")
    _, made = planned(*guard_for(sources=["ssm"], ssm_parameter="/live"))
    ((move,),) = [step.moves for step in made.plan.steps]
    assert move.state == "blue-db, green,my blue\ngreen # blue"


def test_a_network_balancer(aws, guard_for):
    """Its listener knows no weights here: it goes to the new group in one step."""
    balancer = None
    for name in ("blue", "green"):
        ids = aws.start_cluster(name, 2).instance_ids
        balancer = balancer or BehindBalancer(aws, kind="network")
        balancer.group(name, ids)
    balancer.listener(443, blue=1)
    guard, clients = guard_for(sources=["target-group"])
    _, made = planned(guard, clients)
    assert [step.share for step in made.plan.steps] == [100]
    shown(aws, balancer, "green")
    switched, returned = walk(guard, clients, made)
    assert [actions[0]["TargetGroupArn"] for actions in (*switched.values(), *returned.values())] == [
        balancer.groups["green"],
        balancer.groups["blue"],
    ]


def test_more_addresses_than_machines(aws, guard_for):
    """Secondary private addresses take the Elastic IPs that the machines' first ones cannot."""
    blue, green = aws.start_cluster("blue", 2, addresses=2), aws.start_cluster("green", 1)
    guard, clients = guard_for(sources=["eip"], params={"cutover": {"min_share": 0.5}})
    _, made = planned(guard, clients)
    assert any("has room for 1" in problem for problem in made.problems)
    ec2 = aws.client("ec2")
    described = ec2.describe_instances(InstanceIds=list(green.instance_ids))["Reservations"][0]["Instances"][0]
    eni = described["NetworkInterfaces"][0]["NetworkInterfaceId"]
    ec2.assign_private_ip_addresses(NetworkInterfaceId=eni, SecondaryPrivateIpAddressCount=1)
    guard, clients = guard_for(sources=["eip"], params={"cutover": {"min_share": 0.5}})
    _, made = planned(guard, clients)
    # moto associates every address with an interface's first private one.
    states = [move.state for step in made.plan.steps for move in step.moves]
    assert [(state["instance"], state["primary"]) for state in states] == [
        (green.instance_ids[0], True),
        (green.instance_ids[0], False),
    ]
    assert len({state["private_ip"] for state in states}) == 2
    assert failing(guard, clients) == set()
    KINDS["address"].write(clients, blue.allocation_ids[1], {}, states[1])
    assert aws.requests[-1].params["PrivateIpAddress"] == states[1]["private_ip"]


def failing(guard, clients, terms=TERMS, **sides):
    """The checks that fail, each with its way forward."""
    situation, made = planned(guard, clients, terms=terms, **sides)
    checked = checks(situation, made, configured.cutovers(guard.settings))
    assert all(check.way for check in checked if not check.ok)
    return {check.name for check in checked if not check.ok}


def test_what_is_checked_before(aws, guard_for):
    """Each thing that is not as it must be fails its own check, which says what to do; the complete side passes all."""
    _, green = aws.start_cluster("blue", 3, addresses=2), aws.start_cluster("green", 3)
    half, ec2 = aws.start_cluster("half", 3), aws.client("ec2")
    ec2.stop_instances(InstanceIds=list(half.instance_ids[:1]))
    aws.start_cluster("small", 2)
    aws.start_cluster("large", 4)
    guard, clients = guard_for(sources=["eip"])
    assert failing(guard, clients) == set()
    assert "half is complete" in failing(guard, clients, to="half")
    assert "small is large enough" in failing(guard, clients, to="small")
    assert "none is complete" in failing(guard, clients, to="none")
    assert {"green is live", "blue is not live"} <= failing(guard, clients, source="green", to="blue")
    long = Terms(Wanted((50, 100)), bake_s=1800)
    assert failing(guard, clients, terms=long) == failing(guard, clients, to="large") == set()
    assert failing(guard, clients, terms=long, to="large") == {"the way back stays open"}
    store = configured.store(guard.settings)
    now = configured.cutovers(guard.settings).now()
    store.freeze(Freeze("f1", ("ip",), "INC-42", "ann", "bastion", now, now + 3600))
    assert "nothing is frozen" in failing(guard, clients)
    store.lift(now)
    for operation, reply in impaired(green.instance_ids).items():
        aws.reply(operation, reply)
    guard, clients = guard_for(sources=["eip"])
    assert "the machines of green pass EC2's status checks" in failing(guard, clients)
    aws.repair()

    class Gone:
        def now(self):
            raise StateUnavailable("the table is gone")

    situation, made = planned(guard, clients)
    assert "the shared memory answers" in {each.name for each in checks(situation, made, Gone()) if not each.ok}


def test_a_group_that_both_share(aws, guard_for):
    """No weight divides it; the guard lets either of the two ways pass that the plan names."""
    sides = {name: aws.start_cluster(name, 2) for name in ("blue", "green")}
    balancer = BehindBalancer(aws)
    balancer.group("web", [name for side in sides.values() for name in side.instance_ids])
    balancer.listener(443, web=1)
    guard, clients = guard_for(sources=["target-group"])
    _, made = planned(guard, clients)
    assert (made.plan.steps, [problem.partition(", so")[0] for problem in made.problems]) == (
        (), ["web-prod:443 sends requests to web, which blue and green share"],
    )  # fmt: skip
    for side in sides.values():
        targets = [{"Id": name} for name in side.instance_ids]
        out = {"TargetGroupArn": balancer.groups["web"], "Targets": targets}
        assert guard.check(clients("elbv2"), "DeregisterTargets", **out).action == "allow"


def test_what_cannot_be_moved(aws, guard_for):
    """Users who come by what is not moved, or by records that weights do not explain: a sentence with a way forward."""
    blue, green = aws.start_cluster("blue", 2), aws.start_cluster("green", 2)
    change = zone_of(aws)
    values = {name: [{"Value": value} for value in private_of(aws, side)] for name, side in (("b", blue), ("g", green))}
    base = {"Name": NAME, "Type": "A", "TTL": 60}
    alone = {**base, "ResourceRecords": values["b"]}
    cases = (
        ([{**alone, "TTL": 86400}], "resolvers keep"),
        ([{**alone, "SetIdentifier": "b", "Region": "eu-west-1"}], "more than weights"),
        ([{**alone, "SetIdentifier": "b", "Weight": 1},
          {**base, "SetIdentifier": "b2", "Weight": 1, "ResourceRecords": values["b"]}], "not one for blue"),
        ([{**base, "ResourceRecords": [*values["b"], *values["g"]]}], "other machines, too"),
    )  # fmt: skip
    route53 = aws.client("route53")
    (zone,) = [each["Id"] for each in route53.list_hosted_zones()["HostedZones"]]
    for records, words in cases:
        change(*records)
        _, made = planned(*guard_for(sources=["dns"], records=[NAME]))
        assert any(words in problem for problem in made.problems), (words, made.problems)
        deletions = [{"Action": "DELETE", "ResourceRecordSet": record} for record in records]
        route53.change_resource_record_sets(HostedZoneId=zone, ChangeBatch={"Changes": deletions})
    elb = aws.client("elb")
    elb.create_load_balancer(
        LoadBalancerName="classic", AvailabilityZones=["eu-west-1a"],
        Listeners=[{"Protocol": "HTTP", "LoadBalancerPort": 80, "InstancePort": 80}],
    )  # fmt: skip
    instances = [{"InstanceId": name} for name in blue.instance_ids]
    elb.register_instances_with_load_balancer(LoadBalancerName="classic", Instances=instances)
    _, made = planned(*guard_for(sources=["elb"]))
    assert any("a classic load balancer" in problem for problem in made.problems)


def test_a_plan_is_the_same_every_time(aws, guard_for):
    """The same situation makes the same plan with the same digest, which a second person can approve; JSON keeps it."""
    aws.start_cluster("blue", 3, addresses=3)
    aws.start_cluster("green", 3)
    guard, clients = guard_for(sources=["eip"])
    one, other = (planned(guard, clients)[1].plan for _ in range(2))
    assert one.digest == other.digest
    assert read(json.loads(json.dumps(one.document()))).digest == one.digest
    _, three = planned(guard, clients, terms=Terms(Wanted(at_once=1)))
    assert [len(step.moves) for step in three.plan.steps] == [1, 1, 1]
