"""Up to a thousand hosts in virtual time: no interleaving, lost answer, retry or killed host breaks a bound.

The same runs without one of the conditions of a write do break it: so the conditions are needed, and tested.
"""

from __future__ import annotations

import contextlib

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from guardrails.config.settings import IN_MEMORY
from guardrails.memory import History, MachineState, SqliteStore, StateUnavailable
from guardrails.memory.dynamodb import DynamoStore, Place, membership, store, turns
from guardrails.memory.pacer import Pacer
from guardrails.resolve.ownership import Ownership
from guardrails.values import Live
from tests.process.test_history import BLUE, SCOPE, terminating
from tests.process.test_pacing import launch
from tests.support.simulated_table import SimulatedTable, World

BOUND = 13
START = World(0).now
NAMES = [f"i-{number:03}" for number in range(200)]


@pytest.fixture(autouse=True)
def one_after_the_other(monkeypatch):
    """Requests that a host makes side by side come in any order; here, in turn, with other hosts' between."""
    for module in (store, membership):
        monkeypatch.setattr(module, "at_once", lambda tasks: [task() for task in tasks])


class Aws:
    """The machines of a cluster; what is terminated looks like running for up to a minute."""

    def __init__(self, world):
        self.world = world
        self.gone_at = {}
        self.sent_at = []

    def machines(self):
        return {
            name: MachineState("workers", "terminated" if self.gone_at.get(name, 1e12) < self.world.now else "running")
            for name in NAMES
        }

    def terminate(self, names):
        self.sent_at += [self.world.now for name in names if name not in self.gone_at]
        for name in names:
            self.gone_at.setdefault(name, self.world.now + self.world.chance.uniform(0, 60))


def table_of(world):
    return lambda _: SimulatedTable(world, world.chance.uniform(-5, 5))


def taking(world, aws, calls, starts_s=0.0, window_s=3600.0):
    """A host that takes machines away as long as its rules allow."""
    store = DynamoStore(Place("t"), table=table_of(world))
    history = History(store, Ownership().named, window_s=window_s)

    def host():
        world.sleep(world.chance.uniform(0, starts_s))
        for _ in range(calls):
            names = world.chance.sample(NAMES, world.chance.choice((1, 1, 2, 3)))
            seen = aws.machines()
            world.pause()
            now = world.now + store.table.ahead_s
            try:
                claim, past = history.claim(SCOPE, *terminating(*names), seen, BLUE, now)
            except StateUnavailable:
                continue
            fits = len({*past.going, *names}) + past.destroyed.get("workers", 0) <= BOUND
            with contextlib.suppress(StateUnavailable):
                claim.settle(world.now + store.table.ahead_s, sent=fits)
            if fits:
                aws.terminate(names)
        with contextlib.suppress(StateUnavailable):
            history.past(SCOPE, *terminating(), aws.machines(), BLUE, world.now + store.table.ahead_s)

    return host


def taken(world, hosts, calls, step_s):
    """How many machines the hosts take together."""
    aws = Aws(world)
    world.run([taking(world, aws, calls) for _ in range(hosts)], step_s)
    return len(aws.gone_at)


@pytest.mark.parametrize(
    ("seed", "hosts", "calls", "step_s", "faults"),
    [*((seed, 12, 6, 0.5, 0.02) for seed in range(12)), (50, 3, 60, 2.0, 0.01)],
)
def test_the_bound_holds(seed, hosts, calls, step_s, faults):
    """Whatever happens between hosts, they take no more machines within the window than one of them may."""
    assert 0 < taken(World(seed, faults), hosts, calls, step_s) <= BOUND


def test_an_hour_of_a_thousand_hosts():
    """A thousand hosts that start within an hour take no more than the bound in any ten minutes, and go on taking."""
    world = World(7, 0.002)
    aws = Aws(world)
    world.run([taking(world, aws, 1, 3600, 600) for _ in range(1000)], 0.01)
    assert world.now - START > 3500
    in_ten_minutes = [sum(at - 590 < each <= at for each in aws.sent_at) for at in aws.sent_at]
    assert max(in_ten_minutes) <= BOUND
    assert len(aws.sent_at) > 3 * BOUND


def test_a_claim_that_reads_first_breaks_it():
    """If a claim were read and written in two steps, hosts would take more than the bound: the test would notice."""
    assert max(taken(World(seed, ignored="whole"), 12, 6, 0.5) for seed in range(3)) > BOUND


def launching(world, sent, calls):
    store = DynamoStore(Place("t"), table=table_of(world))
    pacer = Pacer(store, share=1.0, max_wait_s=30)

    def host():
        for _ in range(calls):
            now = world.now
            try:
                pause = pacer.take(SCOPE, launch(), now + store.table.ahead_s)
            except StateUnavailable:
                continue
            if not pause.refused:
                sent.append(now + pause.seconds)

    return host


def fits_bucket(sent):
    """Whether launches at these times fit a bucket of five that gets two a second."""
    sent = sorted(sent)
    return all(
        number - first + 1 <= 5 + 2 * (at - start) + 1e-3
        for first, start in enumerate(sent)
        for number, at in enumerate(sent)
        if number >= first
    )


