"""A cutover: at every moment one side serves, and from every step there is a way back to exactly what was before.

The table goes through every change that a cutover makes, and lets each fail in every way. It is made without a guard,
whose judgement the last tests have. Time is virtual. After each request the server looks whether users get anywhere.
"""

from __future__ import annotations

import contextlib
import functools
import time
import uuid
from concurrent.futures import ThreadPoolExecutor

import pytest
from attrs import evolve
from botocore.exceptions import EndpointConnectionError

import guardrails
from guardrails.config.load import load
from guardrails.cutover.found import Wanted
from guardrails.cutover.gate import Gate
from guardrails.cutover.hold import LEASE_S, Hold, HoldLost, last_known, latest
from guardrails.cutover.make import Terms, make
from guardrails.cutover.plan import RETURNED, STUCK, SWITCHED, SWITCHING, Plan
from guardrails.cutover.runner import Runner, WentBack
from guardrails.cutover.situation import look
from guardrails.cutover.times import Times
from guardrails.errors import CutoverRefused
from guardrails.memory import StateUnavailable, configured
from guardrails.memory.cutovers import Kept
from guardrails.memory.dynamodb import CutoverTable, Place, Table
from guardrails.memory.dynamodb.administration import create
from tests.calls.test_unknown_holders import attempt
from tests.support.cutover_shop import NAME, Clock, Killed, Shop

LIVE = {"sources": ["eip", "target-group", "dns"], "records": [NAME]}
TERMS = Terms(Wanted((50, 100)), bake_s=30, patience_s=20)


@pytest.fixture(scope="module")
def shop(_server, tmp_path_factory):
    """One shop for the whole table: every case leaves it as it was."""
    _server.reset()
    with pytest.MonkeyPatch.context() as patch:
        for name, value in _server.environment().items():
            patch.setenv(name, value)
        made = Shop(_server, tmp_path_factory.mktemp("shop"))
        yield made
        made.close()
        _server.reset()


@pytest.fixture(scope="module")
def plan(shop, tmp_path_factory):
    folder = tmp_path_factory.mktemp("guard")
    config = {"log": {"path": str(folder / "log")}, "state": {"path": str(folder / "state.db")}, "live": LIVE}
    made = shop.made(guardrails.Guard.from_config(config), TERMS)
    assert not made.problems
    return made.plan


@pytest.fixture
def begun(shop, plan):
    """begun(): a cutover that has just started; afterwards everything is as it was, and no entrance was ever dark."""
    before = shop.state()

    def begin(faults=(), unhealthy_after=None):
        shop.changes, shop.faults, shop.dark[:] = 0, dict(faults), []
        return shop.runner(Hold.begin(shop.cutovers, plan), unhealthy_after)

    yield begin
    shop.faults = {}
    assert shop.dark == []
    assert shop.state() == before


def broken(_call):
    raise EndpointConnectionError(endpoint_url="https://ec2")


def lost(call):
    call()
    raise EndpointConnectionError(endpoint_url="https://ec2")


def killed(call):
    call()
    raise Killed


def killed_before(_call):
    raise Killed


def interrupted(call):
    call()
    raise KeyboardInterrupt


def taken_over(shop):
    """The same cutover on another host, once its owner is gone for long enough."""
    with pytest.raises(CutoverRefused, match="works on it until"):
        Hold.take_over(shop.cutovers, shop.latest())
    shop.clock.sleep(LEASE_S + 1)
    return shop.runner(Hold.take_over(shop.cutovers, shop.latest()))


def changes_of(plan):
    return sum(len(step.moves) for step in plan.steps)


def test_forward_and_back(shop, plan, begun):
    """It moves everything, in steps, and `abort` brings it all back: addresses, weights, records with their TTL."""
    runner = begun()
    runner.forward()
    assert (runner.record.phase, runner.record.owner) == (SWITCHED, "")
    assert shop.changes == changes_of(plan) == 6
    held = {each["InstanceId"] for each in shop.ec2.describe_addresses()["Addresses"]}
    assert held <= {*shop.green.instance_ids}
    shop.runner(Hold.take_over(shop.cutovers, shop.latest())).back("it was aborted")
    assert shop.latest().phase == RETURNED


