"""`guardrails rebuild run`: as long as predicted, no machine twice, and a way on from every stop."""

from __future__ import annotations

import pytest
from botocore.exceptions import EndpointConnectionError

from guardrails import assembly
from guardrails.memory.rate_limits import LAUNCH_LIMIT
from guardrails.rebuild import progress
from guardrails.rebuild.send import Stopped
from guardrails.values import Call
from tests.rebuild.world import World, as_if, keep, rows, start


@pytest.fixture
def world(aws, tmp_path, monkeypatch):
    return World(aws, tmp_path, monkeypatch)


@pytest.fixture
def subnet(aws):
    return aws.create_subnet("10.0.0.0/20")


def used_up(world, machines):
    """This host has started so many machines just now: AWS's bucket and the shared memory have them."""
    world.aws.throttle("RunInstances", 5, 2)
    world.aws.throttle(LAUNCH_LIMIT.name, 1000 - machines, 2)
    call = Call("ec2", "RunInstances", {"MaxCount": machines}, "eu-west-1", "")
    pacer = assembly.history(world.guard.settings).pacer
    pacer.take("123456789012/eu-west-1", call, world.clock.now)


@pytest.mark.parametrize(("count", "before"), [(6, 820), (60, 780), pytest.param(600, 500, marks=pytest.mark.tools)])
def test_it_takes_what_was_predicted(aws, world, subnet, count, before):
    """6, 60 and 600 machines, with buckets that are nearly empty: within 20 % of the plan, and AWS refuses nothing."""
    start(aws, "blue", 1, subnet)
    snapshot = as_if(keep(world), count)
    world.lose("blue")
    rows(world, running=40, ready=40)
    aws.boot(40)
    used_up(world, before)
    plan = world.plan("blue", snapshot)
    assert plan.problems == plan.unknown == ()
    aws.clear()
    began = world.clock.now
    world.run(world.begin(plan))
    taken = world.clock.now - began
    assert taken == pytest.approx(plan.longest.seconds, rel=0.2)
    assert aws.refused("RunInstances") == aws.refused(LAUNCH_LIMIT.name) == 0
    assert aws.running("blue") == count
    assert aws.count("RunInstances") + aws.count("CreateTags") == plan.longest.calls


@pytest.mark.parametrize("moment", ["before-send.ec2.RunInstances", "after-call.ec2.RunInstances"])
@pytest.mark.parametrize("at", [1, 3])
def test_a_killed_run_goes_on(aws, world, subnet, moment, at):
    """Killed before or after AWS got a launch: the next attempt ends with exactly the machines that were lost."""
    start(aws, "blue", 9, subnet)
    keep(world)
    world.lose("blue")
    made = world.begin(world.plan("blue"))
    calls = []

    def kill(**_):
        calls.append(1)
        if len(calls) == at:
            raise KeyboardInterrupt

    world.client("ec2").meta.events.register(moment, kill)
    with pytest.raises(KeyboardInterrupt):
        world.run(made)
    assert made.state(made.waves[-1][0]) != progress.DONE
    world.client("ec2").meta.events.unregister(moment, kill)
    again = progress.resumed(world.guard.settings, made.id, made.scope)
    world.run(again)
    assert aws.running("blue") == 9
    assert len(set(again.new.values())) == 9
    world.run(again)
    assert aws.running("blue") == 9


def test_a_refusal_after_a_lost_answer(aws, world, subnet):
    """The answer to a launch is lost, the next attempt is refused: the one after finds the machine."""
    start(aws, "blue", 1, subnet)
    keep(world)
    world.lose("blue")
    made = world.begin(world.plan("blue"))

    def lose(**_):
        raise EndpointConnectionError(endpoint_url="https://ec2")

    events = world.client("ec2").meta.events
    events.register("after-call.ec2.RunInstances", lose)
    with pytest.raises(Stopped, match="it may have acted"):
        world.run(made)
    events.unregister("after-call.ec2.RunInstances", lose)
    token = made.token(made.waves[0][0])
    aws.reply("DescribeInstances", "<DescribeInstancesResponse><reservationSet/></DescribeInstancesResponse>")
    aws.answer("RunInstances", 400, "InvalidSubnetID.NotFound", "not there", times=1)
    with pytest.raises(Stopped, match="not there"):
        world.run(made)
    assert made.token(made.waves[0][0]) == token
    aws.repair()
    world.run(made)
    assert aws.running("blue") == 1
