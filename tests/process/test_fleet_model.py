"""Hypothesis drives hosts that share a memory, request by request, and lets go wrong what it likes.

A request or its answer is lost, a request comes twice, a host is killed, its clock is wrong, the memory stops, and
other hosts come between any two requests. What must hold is compared with a plain account of what was done.

`python -m tests.process.test_fleet_model 1000` tries so many examples on the table in memory and on a file.
"""

from __future__ import annotations

import contextlib
import itertools
import sys
import tempfile
from collections import Counter
from pathlib import Path

import pytest
from attrs import evolve
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from guardrails.memory import History, MachineState, StateUnavailable
from guardrails.memory.approvals import Grant
from guardrails.memory.buckets import Bucket, Draw
from guardrails.memory.dynamodb import (
    ApprovalTable,
    CutoverTable,
    DynamoStore,
    Place,
    Table,
    approvals,
    ledger,
    membership,
    store,
    turns,
)
from guardrails.memory.dynamodb.administration import create
from guardrails.memory.dynamodb.compacting import compact
from guardrails.memory.pacer import Pacer
from guardrails.memory.store import Asked
from guardrails.resolve.ownership import Ownership
from guardrails.values import Freeze
from tests.process.test_fleet_approvals import request
from tests.process.test_fleet_simulated import fits_bucket
from tests.process.test_history import BLUE, GREEN, SCOPE, terminating
from tests.process.test_pacing import launch
from tests.support.simulated_table import FAULTS, SimulatedTable, World
from tests.support.stepped_memories import DictTable, File, RealTable

BOUND = 13
HOSTS = 4
NAMES = [f"i-{number:02}" for number in range(40)]
# A decision that took longer is made again.
_LATE_S = 30.0
REQUESTS = 2

TAKING = st.tuples(st.just("take"), st.lists(st.sampled_from(NAMES), min_size=2, max_size=6, unique=True))
ACTIONS = st.one_of(
    TAKING,
    TAKING,
    st.tuples(st.sampled_from(["launch", "launch", "drain"]), st.sampled_from([1, 600])),
    st.tuples(st.sampled_from(["look", "freeze", "lift", "break", "cut over", "cut over"]), st.none()),
    st.tuples(st.sampled_from(["use", "use in vain"]), st.integers(0, REQUESTS - 1)),
)


class Account:
    """What became of what the hosts did, as they know it; what they do not know counts as neither done nor undone."""

    def __init__(self, memory) -> None:
        # No id is used twice.
        account, _, region = memory.scope.partition("/")
        asked = {"place": f"{account}#{region}#ec2:X", "asked_by": memory.asker}
        self.requests = [evolve(request(), id=f"r{number}{account}", **asked) for number in range(REQUESTS)]
        self.gone_at: dict[str, float] = {}
        self.launched: list[float] = []
        self.holding: dict[int, str] = {}
        self.tried: set[int] = set()
        self.asked: set[int] = set()
        # Of freezes and broken glasses: what is certain to be in force, and what is certain to be over.
        self.on: set[str] = set()
        self.off: set[str] = set()
        self.lifts = self.lifting = 0
        # What hosts have written of a cutover.
        self.steps: set[str] = set()


