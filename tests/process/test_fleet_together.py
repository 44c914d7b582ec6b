"""Many hosts on one table of dynalite: together they get no more through than one host may.

`python -m tests.process.fleet_under_fire RUNS` does the same for longer.
"""

from __future__ import annotations

import itertools
import threading

import pytest

from guardrails.memory import History, MachineState
from guardrails.memory.dynamodb import DynamoStore, Place
from guardrails.memory.dynamodb.administration import create
from guardrails.memory.pacer import Pacer
from guardrails.resolve.ownership import Ownership
from tests.process import fleet_under_fire
from tests.process.test_history import BLUE, NOW, SCOPE, terminating
from tests.process.test_pacing import launch

MACHINES = {f"i-{number:02}": MachineState("workers", "running") for number in range(64)}


@pytest.fixture
def place(dynalite, monkeypatch, request):
    """A table of this test's own."""
    monkeypatch.setenv("AWS_ENDPOINT_URL_DYNAMODB", dynalite)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    made = Place(f"table-{abs(hash(request.node.name))}", "eu-west-1", timeout_s=60)
    for _ in create(made):
        pass
    return made


def at_once(tasks):
    threads = [threading.Thread(target=task) for task in tasks]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def test_what_claims_saw_forms_one_chain(place):
    """Of forty claims at once by eight hosts, each sees all that came before it: the sizes are 0 to 39."""
    hosts = [History(DynamoStore(place), Ownership().named) for _ in range(8)]
    seen = []

    def claim(number):
        for each in range(5):
            name = f"i-{5 * number + each:02}"
            _, past = hosts[number].claim(SCOPE, *terminating(name), MACHINES, BLUE, NOW)
            seen.append((name, frozenset(past.going)))

    at_once([lambda number=number: claim(number) for number in range(8)])
    chain = sorted(seen, key=lambda each: len(each[1]))
    assert [len(before) for _, before in chain] == list(range(40))
    for (name, before), (_, after) in itertools.pairwise(chain):
        assert after == before | {name}


def test_hosts_share_a_bucket(place):
    """Twenty launches at once by four hosts get twenty different turns."""
    pacers = [Pacer(DynamoStore(place), share=1.0) for _ in range(4)]
    turns = []
    at_once(
        [
            lambda pacer=pacer: turns.extend(pacer.take(SCOPE, launch(), NOW).seconds for _ in range(5))
            for pacer in pacers
        ]
    )
    assert sorted(turns) == pytest.approx([0] * 5 + [number / 2 for number in range(1, 16)])


def test_one_cutover_for_all_hosts(place):
    """Hosts that see a cutover at the same moment agree on when it was."""
    green = type(BLUE)(known=True, disputed=False, clusters=("green",))
    hosts = [History(DynamoStore(place), Ownership().named) for _ in range(8)]
    hosts[0].past(SCOPE, *terminating("i-00"), MACHINES, BLUE, NOW)
    retired = []
    at_once(
        [
            lambda host=host, number=number: retired.append(
                host.past(SCOPE, *terminating("i-00"), MACHINES, green, NOW + 60 + number).retired_at
            )
            for number, host in enumerate(hosts)
        ]
    )
    assert len(retired) == 8
    last = hosts[0].past(SCOPE, *terminating("i-00"), MACHINES, green, NOW + 90)
    assert list(last.retired_at) == ["blue"]
    assert last.live_since["green"] == last.retired_at["blue"]


def test_killed_at_random_within_the_bound(dynalite):
    """Eight processes that are killed at random, behind a proxy with faults, take at most thirteen machines together.

    In each of two runs.
    """
    for seed in range(2):
        taken, requests = fleet_under_fire.run(dynalite, seed, seconds=4)
        assert 0 < taken <= fleet_under_fire.BOUND
        assert requests > taken