@pytest.mark.parametrize("number", range(1, 7))
def test_every_change_fails(number, shop, plan, begun):
    """A change that fails once is made again. One that fails for good, an unhealthy side and Ctrl-C go back."""
    assert number <= changes_of(plan)
    runner = begun({number: lost})
    runner.forward()
    assert shop.latest().phase == SWITCHED
    shop.runner(Hold.take_over(shop.cutovers, shop.latest())).back("it was aborted")
    for faults, unhealthy_after in (
        (dict.fromkeys(range(number, number + 5), broken), None),
        ({number: interrupted}, None),
        ({}, number),
    ):
        runner = begun(faults, unhealthy_after)
        with pytest.raises(WentBack):
            runner.forward()
        assert (shop.latest().phase, runner.record.owner) == (RETURNED, "")


@pytest.mark.parametrize("number", range(1, 7))
def test_every_change_is_the_last_of_its_host(number, shop, begun):
    """The host is gone in the middle of a change: another one goes on to the end or, after the next, goes back."""
    runner = begun({number: killed})
    with pytest.raises(Killed):
        runner.forward()
    again = taken_over(shop)
    again.forward()
    assert shop.latest().phase == SWITCHED
    back = shop.runner(Hold.take_over(shop.cutovers, shop.latest()))
    shop.changes, shop.faults = 0, {number: killed_before}
    with contextlib.suppress(Killed):  # fewer changes go back than forward
        back.back("it was aborted")
    shop.faults = {}
    if shop.latest().phase != RETURNED:
        taken_over(shop).back("it was aborted")
    assert shop.latest().phase == RETURNED


def test_what_someone_else_changed(shop, plan, begun):
    """An address that was moved elsewhere meanwhile is left there and reported; everything else goes back."""
    other = shop.aws.start_cluster("red", 1).instance_ids[0]
    moved = next(move for move in plan.steps[0].moves if move.key.startswith("address"))
    allocation = moved.key.partition(" ")[2]
    onto = {"AllocationId": allocation, "AllowReassociation": True}

    def elsewhere(call):
        call()
        shop.known.add(other)
        shop.ec2.associate_address(InstanceId=other, **onto)

    runner = begun({4: elsewhere})
    with pytest.raises(WentBack, match="not where this cutover left it"):
        runner.forward()
    assert runner.record.phase == STUCK
    assert "was changed by someone else" in runner.record.note
    held = {each["AllocationId"]: each["InstanceId"] for each in shop.ec2.describe_addresses()["Addresses"]}
    assert [*held.values()].count(other) == 1
    assert held[allocation] == other
    shop.ec2.associate_address(InstanceId=plan.entrance(moved.key).before["instance"], **onto)
    shop.runner(Hold.take_over(shop.cutovers, shop.latest())).back("it was aborted")
    assert shop.latest().phase == RETURNED


def test_only_one_at_a_time(shop, plan, begun):
    """A second cutover cannot start, and a host whose hold was taken over touches nothing any more."""
    first = begun()
    with pytest.raises(CutoverRefused, match="is not over"):
        Hold.begin(shop.cutovers, plan)
    shop.clock.sleep(LEASE_S + 1)
    record = shop.latest()
    second = Hold.take_over(shop.cutovers, record)
    with pytest.raises(HoldLost):
        Hold.take_over(shop.cutovers, record)
    with pytest.raises(HoldLost):
        first.forward()
    assert shop.changes == 0
    shop.runner(second).back("it was aborted")


def test_a_slow_change_stays_within_the_hold(shop, begun):
    """However long the changes before it took, the hold outlasts a change that is under way."""
    refused = []

    def slow(seconds):
        def change(call):
            shop.clock.sleep(seconds)
            with pytest.raises(CutoverRefused, match="works on it until"):
                Hold.take_over(shop.cutovers, shop.latest())
            refused.append(seconds)
            return call()

        return change

    runner = begun({1: slow(14), 2: slow(50), 5: slow(14), 6: slow(50)})
    runner.forward()
    shop.changes, shop.faults = 0, {1: slow(14), 2: slow(50)}
    shop.runner(Hold.take_over(shop.cutovers, shop.latest())).back("it was aborted")
    assert (shop.latest().phase, len(refused)) == (RETURNED, 6)


