"""When look-ups of load balancers leave, and which answers from before are used until then."""

from __future__ import annotations

import time
from contextlib import nullcontext

import pytest

from guardrails.resolve import own_requests
from guardrails.resolve.balancers import registered_with
from guardrails.resolve.kept_answers import KeptAnswers
from guardrails.resolve.turns import at_hand
from guardrails.values import Answer
from guardrails.waiting import deadline


@pytest.fixture
def own(monkeypatch):
    """The guard's own requests on a clock that stands still."""
    monkeypatch.setattr(own_requests, "monotonic", lambda: 1000.0)
    return own_requests.OwnRequests(0.5)


def test_a_round_leaves_together(own):
    """The 20 of a full bucket leave at the end, and others 5 a second before; an empty one is waited for first."""
    assert own.together("here", "elbv2", 30) == pytest.approx([each / 5 for each in range(10)] + [2] * 20)
    assert own.together("here", "elbv2", 25) == pytest.approx([6 + each / 5 for each in range(5)] + [7] * 20)
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
        return Answer((), time.time())


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


def test_they_are_used_only_where_asking_would_wait(own):
    """With room in AWS's limit all is asked anew, and so it is after a call that may have changed it."""
    memory = KeptAnswers(Answering(), nullcontext)
    one = registered_with("one")
    wanted = {one.key(): one}
    for spare, expected in (({"elbv2:DescribeTargetHealth"}, 1), ({"elbv2:DescribeRules"}, 0), ((), 0)):
        memory.ask(one, 5.0)[0].result(5.0)
        memory.clear(spare=spare)
        own._balancers.clear()
        assert at_hand(wanted, "here", memory, own, 4.0) == {}
        own.together("here", "elbv2", 20)
        assert len(at_hand(wanted, "here", memory, own, 4.0)) == expected