class Host:
    """One host: its memory, its clock, and what it does, which `did` counts."""

    def __init__(self, memory, account, number, did):
        self.world, self.scope, self.account, self.did = memory.world, memory.scope, account, did
        self.ahead_s = memory.skew_s * (number % 3 - 1)
        self.shared = memory.store(self.ahead_s)
        self.history = History(memory.fleet(self.shared), Ownership().named)
        self.pacer = Pacer(self.shared, share=1.0, max_wait_s=5)
        self.board, self.glasses = memory.board(self.ahead_s), memory.glasses(self.ahead_s)
        self.cutovers = memory.cutovers(self.ahead_s)
        self.name = f"host-{number}"

    @property
    def now(self):
        return self.world.now + self.ahead_s

    def take(self, names, live):
        """Take machines away if the bound leaves room."""
        began = self.world.now
        gone = self.account.gone_at
        machines = {
            name: MachineState("workers", "terminated" if gone.get(name, 1e12) + 45 < began else "running")
            for name in NAMES
        }
        claim, past = self.history.claim(self.scope, *terminating(*names), machines, live, self.now)
        known = len({*past.going, *names}) + past.destroyed.get("workers", 0)
        fits = not past.unshared and known <= BOUND and self.world.now < began + _LATE_S
        if fits:
            # The call is sent before its claim is settled.
            for name in names:
                gone.setdefault(name, self.world.now)
        self.did["taken" if fits else "not taken"] += 1
        claim.settle(self.now, sent=fits)

    def launch(self, machines, _live):
        """Launch so many machines, by three calls, where the buckets let them."""
        for _ in range(3):
            now = self.world.now
            pause = self.pacer.take(self.scope, launch(machines), self.now)
            self.did["refused" if pause.refused else "launched"] += 1
            if not pause.refused:
                self.account.launched.append(now + pause.seconds)

    def drain(self, _count, _live):
        """AWS has refused a launch, so the bucket is empty."""
        self.pacer.drained(self.scope, launch(), self.now)

    def look(self, _nothing, live):
        """Look at what is live, at what others did, and at what is under way."""
        self.history.past(
            self.scope, *terminating(NAMES[0]), {NAMES[0]: MachineState("blue", "running")}, live, self.now
        )
        self.did["looked"] += 1

    def freeze(self, _nothing, _live):
        """Begin a freeze."""
        lifts, sure = self.account.lifts, not self.account.lifting
        name = f"f-{self.did['frozen']}"
        self.did["frozen"] += 1
        self.shared.freeze(Freeze(name, ("terminate",), "INC-1", self.name, self.name, self.now, self.now + 1e6))
        if sure and lifts == self.account.lifts:
            self.account.on.add(name)

    def lift(self, _nothing, _live):
        """End all freezes."""
        on = {name for name in self.account.on if name.startswith("f-")}
        self.account.on -= on
        self.account.lifts += 1
        self.account.lifting += 1
        self.shared.lift(self.now)
        # One that failed may take something away later.
        self.account.lifting -= 1
        self.account.off |= on
        self.did["lifted"] += 1

    def break_(self, _nothing, _live):
        """Break the glass, and put it together again every other time."""
        if self.glasses is None:
            return
        name = f"g-{self.did['broken']}"
        self.did["broken"] += 1
        end = self.glasses.post({"until": name, "until_s": self.world.now + 1e6, "reason": name})
        self.account.on.add(name)
        if self.did["broken"] % 2:
            self.account.on.discard(name)
            end()
            self.account.off.add(name)

    def cut_over(self, _nothing, _live):
        """Take the next step of a cutover: write it after those that are there."""
        kept = self.cutovers.read(self.scope)
        step = f"{self.name}-{self.did['step']}"
        self.did["step"] += 1
        if self.cutovers.write(self.scope, {"steps": [*kept.document.get("steps", ()), step]}, kept.revision):
            self.account.steps.add(step)

    def _ask(self, number):
        """Ask for an approval, and get one. No id is used twice."""
        self.account.tried.add(number)
        asked = self.account.requests[number]
        self.board.ask(asked)
        self.board.grant(asked, Grant("AROA1:bob", "bob", "INC-1", asked.digest, self.world.now))
        self.account.asked.add(number)

    def use(self, number, _live):
        """Use an approval for a decision, whose id is returned; None where it was used."""
        if number not in self.account.tried:
            self._ask(number)
        if number not in self.account.asked:
            return None
        decision = f"{self.name}-{self.did['used'] + self.did['not used']}"
        won = self.board.take(self.account.requests[number], decision)
        self.did["used" if won else "not used"] += 1
        if not won:
            return None
        assert number not in self.account.holding, "a grant was used twice"
        self.account.holding[number] = decision
        return decision

    def use_in_vain(self, number, live):
        """Use an approval, and give it back, as the call is not sent."""
        decision = self.use(number, live)
        if decision is not None:
            del self.account.holding[number]
            self.did["given back"] += 1
            asked = self.account.requests[number]
            self.board.give_back(asked.place, asked.id, decision)


