"""What the shared memory costs: writes forced to the disk, and decisions a second from threads and processes.

    python -m tests.benchmarks.state [--calls N] [--threads N] [--processes N] [--against CHECKOUT]

Beside the kept connection stands the way it was before: a connection for each transaction, or with --against, another
checkout of the project. Calls are made at a stand-in
for EC2 (stand_in.py) in a process of their own. fdatasync and fsync are counted by strace, as the difference of a
process that makes the calls and one that makes none. In one row strace delays each of them, as a slower disk would, and
slows down both sides besides: it stops a process at each start of a thread. For the other figures, nothing is traced.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from attrs import frozen

import guardrails
from tests.benchmarks import stand_in
from tests.benchmarks.row import Row

_MACHINES = 20
_GOAL_SYNCS, _GOAL_FASTER = 2.0, 3.0
# What a forced write took on the machine where the memory was first measured.
_SLOW_DISK_MS = 10
_WORKER = Path(__file__).with_name("state_worker.py")
_Env = dict[str, str]


@frozen
class _Way:
    """A way to keep the memory: the code in a `checkout` (None: this one), `anew` with a connection per transaction."""

    name: str
    checkout: Path | None = None
    anew: bool = False

    def start(self, address: str, folder: Path, calls: int, threads: int, machine: int) -> tuple[list[str], _Env]:
        """The command that makes the calls, and its environment."""
        folder.mkdir(parents=True, exist_ok=True)
        given = [address, str(folder), str(calls), str(threads), stand_in.machine_id(machine), str(int(self.anew))]
        path = self.checkout or Path(guardrails.__file__).parents[1]
        return [sys.executable, str(_WORKER), *given], {**os.environ, "PYTHONPATH": str(path)}


_NOW = _Way("kept")


def _syncs(way: _Way, address: str, folder: Path, calls: int, machine: int) -> float | None:
    """fdatasync and fsync per call; None without strace."""
    if shutil.which("strace") is None:
        return None
    counts = []
    for number in (0, calls):
        trace = folder / f"{way.name}-{machine}-{number}.trace"
        command, env = way.start(address, folder / f"{way.name}-{machine}-{number}", number, 1, machine)
        tracer = ["strace", "-f", "--seccomp-bpf", "-e", "trace=fdatasync,fsync", "-o", str(trace)]
        if subprocess.run([*tracer, *command], check=False, capture_output=True, env=env).returncode:
            return None
        counts.append(len(re.findall(r"^\d+ +(?:fdatasync|fsync)\(", trace.read_text(), re.MULTILINE)))
    return (counts[1] - counts[0]) / calls


@frozen
class _Load:
    """Who makes the calls, and the ms that their disk needs for a forced write beyond what it needs anyway."""

    threads: int
    processes: int
    sync_ms: int = 0

    @property
    def name(self) -> str:
        """In words."""
        who = f"{self.processes} processes" if self.processes > 1 else f"{self.threads} threads"
        return f"{who}, where a forced write takes {self.sync_ms} ms" if self.sync_ms else who

    def under(self) -> list[str]:
        """The command that makes the disk slow."""
        if not self.sync_ms:
            return []
        delay = f"inject=fdatasync,fsync:delay_exit={self.sync_ms * 1000}"
        return ["strace", "-f", "--seccomp-bpf", "-o", os.devnull, "-e", "trace=fdatasync,fsync", "-e", delay]


def _rates(way: _Way, address: str, folder: Path, calls: int, load: _Load) -> tuple[float, float]:
    """Decisions in a second of all processes together, and the CPU time of each in ms."""
    command, env = way.start(address, folder / way.name, calls, load.threads, _MACHINES - 1)
    quiet = {"stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL, "env": env}
    workers = [
        subprocess.Popen([*load.under(), *command], **quiet)  # type: ignore[call-overload]
        for _ in range(load.processes)
    ]
    found = [tuple(map(float, worker.communicate()[0].split())) for worker in workers]
    return sum(rate for rate, _ in found), sum(cpu for _, cpu in found) / load.processes


def rows(
    *, quick: bool = False, calls: int = 50, threads: int = 8, processes: int = 4, against: Path | None = None
) -> Iterator[Row]:
    """Forced writes of calls that are sent and denied, then threads, then processes; with `quick`, one row of each."""
    writes = [("sent", _MACHINES - 1, _GOAL_SYNCS), ("denied", 0, 0.0)]
    several = [(_Load(threads, 1), _GOAL_FASTER), (_Load(1, processes), None)]
    if shutil.which("strace"):
        several.insert(1, (_Load(threads, 1, _SLOW_DISK_MS), _GOAL_FASTER))
    if quick:
        calls, writes, several = 1, writes[:1], several[:1]
    former = _Way("former", against, anew=against is None)
    with stand_in.account(_MACHINES) as address, tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for what, machine, goal in writes:
            counts = [_syncs(way, address, folder, calls, machine) for way in (_NOW, former)]
            yield _writes(what, goal, counts, against)
        for number, (load, faster) in enumerate(several):
            some = calls // 5 if load.sync_ms else calls
            # In turns, so that what else runs here slows both.
            pairs = [
                [_rates(way, address, folder / f"{number}-{turn}", some, load) for way in (former, _NOW)]
                for turn in range(1 if quick else 3)
            ]
            yield _decisions(load.name, faster, pairs, against)


def _beside(against: Path | None) -> str:
    return "with a connection per transaction" if against is None else "in the other checkout"


def _command(against: Path | None) -> str:
    return "python -m tests.benchmarks.state" + (f" --against {against}" if against else "")


def _writes(what: str, goal: float, counts: Sequence[float | None], against: Path | None) -> Row:
    now, before = counts
    known = now is not None and before is not None
    return Row(
        what=f"forced writes of a governed call that is {what}",
        figure=f"{now:.2f}; {before:.2f} {_beside(against)}" if known else "strace is missing",
        fsyncs=f"{now:.2f}" if known else "",
        goal=f"at most {goal:g}",
        met=now <= goal if now is not None else None,
        command=_command(against),
    )


def _decisions(
    what: str, goal: float | None, pairs: Sequence[Sequence[tuple[float, float]]], against: Path | None
) -> Row:
    faster = sorted(now[0] / before[0] for before, now in pairs)[len(pairs) // 2]
    before, now = pairs[-1]
    return Row(
        what=f"decisions a second, {what}",
        figure=f"{faster:.1f} x as many as {_beside(against)}",
        cpu=f"{now[1]:.0f} ms a decision, {now[1] / before[1]:.2f} of the former",
        goal=f"at least {goal:g} x" if goal else "",
        met=faster >= goal if goal else None,
        command=_command(against),
    )


def main() -> None:
    """Measure and print."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--calls", type=int, default=50)
    options.add_argument("--threads", type=int, default=8)
    options.add_argument("--processes", type=int, default=4)
    options.add_argument("--against", type=Path, help="a checkout of the project to compare with")
    given = options.parse_args()
    for row in rows(calls=given.calls, threads=given.threads, processes=given.processes, against=given.against):
        print(row.line, flush=True)


if __name__ == "__main__":
    main()
