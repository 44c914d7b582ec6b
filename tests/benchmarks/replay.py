"""How long a replay takes, and what it keeps in memory: ``python -m tests.benchmarks.replay [--decisions 100000]``.

Real decisions on simulated AWS are recorded, copied with new ids until there are enough, and replayed by the command
in a process of its own, once for a tenth and once for all: the ratio of the two peaks says whether memory is flat.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import guardrails
from guardrails.testing import SimulatedAWS


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--decisions", type=int, default=100_000)
    options.add_argument("--jobs", type=int, default=2)
    asked = options.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        config = Path(folder) / "guardrails.toml"
        config.write_text('[log]\npath = "decisions.jsonl"\n')
        entries = _record(config)
        for count in (asked.decisions // 10, asked.decisions):
            log = Path(folder) / f"{count}.jsonl"
            _copy(entries, log, count)
            _replay(config, log, asked.jobs)
            log.unlink()


def _record(config: Path) -> list[dict]:
    with SimulatedAWS() as aws:
        blue, green = aws.start_cluster("blue", 6, addresses=2), aws.start_cluster("green", 6)
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


def _replay(config: Path, log: Path, jobs: int) -> None:
    command = [sys.executable, "-m", "guardrails", "policy", "--config", str(config), "replay", str(log)]
    started = time.perf_counter()
    process = subprocess.Popen([*command, "--jobs", str(jobs), "--format", "json"], stdout=subprocess.PIPE)
    peak = [0]
    watcher = threading.Thread(target=_watch, args=(process, peak))
    watcher.start()
    told = json.loads(process.communicate()[0])
    taken = time.perf_counter() - started
    watcher.join()
    print(
        f"{told['decisions']:>9,} decisions  {log.stat().st_size / 1e6:6.0f} MB  {taken:6.1f} s  "
        f"{told['decisions'] / taken:6,.0f}/s  changed {told['changed']}  "
        f"peak of all {jobs + 1} processes {peak[0] / 1e3:.0f} MB"
    )


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