def test_a_change_that_arrives_late(shop, begun):
    """A change of the host before arrives after its entrance went back: it is seen at the end, and goes back, too."""
    late = []

    def stray(call):
        late.append(call)
        raise Killed

    with pytest.raises(Killed):
        begun({1: stray}).forward()
    again = taken_over(shop)
    slept = shop.clock.sleep

    def sleep(seconds):
        slept(seconds)
        if seconds and late:
            late.pop()()

    again._times = Times(shop.clock.clock, sleep)
    again.back("it was aborted")
    assert (late, shop.latest().phase) == ([], RETURNED)


def test_without_the_shared_memory(shop, plan, begun, monkeypatch):
    """It goes back when the memory stops answering, without it; then `abort` finds everything as it was."""
    runner = begun()
    written = shop.cutovers.write

    def write(scope, document, revision):
        if shop.changes >= 3:
            raise StateUnavailable("the table is gone")
        return written(scope, document, revision)

    monkeypatch.setattr(shop.cutovers, "write", write)
    with pytest.raises(WentBack, match="the table is gone"):
        runner.forward()
    monkeypatch.undo()
    assert (shop.latest().phase, shop.changes) == (SWITCHING, 6)
    taken_over(shop).back("it was aborted")
    assert (shop.latest().phase, shop.changes) == (RETURNED, 6)


def test_a_table_of_many_hosts(aws, tmp_path):
    """The same record in a table: a revision is written once, and this host keeps a copy to go back from."""
    for _ in create(Place("guardrails", "eu-west-1", timeout_s=30)):
        pass
    table = {"store": "dynamodb", "table": "guardrails", "region": "eu-west-1", "timeout_s": 30}
    cutovers = configured.cutovers(load({"state": {**table, "path": str(tmp_path / "state.db")}}))
    assert cutovers.read("1/eu-west-1").revision == 0
    assert cutovers.write("1/eu-west-1", {"id": "a"}, 0)
    assert not cutovers.write("1/eu-west-1", {"id": "b"}, 0)
    assert cutovers.write("1/eu-west-1", {"id": "c", "at": 1.5}, 1)
    assert not cutovers.write("1/eu-west-1", {"id": "d"}, 1)
    assert cutovers.read("1/eu-west-1") == Kept({"id": "c", "at": 1.5}, 2)
    assert cutovers.host.read("1/eu-west-1").document == {"id": "c", "at": 1.5}
    assert cutovers.read("2/eu-west-1").revision == 0
    assert abs(cutovers.now() - time.time()) < 30


@pytest.fixture
def guarded(aws, install, tmp_path):
    """guarded(prepare, **live): a shop whose new side is larger, prepared before a guard is installed."""
    shops = []

    def make(prepare=lambda _: None, **more):
        shops.append(made := Shop(aws, tmp_path, rule=True, addresses=1))
        prepare(made)
        live = {**LIVE, **more}
        return made, install(live=live, state={"path": str(tmp_path / "state.db")})

    yield make
    for made in shops:
        made.close()
        assert made.dark == []


def test_through_the_guard(guarded, aws):
    """The guard lets each step and the way back pass, also back to fewer machines, and nothing that is not a switch."""
    shop, guard = guarded()
    before, red = shop.state(), aws.start_cluster("red", 1).instance_ids[0]
    runner = shop.runner(Hold.begin(shop.cutovers, shop.made(guard, TERMS).plan))
    runner.forward()
    assert runner.record.phase == SWITCHED
    for address in shop.blue.allocation_ids:
        wrong = {"AllocationId": address, "InstanceId": red, "AllowReassociation": True}
        assert "addresses/steal" in attempt(aws, "ec2", "associate_address", wrong)
    aws.repair()
    shop.runner(Hold.take_over(shop.cutovers, shop.latest())).back("it was aborted")
    assert shop.latest().phase == RETURNED, shop.latest().note
    assert shop.state() == before


