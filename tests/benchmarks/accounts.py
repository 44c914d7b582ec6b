"""What one governed call costs in accounts of different sizes: processor time, requests, round trips.

    python -m tests.benchmarks.accounts [--machines N ...] [--targets N ...] [--delay-ms N] [--calls N]

Each call terminates machines of clusters that are not live, with the default settings but for pacing, at a stand-in for
EC2 (stand_in.py) that answers at once, or after the delay. Nothing is answered from memory, because each call follows
one that was sent. The first call of a process, which makes clients, is counted apart; the goal for round trips holds
for it, too. Beside it stands the first call ever of a host, which has learned nothing yet. CPU is this process's time
for the whole call, as users pay it. Round trips are counted at the stand-in: the longest chain of requests that waited
for each other, the call itself included. Clusters have 100 machines, or half of the account.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from pathlib import Path

import boto3
from attrs import evolve, frozen

import guardrails
from tests.benchmarks import stand_in
from tests.benchmarks.row import Row
from tests.benchmarks.stand_in_machines import machine_id

SMALL = 100
_PAGE = 1000
_COMMAND = "python -m tests.benchmarks.accounts"
_KEYS = {"region_name": "eu-west-1", "aws_access_key_id": "testing", "aws_secret_access_key": "testing"}


@frozen
class Cost:
    """Medians for one call; the times without and with the delay, in seconds.

    `first` is a process's first call, and `ever` the first one of a host.
    """

    cpu_s: float
    at_once_s: float
    delayed_s: float
    requests: float
    trips: float
    outcome: str
    first_requests: float
    first_trips: float
    ever_requests: float = 0.0
    ever_trips: float = 0.0


@frozen
class Made:
    """Calls after the first, medians: CPU and time in seconds; requests and round trips of the first and the others."""

    cpu_s: float
    wall_s: float
    requests: tuple[float, float]
    trips: tuple[float, float]
    outcome: str


def calls(send: Callable[[], object], address: str, count: int, delay_s: float) -> Made:
    """Make one call and then `count` more. `outcome` is what became of the worst."""
    cpu, wall, requests, trips, outcome = [], [], [], [], "sent"
    for _ in range(count + 1):
        stand_in.recorded(address, delay_s)
        started, began = time.process_time(), time.perf_counter()
        try:
            send()
        except guardrails.CallDenied as error:
            outcome = _why(error)
        cpu.append(time.process_time() - started)
        wall.append(time.perf_counter() - began)
        asked = stand_in.recorded(address, delay_s)
        requests.append(len(asked))
        trips.append(stand_in.trips(asked))
    of = statistics.median
    others = [each[1:] or each for each in (cpu, wall, requests, trips)]
    both = ((requests[0], of(others[2])), (trips[0], of(others[3])))
    return Made(of(others[0]), of(others[1]), *both, outcome)


def _why(error: guardrails.CallDenied) -> str:
    rules = sorted({each.rule for each in error.decision.violations})
    return f"denied by {', '.join(rules) or error.decision.unavailable}"[:100]


def measure(machines: int, targets: Iterable[int], delay_s: float, count: int) -> Iterator[tuple[int, Cost, Cost]]:
    """For each number of targets: the cost without the guard, and with it."""
    first = stand_in.cluster_size(machines)
    with stand_in.account(machines) as address, tempfile.TemporaryDirectory() as folder:
        client = boto3.client("ec2", endpoint_url=address, **_KEYS)
        for wanted in targets:
            ids = [machine_id(first + number) for number in range(wanted)]
            send = partial(client.terminate_instances, InstanceIds=ids)
            yield wanted, cost(send, address, delay_s, count), guarded(send, address, delay_s, count, Path(folder))


def guarded(send: Callable[[], object], address: str, delay_s: float, count: int, folder: Path) -> Cost:
    """The cost with the guard, with its default settings but for pacing, on a host that knows nothing at first."""
    # The same calls again and again would have to wait for their turn in AWS's limits.
    settings = {"log": {"path": str(folder / "log")}, "pacing": {"enabled": False}}
    try:
        guardrails.install(settings)
        ever = calls(send, address, 0, delay_s)
        guardrails.uninstall()
        guardrails.install(settings)
        made = cost(send, address, delay_s, count)
        return evolve(made, ever_requests=ever.requests[0], ever_trips=ever.trips[0])
    finally:
        guardrails.uninstall()
        for each in folder.glob("state.db*"):
            each.unlink()


def cost(send: Callable[[], object], address: str, delay_s: float, count: int) -> Cost:
    """The cost of calls with the delay, and at once."""
    # With the delay first: only then the chains of the first call are certain.
    delayed = calls(send, address, count, delay_s)
    at_once = calls(send, address, count, 0.0)
    (first_requests, requests), (first_trips, trips) = delayed.requests, delayed.trips
    return Cost(
        at_once.cpu_s, at_once.wall_s, delayed.wall_s, requests, trips, delayed.outcome, first_requests, first_trips
    )


def rows(
    *,
    quick: bool = False,
    machines: Iterable[int] = (1000, 10_000, 50_000),
    targets: Iterable[int] = (1, 10, 100, 1000),
    delay_s: float = 0.05,
    count: int = 3,
) -> Iterator[Row]:
    """A row for each account and number of targets, and one for what must hold."""
    if quick:
        machines, targets, delay_s, count = (200,), (1,), 0.01, 1
    smallest: dict[int, tuple[int, Cost]] = {}
    for size in (SMALL, *machines):
        fitting = [wanted for wanted in targets if wanted <= size - stand_in.cluster_size(size)]
        for wanted, bare, made in measure(size, fitting, delay_s, count):
            smallest.setdefault(wanted, (size, made))
            yield _row(size, wanted, bare, made, smallest[wanted], delay_s)


def _row(size: int, wanted: int, bare: Cost, made: Cost, smallest: tuple[int, Cost], delay_s: float) -> Row:
    least, small = smallest
    at_once, delayed = made.at_once_s / bare.at_once_s, made.delayed_s / bare.delayed_s
    cpu, added = made.cpu_s / small.cpu_s, max(made.trips, made.first_trips) - bare.trips
    goal, met = "", None
    if size > SMALL:
        most = 1.5 if size <= _PAGE else 2.5
        goal = f"sent, at most {most} added trips"
        met = made.outcome == "sent" and added <= most
        if size > _PAGE and least == SMALL:
            goal += f"; CPU and trips at most 2 x those of {SMALL} machines"
            met = met and cpu <= 2 and made.trips <= 2 * small.trips
    return Row(
        what=f"terminate {wanted:,} of {size:,} machines: {made.outcome}",
        figure=f"{at_once:.1f} x the bare call's time; {delayed:.1f} x at {delay_s * 1000:.0f} ms",
        cpu=f"{made.cpu_s / bare.cpu_s:.1f} x bare, {cpu:.2f} x that of {least:,} machines",
        requests=(
            f"{made.requests:.0f} in {made.trips:.0f} trips, the first of a process {made.first_requests:.0f} in "
            f"{made.first_trips:.0f}, the first ever {made.ever_requests:.0f} in {made.ever_trips:.0f}; bare 1"
        ),
        goal=goal,
        met=met,
        command=f"{_COMMAND} --machines {size} --targets {wanted}",
    )


def main() -> None:
    """Measure and print."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--machines", type=int, nargs="+", default=[1000, 10_000, 50_000])
    options.add_argument("--targets", type=int, nargs="+", default=[1, 10, 100, 1000])
    options.add_argument("--delay-ms", type=float, default=50)
    options.add_argument("--calls", type=int, default=3)
    given = options.parse_args()
    for row in rows(machines=given.machines, targets=given.targets, delay_s=given.delay_ms / 1000, count=given.calls):
        print(row.line, flush=True)


if __name__ == "__main__":
    main()
