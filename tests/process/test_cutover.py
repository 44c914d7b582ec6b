"""A cutover: at every moment one side serves, and from every step there is a way back to exactly what was before.

The table goes through every change that a cutover makes, and lets each fail in every way. It is made without a guard,
whose judgement the last tests have. Time is virtual. After each request the server looks whether users get anywhere.
"""

from __future__ import annotations

import contextlib

import pytest
from botocore.exceptions import EndpointConnectionError

import guardrails
from guardrails.cutover.found import Wanted
from guardrails.cutover.hold import LEASE_S, Hold
from guardrails.cutover.make import Terms
from guardrails.cutover.plan import RETURNED, SWITCHED
from guardrails.cutover.runner import WentBack
from guardrails.errors import CutoverRefused
from tests.support.cutover_shop import NAME, Killed, Shop

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