def test_the_roles_move_at_the_end(guarded, aws):
    """`finish` moves the parameter and the tag that name the live cluster, once users are where they should be."""
    ssm = aws.client("ssm")
    ssm.put_parameter(Name="/live", Value="blue", Type="String")
    sources = {"sources": ["eip", "target-group", "dns", "tag", "ssm"], "ssm_parameter": "/live"}

    def mark(shop):
        tags = [{"Key": "Live", "Value": "true"}]
        shop.ec2.create_tags(Resources=list(shop.blue.instance_ids), Tags=tags)

    shop, guard = guarded(mark, **sources, tag={"key": "Live", "value": "true"})
    plan = shop.made(guard, evolve(TERMS, wanted=Wanted((100,)))).plan
    assert [entrance.kind for entrance in plan.entrances][-2:] == ["mark", "pointer"]
    runner = shop.runner(Hold.begin(shop.cutovers, plan))
    runner.forward()
    assert ssm.get_parameter(Name="/live")["Parameter"]["Value"] == "blue"
    shop.runner(Hold.take_over(shop.cutovers, shop.latest())).finish()
    assert ssm.get_parameter(Name="/live")["Parameter"]["Value"] == "green"
    assert guard.live(shop.ec2).live.clusters == ("green",)


def test_a_table_that_is_gone(aws, install, tmp_path):
    """The guard lets users go back without the table, and `abort` finds on this host what it wrote last."""
    for _ in create(Place("guardrails", "eu-west-1", timeout_s=30)):
        pass
    table = {"store": "dynamodb", "table": "guardrails", "region": "eu-west-1", "timeout_s": 30}
    blue, _ = aws.start_cluster("blue", 2, addresses=2), aws.start_cluster("green", 3)
    guard, clock = install(live={"sources": ["eip"]}, state={**table, "path": str(tmp_path / "state.db")}), Clock()
    cutovers, plan = configured.cutovers(guard.settings), make(look(guard, aws.client, "blue", "green"), TERMS).plan
    before, times = aws.addresses("blue"), Times(clock.clock, clock.sleep)

    def gone(sentence):
        if sentence.startswith("step 2"):
            for operation in ("UpdateItem", "BatchGetItem"):
                aws.answer(operation, 400, "AccessDeniedException", "not now")

    runner = Runner(Hold.begin(cutovers, plan), aws.client, Gate(aws.client, plan), gone, times)
    with pytest.raises(WentBack, match="AccessDeniedException"):
        runner.forward()
    assert (aws.count("AssociateAddress"), aws.addresses("blue")) == (2, before)
    ids = {"InstanceIds": [blue.instance_ids[1]]}
    assert "remaining/shared-memory" in attempt(aws, "ec2", "terminate_instances", ids)
    record, why = last_known(cutovers, plan.scope)
    assert (record.phase, "AccessDeniedException" in why) == (SWITCHING, True)
    Runner(Hold(cutovers, record), aws.client, Gate(aws.client, plan), lambda _: None, times).back("it was aborted")
    assert aws.addresses("blue") == before


def test_two_hosts_take_over(dynalite, tmp_path, monkeypatch):
    """Of many hosts that take a lost cutover over at once, exactly one gets it, each time."""
    monkeypatch.setenv("AWS_ENDPOINT_URL_DYNAMODB", dynalite)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    place = Place(f"t{uuid.uuid4().hex}", "eu-west-1", timeout_s=30)
    for _ in create(place):
        pass
    plan = Plan("blue", "green", "1", "eu-west-1", (), ())
    Hold.begin(CutoverTable(Table(place)), plan)
    for _ in range(5):
        hosts = [CutoverTable(Table(place)) for _ in range(8)]
        record = latest(hosts[0], plan.scope)
        record = evolve(record, owner_until=0.0)
        with ThreadPoolExecutor(8) as pool:
            taken = [*pool.map(functools.partial(_taken, record), hosts)]
        assert sum(taken) == 1


def _taken(record, host):
    try:
        Hold.take_over(host, record)
    except HoldLost:
        return False
    return True
