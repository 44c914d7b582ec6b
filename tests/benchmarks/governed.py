"""What a governed call costs: how many look-ups it makes, and how many round trips it takes longer.

    python -m tests.benchmarks.governed [--rounds N] [--delay-ms N]

The simulated AWS answers every request that much later. Round trips are the added time with the delay less the added
time without it, in units of the delay: what the simulation itself takes to answer (a second for 1,000 machines, on a
slow machine) is in both, and drops out. Each call follows one that was sent, so nothing is answered from memory.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path

import guardrails
from guardrails.testing import SimulatedAWS

TARGETS = (1, 100, 1000)


def _time(client, machines: list[str], rounds: int) -> float:
    """Seconds of the fastest of some calls that AWS answers alike: what else runs here only adds to a call."""
    took = []
    for number in range(rounds + 1):
        started = time.perf_counter()
        client.reboot_instances(InstanceIds=machines)
        # The first opens connections.
        if number:
            took.append(time.perf_counter() - started)
    return min(took)


def _added(aws: SimulatedAWS, client, machines: list[str], rounds: int, log: Path) -> tuple[float, float]:
    """Seconds that the guard adds to a call, and the look-ups it makes for it."""
    bare = _time(client, machines, rounds)
    # The simulation may take longer to answer than facts may be old.
    guardrails.install({"log": {"path": str(log)}, "max_fact_age_s": 60})
    aws.clear()
    try:
        guarded = _time(client, machines, rounds)
        lookups = (len(aws.requests) - (rounds + 1)) / (rounds + 1)
    finally:
        guardrails.uninstall()
    return guarded - bare, lookups


def main() -> None:
    """Measure and print."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--rounds", type=int, default=5)
    options.add_argument("--delay-ms", type=float, default=50)
    given = options.parse_args()
    delay = given.delay_ms / 1000
    print(f"{'targets':>8}{'look-ups':>10}{'added ms, no delay':>20}{'added ms, delay':>18}{'round trips':>13}")
    with SimulatedAWS() as aws, tempfile.TemporaryDirectory() as folder:
        log = Path(folder) / "log.jsonl"
        for count in TARGETS:
            aws.reset()
            aws.start_cluster("blue", 2, addresses=1)
            green = list(aws.start_cluster("green", count).instance_ids)
            client = aws.client("ec2")
            without, _ = _added(aws, client, green, given.rounds, log)
            aws.delay(delay)
            delayed, lookups = _added(aws, client, green, given.rounds, log)
            trips = (delayed - without) / delay
            print(f"{count:>8}{lookups:>10.1f}{without * 1000:>20.1f}{delayed * 1000:>18.1f}{trips:>13.2f}")


if __name__ == "__main__":
    main()