@pytest.mark.parametrize("seed", range(6))
def test_the_bucket_holds(seed):
    """However hosts come between each other, their launches fit the bucket, and those that come in time are sent."""
    world, sent = World(seed, 0.01), []
    world.run([launching(world, sent, 8) for _ in range(8)], 0.05)
    assert fits_bucket(sent)
    assert len(sent) > 20


def test_a_turn_without_its_condition_breaks_it():
    """If a full bucket were not a condition of its update, launches would come too fast: the test would notice."""
    world, sent = World(1, ignored=turns.WAS_FULL), []
    world.run([launching(world, sent, 8) for _ in range(8)], 0.05)
    assert not fits_bucket(sent)


def watching(world, looks, at):
    """A host that sees blue live before a time, and green from then on."""
    store = DynamoStore(Place("t"), table=table_of(world))
    history = History(store, Ownership().named)
    machines = {"i-000": MachineState("workers", "running")}

    def host():
        for _ in range(looks):
            name = "green" if world.now > at else "blue"
            live = Live(known=True, disputed=False, clusters=(name,))
            with contextlib.suppress(StateUnavailable):
                history.past(SCOPE, *terminating("i-000"), machines, live, world.now + store.table.ahead_s)

    return host


def cut_over(world):
    """Twelve hosts see a cutover; the epochs that they write."""
    world.run([watching(world, 4, world.now + 30) for _ in range(12)], 0.5)
    return world.epochs


@pytest.mark.parametrize("seed", range(6))
def test_epochs_never_go_back(seed):
    """What hosts write of liveness is one history: each write follows the one that it was made from."""
    world = World(seed, 0.01)
    assert cut_over(world) == sorted(set(world.epochs))
    times = next(item["times"] for key, item in world.items.items() if key[0].startswith("liv#"))
    assert times["green"][1] is None
    assert times["blue"][1] == times["green"][0]


def test_liveness_without_its_condition_breaks_it():
    """If the epoch were not a condition, hosts would overwrite each other: the test would notice."""
    worlds = [World(seed, ignored="#e = :epoch") for seed in range(4)]
    assert any(cut_over(world) != sorted(set(world.epochs)) for world in worlds)


# -- the same script on both stores -----------------------------------------------------------------------------------

ENDS = {
    "denied": lambda claim, now: claim.settle(now, sent=False),
    "sent": lambda claim, now: claim.settle(now, sent=True),
    "refused": lambda claim, now: (claim.settle(now, sent=True), claim.withdraw()),
    "doubted": lambda claim, now: (claim.settle(now, sent=True), claim.doubt(now)),
    "accepted after doubt": lambda claim, now: (claim.settle(now, sent=True), claim.doubt(now), claim.confirm(now)),
    "never sent": lambda claim, now: (claim.settle(now, sent=True), claim.drop()),
    "abandoned": lambda claim, now: None,
}
STEPS = st.tuples(
    st.integers(0, 400),
    st.sampled_from(["terminate", "stop"]),
    st.integers(1, 4),
    st.sampled_from(sorted(ENDS)),
    st.sampled_from(["blue", "green"]),
    st.booleans(),
)


@given(steps=st.lists(STEPS, min_size=1, max_size=12))
def test_both_stores_say_the_same(steps):
    """A script of calls, outcomes, cutovers and retagging gets the same answers from a file and from a table.

    Each machine is named once; of one that two calls name, the table keeps both calls and the file one of them.
    """
    world, names, machines = World(0), iter(NAMES), {}
    table = DynamoStore(Place("t"), table=lambda _: SimulatedTable(world))
    histories = [History(each, Ownership().named) for each in (SqliteStore(IN_MEMORY), table)]
    machines = {name: MachineState("blue" if number % 2 else "workers", "running") for number, name in enumerate(NAMES)}
    now = START
    for seconds, effect, count, end, live_name, carried_out in steps:
        now += seconds
        named = [next(names) for _ in range(count)]
        live = Live(known=True, disputed=False, clusters=(live_name,))
        pasts = []
        for history in histories:
            claim, past = history.claim(SCOPE, *terminating(*named, effect=effect), machines, live, now)
            ENDS[end](claim, now)
            pasts.append(past)
        # The table counts a call to the end of its second, and has a machine leave when it is seen elsewhere.
        of_file, of_table = (evolve(past, call_rate=0, taken_out={}) for past in pasts)
        assert of_file == of_table
        earlier, later = (past.taken_out for past in pasts)
        assert {name: times.keys() for name, times in earlier.items()} == {
            name: times.keys() for name, times in later.items()
        }
        assert all(
            at <= later[name][cluster] <= now for name, times in earlier.items() for cluster, at in times.items()
        )
        for name in named:
            state = {"terminate": "terminated", "stop": "stopped"}[effect] if carried_out else "running"
            machines[name] = MachineState("attic" if seconds % 3 == 0 else machines[name].cluster, state)