class Hosts(RuleBasedStateMachine):
    """The rules are what hypothesis may do; the invariants are what must hold after each."""

    def __init__(self, memory, did):
        super().__init__()
        self.memory, self.world, self.did = memory, memory.world, did
        self.account = Account(memory)
        self.next_fault = ""
        self.world.fault = self._fault
        self.live = BLUE
        self.hosts = [self._new(number) for number in range(HOSTS)]
        self.running = [None] * HOSTS
        self.started = HOSTS
        self.epochs_seen = 0

    def _new(self, number):
        return Host(self.memory, self.account, number, self.did)

    def _fault(self):
        fault, self.next_fault = self.next_fault, ""
        self.did[fault] += 1
        return fault

    def _step(self, number, fault=""):
        self.next_fault = fault
        thread, self.running[number] = self.running[number], None
        if self.world.step(thread):
            self.running[number] = thread
        if fault.startswith("killed"):
            # Another one starts in its place, and knows nothing.
            self.hosts[number] = self._new(self.started)
            self.started += 1

    @rule(number=st.integers(0, HOSTS - 1), action=ACTIONS, steps=st.sampled_from([1, 2, 3, 3, 4, 5, 20, 20]))
    def begin(self, number, action, steps):
        """A host does something else, once it has ended what it does, and comes so far with it."""
        self.finish(number)
        host, (kind, what), live = self.hosts[number], action, self.live
        act = getattr(host, {"break": "break_"}.get(kind, kind.replace(" ", "_")))

        def run():
            with contextlib.suppress(StateUnavailable):
                act(what, live)

        self.running[number] = self.world.begin(run)
        self._steps(number, "", steps)

    @rule(which=st.integers(0, HOSTS - 1), fault=st.sampled_from([*FAULTS, "", *FAULTS, ""]), steps=st.integers(1, 3))
    def step(self, which, fault, steps):
        """A host that does something makes its next requests; something may happen to the first."""
        busy = [number for number, thread in enumerate(self.running) if thread is not None]
        if busy:
            self._steps(busy[which % len(busy)], fault, steps)

    def _steps(self, number, fault, steps):
        for each in (fault, *[""] * (steps - 1)):
            if self.running[number] is not None:
                self._step(number, each)

    @rule()
    def finish_all(self):
        """All hosts come to the end of what they do."""
        for number in range(HOSTS):
            self.finish(number)

    def finish(self, number):
        """A host comes to the end of what it does."""
        while self.running[number] is not None:
            self._step(number)

    @rule(seconds=st.floats(0, 20), what=st.sampled_from(["", "cutover", "stop"]))
    def pass_time(self, seconds, what):
        """Time passes; another cluster becomes live, which hosts see from now on; the memory stops, or is back."""
        self.world.now += seconds
        if what == "cutover":
            self.live = GREEN if self.live is BLUE else BLUE
        self.world.stopped = what == "stop" and not self.world.stopped

    @invariant()
    def no_more_than_the_bound(self):
        """All hosts together take no more machines than one of them may."""
        assert len(self.account.gone_at) <= BOUND

    @invariant()
    def epochs_never_go_back(self):
        """Each write of what is live follows the one that it was made from."""
        epochs = self.world.epochs
        assert epochs[self.epochs_seen :] == [*range(self.epochs_seen + 1, len(epochs) + 1)]
        self.epochs_seen = len(epochs)

    def teardown(self):
        """What the memory says in the end is what was done, as far as that is certain."""
        self.world.stopped = False
        while any(self.running):
            for number in range(HOSTS):
                if self.running[number] is not None:
                    self._step(number, "killed before")
        assert fits_bucket(self.account.launched)
        observer = self._new(1)
        on = {each.id for each in observer.shared.freezes(self.world.now)}
        if observer.glasses is not None:
            on |= {glass["reason"] for glass in observer.glasses.broken(self.world.now)}
        assert on >= self.account.on
        assert not on & self.account.off
        # No host has overwritten what another one wrote.
        assert self.account.steps <= {*observer.cutovers.read(observer.scope).document.get("steps", ())}
        records = {record.request.id: record for record in observer.board.all()}
        assert {self.account.requests[number].id for number in self.account.asked} <= records.keys()
        for number, decision in self.account.holding.items():
            assert records[self.account.requests[number].id].used_by == decision


