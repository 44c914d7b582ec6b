"""What the shared memory costs: writes forced to the disk, and decisions a second from threads and processes.

    python -m tests.benchmarks.state [--calls N] [--threads N] [--processes N]

Beside the kept connection stands the way it was before: a connection for each transaction. Calls are made at a stand-in
for EC2 (stand_in.py) in a process of their own. fdatasync and fsync are counted by strace, as the difference of a
process that makes the calls and one that makes none; for the other figures, nothing is traced.
"""

from __future__ import annotations

import argparse
import contextlib
import re
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3

import guardrails
from guardrails.memory.sqlite.connection import Connection
from tests.benchmarks import stand_in
from tests.benchmarks.row import Row

_COMMAND = "python -m tests.benchmarks.state"
_MACHINES = 20
_GOAL_SYNCS, _GOAL_FASTER = 2.0, 3.0


def _former_way() -> None:
    """Let each transaction open a connection of its own, and close it at the next one."""
    kept = Connection.get

    def get(connection: Connection, timeout_s: float) -> Any:
        connection.close()
        return kept(connection, timeout_s)

    Connection.get = get  # type: ignore[method-assign]


def work(way: str, address: str, folder: str, calls: int, threads: int, machine: int) -> None:
    """Make the calls, and print how many were decided in a second, and the CPU time of each in ms."""
    if way == "former":
        _former_way()
    guardrails.install({"log": {"path": f"{folder}/log"}, "pacing": {"enabled": False}})
    clients = [
        boto3.client(
            "ec2", "eu-west-1", endpoint_url=address, aws_access_key_id=f"testing{number}", aws_secret_access_key="x"
        )
        for number in range(threads)
    ]

    def call(client: Any) -> None:
        for _ in range(calls):
            with contextlib.suppress(guardrails.CallDenied):
                client.terminate_instances(InstanceIds=[stand_in.machine_id(machine)])

    if calls:
        # Connections are opened by a call that is not counted.
        clients[0].describe_addresses()
    began, started = time.perf_counter(), time.process_time()
    workers = [threading.Thread(target=call, args=(client,)) for client in clients]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    made = max(1, calls * threads)
    print(made / (time.perf_counter() - began), (time.process_time() - started) / made * 1000)


def _command(
    way: str, address: str, folder: Path, calls: int, threads: int = 1, machine: int = _MACHINES - 1
) -> list[str]:
    folder.mkdir(parents=True, exist_ok=True)
    given = [way, address, str(folder), str(calls), str(threads), str(machine)]
    return [sys.executable, "-m", "tests.benchmarks.state", "--worker", *given]


def _syncs(way: str, address: str, folder: Path, calls: int, machine: int) -> float | None:
    """fdatasync and fsync per call; None without strace."""
    if shutil.which("strace") is None:
        return None
    counts = []
    for number in (0, calls):
        trace = folder / f"{way}-{machine}-{number}.trace"
        command = _command(way, address, folder / f"{way}-{machine}-{number}", number, machine=machine)
        tracer = ["strace", "-f", "--seccomp-bpf", "-e", "trace=fdatasync,fsync", "-o", str(trace)]
        if subprocess.run([*tracer, *command], check=False, capture_output=True).returncode:
            return None
        counts.append(len(re.findall(r"^\d+ +(?:fdatasync|fsync)\(", trace.read_text(), re.MULTILINE)))
    return (counts[1] - counts[0]) / calls


def _rates(way: str, address: str, folder: Path, calls: int, threads: int, processes: int) -> tuple[float, float]:
    """Decisions in a second of all processes together, and the CPU time of each in ms."""
    command = _command(way, address, folder / f"{way}-{threads}-{processes}", calls, threads)
    workers = [subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) for _ in range(processes)]
    found = [tuple(map(float, worker.communicate()[0].split())) for worker in workers]
    return sum(rate for rate, _ in found), sum(cpu for _, cpu in found) / processes


def rows(*, quick: bool = False, calls: int = 50, threads: int = 8, processes: int = 4) -> Iterator[Row]:
    """Forced writes of calls that are sent and denied, then threads, then processes; with `quick`, one row of each."""
    writes = [("sent", _MACHINES - 1, _GOAL_SYNCS), ("denied", 0, 0.0)]
    several = [(f"{threads} threads", threads, 1, _GOAL_FASTER), (f"{processes} processes", 1, processes, None)]
    if quick:
        calls, writes, several = 1, writes[:1], several[:1]
    with stand_in.account(_MACHINES) as address, tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for what, machine, goal in writes:
            kept, former = (_syncs(way, address, folder, calls, machine) for way in ("kept", "former"))
            known = kept is not None and former is not None
            yield Row(
                what=f"forced writes of a governed call that is {what}",
                figure=f"{kept:.2f}; {former:.2f} with a connection per transaction" if known else "strace is missing",
                fsyncs=f"{kept:.2f}" if known else "",
                goal=f"at most {goal:g}",
                met=kept <= goal if known else None,
                command=_COMMAND,
            )
        for what, many, times, goal in several:
            # In turns, so that what else runs here slows both.
            pairs = [
                [_rates(way, address, folder / str(turn), calls, many, times) for way in ("former", "kept")]
                for turn in range(1 if quick else 3)
            ]
            faster = sorted(kept[0] / former[0] for former, kept in pairs)[len(pairs) // 2]
            former, kept = pairs[-1]
            yield Row(
                what=f"decisions a second, {what}",
                figure=f"{faster:.1f} x as many as with a connection per transaction",
                cpu=f"{kept[1]:.0f} ms a decision, {kept[1] / former[1]:.2f} of the former",
                goal=f"at least {goal:g} x" if goal else "",
                met=faster >= goal if goal else None,
                command=_COMMAND,
            )


def main() -> None:
    """Measure and print."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--calls", type=int, default=50)
    options.add_argument("--threads", type=int, default=8)
    options.add_argument("--processes", type=int, default=4)
    options.add_argument("--worker", nargs=6, help=argparse.SUPPRESS)
    given = options.parse_args()
    if given.worker:
        way, address, folder, *numbers = given.worker
        work(way, address, folder, *map(int, numbers))
        return
    for row in rows(calls=given.calls, threads=given.threads, processes=given.processes):
        print(row.line, flush=True)


if __name__ == "__main__":
    main()
