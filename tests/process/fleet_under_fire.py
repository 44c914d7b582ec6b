"""Eight processes that take machines of one cluster, killed at random: together no more than the bound.

``python -m tests.process.fleet_under_fire 20`` makes twenty runs on a dynalite of its own, and prints what each took.
Between the processes and the table is a proxy that delays, loses, resets and repeats requests and answers. Each process
takes a machine where its claim's past leaves room, as the policy `remaining` decides; what it takes, it notes in a
file, which stands for AWS.
"""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from guardrails.memory import History, MachineState
from guardrails.memory.dynamodb import DynamoStore, Place
from guardrails.memory.dynamodb.administration import create
from guardrails.memory.store import StateUnavailable
from guardrails.resolve.ownership import Ownership
from tests.faults import answers
from tests.faults.proxy import STATE, Proxy
from tests.process.test_history import BLUE, SCOPE, terminating
from tests.support.waiting import until

BOUND = 13
_PROCESSES = 8
# The share of requests that something happens to, and what.
_SHARE = 0.1
_FAULTS = (
    *map(answers.late, (0.05, 0.3, 1)),
    answers.lost,
    answers.unheard,
    answers.reset,
    answers.twice,
    answers.refused(500, "InternalServerError"),
)
_MACHINES = {f"i-{number:03}": MachineState("workers", "running") for number in range(400)}


def run(url: str, seed: int, seconds: float) -> tuple[int, int]:
    """One run on a table of its own: how many machines were taken, and how many requests were made for that."""
    place = Place(f"fire-{os.getpid()}-{seed}", "eu-west-1", timeout_s=20)
    environment = {**os.environ, "AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test"}
    with tempfile.TemporaryDirectory() as folder, Proxy(url, STATE) as proxy:
        environment["AWS_ENDPOINT_URL_DYNAMODB"] = proxy.endpoint
        taken = Path(folder) / "taken"
        taken.touch()
        command = [sys.executable, "-m", "tests.process.fleet_under_fire", "fire", place.table, str(taken)]
        with subprocess.Popen([*command, str(seed), str(seconds)], env=environment, stdout=subprocess.PIPE) as process:
            # The table is there.
            assert process.stdout is not None
            assert process.stdout.readline() == b"ready\n"
            proxy.answer = answers.sometimes(random.Random(seed), _SHARE, *_FAULTS)
        assert process.returncode == 0
        return len(set(taken.read_text().split())), len(proxy.asked)


def _fire(table: str, taken: str, seed: int, seconds: float) -> None:
    """Fork processes, and kill one after the other, until the time is over."""
    place = Place(table, "eu-west-1", timeout_s=20)
    list(create(place))
    print("ready", flush=True)
    chance = random.Random(seed)
    running = [_forked(place, taken, number) for number in range(_PROCESSES)]
    # On a slow machine each might be killed before it is ready to take one.
    until(lambda: Path(taken).stat().st_size)
    end = time.monotonic() + seconds
    number = _PROCESSES
    while time.monotonic() < end:
        time.sleep(chance.uniform(0.05, 0.4))
        victim = chance.randrange(_PROCESSES)
        _kill(running[victim])
        running[victim] = _forked(place, taken, number)
        number += 1
    for process in running:
        _kill(process)


def _forked(place: Place, taken: str, number: int) -> int:
    process = os.fork()
    if not process:
        try:
            _work(place, taken, number)
        finally:
            os._exit(1)
    return process


def _kill(process: int) -> None:
    os.kill(process, signal.SIGKILL)
    os.waitpid(process, 0)


def _work(place: Place, taken: str, number: int) -> None:
    history = History(DynamoStore(place), Ownership().named)
    chance = random.Random(number)
    file = os.open(taken, os.O_WRONLY | os.O_APPEND)
    while True:
        names = chance.sample(sorted(_MACHINES), chance.choice((1, 1, 2, 3)))
        now = time.time()
        try:
            claim, past = history.claim(SCOPE, *terminating(*names), _MACHINES, BLUE, now)
        except StateUnavailable:
            continue
        fits = len({*past.going, *names}) <= BOUND
        if fits:
            # One write: either AWS got the call, or it did not.
            os.write(file, (" ".join(names) + "\n").encode())
        claim.settle(now, sent=fits)


def _main(arguments: list[str]) -> None:
    if arguments[0] == "fire":
        _fire(arguments[1], arguments[2], int(arguments[3]), float(arguments[4]))
        return
    from tests.support import dynalite

    with dynalite.running(dynalite.program()) as url:
        for seed in range(int(arguments[0])):
            taken, requests = run(url, seed, 10)
            print(f"run {seed}: {taken} of {BOUND}, with {requests} requests", flush=True)


if __name__ == "__main__":
    _main(sys.argv[1:])