# What has to happen at least once, or the runs prove nothing.
HAPPENS = {"taken", "not taken", "launched", "refused", "looked", "frozen", "lifted", "used", "given back"}


def drive(open_memory, examples):
    """Run examples on new memories; returns what was done, counted. Raises AssertionError where something is broken."""
    did = Counter()
    few = settings(
        max_examples=examples,
        stateful_step_count=40,
        derandomize=True,
        deadline=None,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    with one_after_the_other():
        run_state_machine_as_test(lambda: Hosts(open_memory(), did), settings=few)
    return did


@contextlib.contextmanager
def one_after_the_other():
    """Requests that a host makes side by side come in turn, with other hosts' between."""
    with pytest.MonkeyPatch.context() as patch:
        for module in (store, membership):
            patch.setattr(module, "at_once", lambda tasks: [task() for task in tasks])
        yield


def files(folder):
    """Opens a new file of a host, each time in a folder of its own."""
    return lambda: File(Path(tempfile.mkdtemp(dir=folder)))


def test_hosts_with_a_table():
    """Whatever happens to hosts that share a table, the bounds hold, and a grant is used once."""
    conditions = {""}

    def open_memory():
        made = DictTable()
        made.world.conditions = conditions
        return made

    did = drive(open_memory, 50)
    assert did.keys() >= HAPPENS | {"broken", *FAULTS}
    # Each of them is needed, as is shown below.
    assert conditions == {"", *FOUND_BY_HOSTS, *DIRECTED} - {_COUNTED}


def test_processes_with_a_file(tmp_path):
    """The same holds for processes of one host that share its file."""
    assert drive(files(tmp_path), 40).keys() >= HAPPENS


def test_hosts_with_dynalite(dynalite, monkeypatch):
    """The same holds for hosts that share a table of dynalite."""
    for name, value in (("ENDPOINT_URL_DYNAMODB", dynalite), ("ACCESS_KEY_ID", "test"), ("SECRET_ACCESS_KEY", "test")):
        monkeypatch.setenv(f"AWS_{name}", value)
    place = Place("model", "eu-west-1", timeout_s=60)
    list(create(place))
    numbers, client = itertools.count(), Table(place).client()
    assert drive(lambda: RealTable(place, next(numbers), client), 20).keys() >= {"taken", "launched", "used", *FAULTS}


# -- without one of the conditions ------------------------------------------------------------------------------------

# How the one begins that names all claims that are counted from now on.
_COUNTED = "attribute_exists(#n0)"
FOUND_BY_HOSTS = [turns.WAS_FULL, approvals.FREE]


@pytest.mark.parametrize("condition", FOUND_BY_HOSTS)
def test_hosts_find_what_is_missing(condition):
    """Without this condition, the same examples find launches that come too fast, or a grant that is used twice."""
    with pytest.raises(AssertionError):
        drive(lambda: DictTable(condition), 200)


def side_by_side(world, hosts):
    """Let hosts make their requests in turns."""
    running = [world.begin(host) for host in hosts]
    while running:
        running = [host for host in running if world.step(host)]


def one_history(world):
    """Whether two hosts that see the first live cluster, and then another one, at the same moment write one history."""
    histories = [History(DynamoStore(Place("t"), table=lambda _: SimulatedTable(world)), str) for _ in range(2)]
    machines = {"i-1": MachineState("attic", "running")}
    for live in (BLUE, GREEN):
        looks = [
            lambda each=each, live=live: each.past(SCOPE, *terminating(), machines, live, world.now)
            for each in histories
        ]
        side_by_side(world, looks)
    return world.epochs == [1, 2]


def one_cutover(world):
    """Whether of two hosts that write the same step of a cutover at the same moment, one does it; and the next step."""
    cutovers, written = [CutoverTable(SimulatedTable(world)) for _ in range(2)], []

    def step(each):
        return lambda: written.append(each.write(SCOPE, {}, each.read(SCOPE).revision))

    for _ in range(2):
        side_by_side(world, map(step, cutovers))
    return sorted(written) == [False, False, True, True]


def drained_gives_nothing(world):
    """Whether a launch waits no less after AWS has refused one."""
    pacer = Pacer(DynamoStore(Place("t"), table=lambda _: SimulatedTable(world)), share=1.0)
    waits = [pacer.take(SCOPE, launch(), world.now).seconds for _ in range(30)]
    pacer.drained(SCOPE, launch(), world.now)
    return pacer.take(SCOPE, launch(), world.now).seconds > waits[-1]


def given_back_twice(world):
    """Whether another decision keeps an approval that the first gives back by a request that comes twice."""
    board, others = (ApprovalTable(SimulatedTable(world)) for _ in range(2))
    board.ask(request())
    assert board.take(request(), "first")
    faults = ["", "repeated"]
    world.fault = lambda: faults.pop(0) if faults else ""
    host = world.begin(lambda: board.give_back(request().place, request().id, "first"))
    # To the query, to the update, and to the second time of that.
    assert all(world.step(host) for _ in range(3))
    assert others.take(request(), "second")
    while world.step(host):
        pass
    return not others.take(request(), "third")


def refused_take_nothing(world):
    """Whether launches that were refused leave the bucket to those that come later."""
    pacer = Pacer(DynamoStore(Place("t"), table=lambda _: SimulatedTable(world)), share=1.0, max_wait_s=5)
    refused = [pacer.take(SCOPE, launch(), world.now).refused for _ in range(60)]
    assert any(refused)
    return not pacer.take(SCOPE, launch(), world.now + 20).refused


def deleted_bucket(world):
    """Whether tokens can be given back to a bucket that AWS has deleted meanwhile, because it was not used for long."""
    draw = Draw(Bucket("RunInstances", 5, 2), 1)
    try:
        turns.give_back(SimulatedTable(world), SCOPE, draw)
    except StateUnavailable:
        return False
    return True


def counted_once(world):
    """Whether claims that two hosts count instead of keeping them at the same moment count once."""
    key = ledger.key(SCOPE, "workers")
    old = {"at": world.now - 1000, "s": 1.0, "terminate": frozenset(f"i-{number:017x}" for number in range(5000))}
    world.items[key] = {"c_a": old}
    for _ in range(2):
        read = {"workers": {"c_a": old}}
        compact(SimulatedTable(world), Asked(SCOPE, "x", "call ec2:X", BLUE, world.now), read, world.now)
    return sum(each for name, each in world.items[key].items() if name.startswith("m_")) == 5000


DIRECTED = {
    "attribute_not_exists(#e)": one_history,
    "#e = :epoch": one_history,
    "attribute_not_exists(#r)": one_cutover,
    "#r = :revision": one_cutover,
    "attribute_not_exists(pk) OR #t < :empty": drained_gives_nothing,
    approvals.MINE: given_back_twice,
    turns.HAS_ROOM: refused_take_nothing,
    turns.IS_THERE: deleted_bucket,
    _COUNTED: counted_once,
}


@pytest.mark.parametrize("condition", DIRECTED)
def test_a_missing_condition_is_found(condition):
    """What holds with this condition does not hold without it."""
    with one_after_the_other():
        assert DIRECTED[condition](World(0))
        assert not DIRECTED[condition](World(0, ignored=condition))


def _main(examples):
    with tempfile.TemporaryDirectory() as folder:
        for name, open_memory in (("table", DictTable), ("file", files(folder))):
            print(name, dict(drive(open_memory, examples)))


if __name__ == "__main__":
    _main(int(sys.argv[1]))
