"""What one decision costs in accounts of different sizes: processor time, requests, round trips.

    python -m tests.benchmarks.accounts [--machines N ...] [--delay-ms N] [--calls N]

Each call terminates machines of a cluster that is not live, with the default settings, at a stand-in for EC2
(stand_in.py). Nothing is answered from memory, because each follows one that was sent. CPU is this process's time for a
whole call, less that of the same call without the guard; trips are the added time with the delay less the added time
without it, in delays; "of 100" compares with the account of 100 machines in the same run.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path

import boto3

import guardrails
from tests.benchmarks import stand_in


def _calls(client, ids: list[str], count: int) -> tuple[float, float, str]:
    """Seconds of processor time and of time per call, medians; and what became of the last."""
    cpu, wall, outcome = [], [], "sent"
    for _ in range(count):
        started, began = time.process_time(), time.perf_counter()
        try:
            client.terminate_instances(InstanceIds=ids)
        except guardrails.CallDenied as error:
            outcome = str(error).partition(":")[0][:60]
        cpu.append(time.process_time() - started)
        wall.append(time.perf_counter() - began)
    return sorted(cpu)[count // 2], sorted(wall)[count // 2], outcome


def _row(machines: int, targets: int, delay_s: float, count: int) -> dict[str, float | str]:
    ids = [stand_in.machine_id(stand_in.CLUSTER + number) for number in range(targets)]
    with stand_in.account(machines) as address, tempfile.TemporaryDirectory() as folder:
        client = boto3.client(
            "ec2", "eu-west-1", endpoint_url=address, aws_access_key_id="testing", aws_secret_access_key="testing"
        )
        took = {}
        for guarded in (False, True):
            if guarded:
                guardrails.install({"log": {"path": str(Path(folder) / "log")}, "pacing": {"enabled": False}})
            for delay in (0.0, delay_s):
                stand_in.asked(address, delay)
                _calls(client, ids, 1)
                stand_in.asked(address, delay)
                took[guarded, delay] = _calls(client, ids, count)
                requests = stand_in.asked(address).total() / count
        guardrails.uninstall()
    (bare, bare_wall, _), (cpu, wall, _) = took[False, 0.0], took[True, 0.0]
    trips = (took[True, delay_s][1] - took[False, delay_s][1] - (wall - bare_wall)) / delay_s
    return {"cpu": cpu - bare, "requests": requests - 1, "trips": trips, "outcome": took[True, delay_s][2]}


def main() -> None:
    """Measure and print."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--machines", type=int, nargs="+", default=[1000, 10_000, 50_000])
    options.add_argument("--targets", type=int, default=1)
    options.add_argument("--delay-ms", type=float, default=50)
    options.add_argument("--calls", type=int, default=3)
    given = options.parse_args()
    print(f"{'machines':>9}{'CPU ms':>9}{'of 100':>8}{'ms/machine':>12}{'requests':>10}{'trips':>7}  outcome")
    small = 0.0
    for machines in (100, *given.machines):
        row = _row(machines, given.targets, given.delay_ms / 1000, given.calls)
        small = small or row["cpu"]
        each = row["cpu"] * 1000
        print(
            f"{machines:>9}{each:>9.1f}{row['cpu'] / small:>8.1f}{each / machines:>12.3f}{row['requests']:>10.1f}"
            f"{row['trips']:>7.1f}  {row['outcome']}"
        )


if __name__ == "__main__":
    main()
