"""guardrails.ramp: batches that grow while all is well, and wait while it is not."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

import guardrails


class Time:
    """A clock that only sleeping moves."""

    def __init__(self):
        self.now = 0.0

    def clock(self):
        return self.now

    def sleep(self, seconds):
        self.now += seconds


def batches(items, answers=(), **how):
    """The items by the time they came at, with a check that answers in turn, then true."""
    time, answering = Time(), iter(answers)
    found = {}
    healthy = lambda: next(answering, True)
    for item in guardrails.ramp(items, healthy=healthy, clock=time.clock, sleep=time.sleep, interval_s=10, **how):
        found.setdefault(time.now, []).append(item)
    return found


def test_batches_grow():
    """1, 2, 4 … every interval, up to the largest batch."""
    sizes = [len(batch) for batch in batches(range(25), max_batch=8).values()]
    assert sizes == [1, 2, 4, 8, 8, 2]
    assert list(batches(range(4))) == [0, 10, 20]


def test_nothing_while_unhealthy():
    """While the check is false nothing comes; then half as many as before, and growing again."""
    found = batches(range(20), [True, True, True, False, False, True, True])
    assert {at: len(batch) for at, batch in found.items()} == {0: 1, 10: 2, 20: 4, 50: 2, 60: 4, 70: 7}


def test_the_first_item_waits_for_health_too():
    """The check is asked before anything is yielded."""
    assert min(batches(range(3), [False, False])) == 20


def test_a_check_that_raises_is_false():
    """What cannot be asked is not well."""

    def broken():
        raise ConnectionError

    time = Time()
    with pytest.raises(guardrails.RampStopped) as caught:
        list(guardrails.ramp("abc", healthy=broken, clock=time.clock, sleep=time.sleep, patience_s=60))
    assert caught.value.left == ["a", "b", "c"]
    assert "3 items left" in str(caught.value)
    assert time.now == 60


def test_patience_ends_with_what_is_left():
    """A check that stays false ends the ramp; the items that did not come are in the error."""
    came = []
    time = Time()
    answers = iter([True, True])
    ramp = guardrails.ramp(
        range(9), healthy=lambda: next(answers, False), clock=time.clock, sleep=time.sleep, patience_s=30
    )
    with pytest.raises(guardrails.RampStopped) as caught:
        came.extend(ramp)
    assert came + caught.value.left == list(range(9))
    assert came == [0, 1, 2]


def test_says_why_it_waits():
    """`on_wait` gets the reason while the check is false, and only then."""
    said = []
    batches(range(3), [True, False, False], on_wait=said.append)
    assert len(said) == 2
    assert "health check is false" in said[0]


NAN, INFINITE = float("nan"), float("inf")
WRONG = {
    "start": (0, 1.5, "1", True),
    "factor": (0.5, NAN, INFINITE, "2", None),
    "interval_s": (-1, NAN, INFINITE, None),
    "max_batch": (0, 2.5, INFINITE),
    "patience_s": (-1, NAN, "60"),
}


@pytest.mark.parametrize(("name", "value"), [(name, value) for name, values in WRONG.items() for value in values])
def test_nonsense_is_refused_at_once(name, value):
    """Anything but a number within bounds is an error when ramp is called, not when it is iterated."""
    with pytest.raises(ValueError, match=rf"^ramp\({name}=.*\): {name} must be a (whole )?number of at least [01]$"):
        guardrails.ramp([1], **{name: value})


def test_patience_may_be_endless():
    """Who wants to wait for ever says so."""
    assert batches(range(1), [False] * 99, patience_s=INFINITE) == {990: [0]}


def test_without_a_check_only_time_counts():
    """Without a health check, batches follow by the clock."""
    time = Time()
    assert list(guardrails.ramp("abc", clock=time.clock, sleep=time.sleep)) == ["a", "b", "c"]
    assert time.now == 10


@given(
    st.lists(st.integers(), max_size=60),
    st.lists(st.booleans(), max_size=40),
    st.integers(1, 5),
    st.sampled_from([1, 1.2, 2.0, 3.0]),
    st.one_of(st.none(), st.integers(1, 9)),
)
def test_every_item_once_and_never_faster_than_grown(items, answers, start, factor, most):
    """Whatever the check says: every item comes once, in order, and no batch is larger than factor times the last."""
    found = batches(items, answers, start=start, factor=factor, max_batch=most)
    assert [item for batch in found.values() for item in batch] == items
    sizes = [len(batch) for batch in found.values()]
    for before, after in itertools.pairwise(sizes):
        assert after <= max(before + 1, before * factor)
    assert max(sizes, default=0) <= (most or max(sizes, default=0))


def test_a_shared_database_is_not_overloaded():
    """Tasks that start cold query a database that copes with eight cold starts; ramped, there are never more."""
    time = Time()
    cold = []

    def load():
        # A task is cold for thirty seconds after its start.
        return sum(time.now - at < 30 for at in cold)

    worst = 0
    for _ in guardrails.ramp(
        range(100), healthy=lambda: load() < 4, max_batch=4, interval_s=10, clock=time.clock, sleep=time.sleep
    ):
        cold.append(time.now)
        worst = max(worst, load())
    assert len(cold) == 100
    assert worst <= 8
