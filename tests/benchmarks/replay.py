"""How long a replay takes, and what it keeps in memory: ``python -m tests.benchmarks.replay [--decisions 100000]``.

Real decisions on simulated AWS are recorded, copied with new ids until there are enough, and replayed by the command
in a process of its own, once for a tenth and once for all: the ratio of the two peaks says whether memory is flat.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import resource
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path

from attrs import frozen

import guardrails
from guardrails.testing import SimulatedAWS
from tests.benchmarks.row import Row


def rows(*, quick: bool = False, decisions: int = 100_000, jobs: int = 2) -> Iterator[Row]:
    """One row."""
    if quick:
        decisions, jobs = 100, 1
    with tempfile.TemporaryDirectory() as folder:
        config = Path(folder) / "guardrails.toml"
        config.write_text('[log]\npath = "decisions.jsonl"\n')
        entries, found = _record(config, 1 if quick else 6), []
        for count in (decisions // 10, decisions):
            log = Path(folder) / f"{count}.jsonl"
            _copy(entries, log, count)
            found.append(_replay(config, log, jobs))
            log.unlink()
    few, many = found
    yield Row(
        what=f"replay of {decisions:,} decisions, {jobs} jobs: {many.changed} changed",
        figure=(
            f"{many.seconds / few.seconds:.1f} x the time and {many.peak_mb / few.peak_mb:.2f} x the memory of a tenth "
            "of them"
        ),
        cpu=f"{many.cpu_s / decisions * 1000:.2f} ms a decision",
        command="python -m tests.benchmarks.replay",
    )


def main() -> None:
    """Measure and print."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--decisions", type=int, default=100_000)
    options.add_argument("--jobs", type=int, default=2)
    asked = options.parse_args()
    for row in rows(decisions=asked.decisions, jobs=asked.jobs):
        print(row.line)


def _record(config: Path, size: int) -> list[dict]:
    with SimulatedAWS() as aws:
        blue, green = aws.start_cluster("blue", size, addresses=1), aws.start_cluster("green", size)
        ec2 = aws.client("ec2")
        with contextlib.redirect_stderr(None):
            guard = guardrails.install(str(config))
        try:
            for machine in (*blue.instance_ids, *green.instance_ids):
                for call in (ec2.stop_instances, ec2.start_instances, ec2.reboot_instances):
                    with contextlib.suppress(Exception):
                        call(InstanceIds=[machine])
        finally:
            guardrails.uninstall()
        return [json.loads(line) for line in guard.settings.log.path.read_text().splitlines()]


def _copy(entries: list[dict], log: Path, count: int) -> None:
    with log.open("w") as file:
        for number in range(count):
            file.write(json.dumps({**entries[number % len(entries)], "decision_id": f"{number:08}"}) + "\n")


@frozen
class _Replayed:
    """Seconds of time and of processor time, MB of all processes at the peak, and how many decisions changed."""

    seconds: float
    cpu_s: float
    peak_mb: float
    changed: int


def _replay(config: Path, log: Path, jobs: int) -> _Replayed:
    command = [sys.executable, "-m", "guardrails", "policy", "--config", str(config), "replay", str(log)]
    before, started = _children_cpu_s(), time.perf_counter()
    process = subprocess.Popen([*command, "--jobs", str(jobs), "--format", "json"], stdout=subprocess.PIPE)
    peak = [0]
    watcher = threading.Thread(target=_watch, args=(process, peak))
    watcher.start()
    found = json.loads(process.communicate()[0])
    taken = time.perf_counter() - started
    watcher.join()
    return _Replayed(taken, _children_cpu_s() - before, peak[0] / 1e3, found["changed"])


def _children_cpu_s() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _watch(process: subprocess.Popen, peak: list[int]) -> None:
    """The most memory that the process and its children held at one time, in kB (Linux: /proc)."""
    while process.poll() is None:
        pids = [process.pid, *_children(process.pid)]
        peak[0] = max(peak[0], sum(map(_resident, pids)))
        time.sleep(0.05)


def _children(pid: int) -> list[int]:
    with contextlib.suppress(OSError):
        return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    return []


def _resident(pid: int) -> int:
    with contextlib.suppress(OSError):
        pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE") // 1000
    return 0


if __name__ == "__main__":
    main()
