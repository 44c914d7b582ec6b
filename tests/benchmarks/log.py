"""How long a line of the decision log is, and what a report of many costs: ``python -m tests.benchmarks.log``.

The line is that of a denied termination of 1,000 machines, the live cluster among them, at the stand-in (stand_in.py).
The report is made by the command in a process of its own, once for a tenth of the entries and once for all.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import logging
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import boto3

import guardrails
from tests.benchmarks import stand_in
from tests.benchmarks.row import Row

_COMMAND = "python -m tests.benchmarks.log"
_GOAL_KB = 100.0


def denial(targets: int, folder: Path) -> bytes:
    """The line of a denial of so many targets."""
    log = Path(tempfile.mkdtemp(dir=folder)) / "log.jsonl"
    # It would say on standard error that the call was blocked.
    logging.disable(logging.WARNING)
    with stand_in.account(max(targets, 2)) as address:
        client = boto3.client(
            "ec2", "eu-west-1", endpoint_url=address, aws_access_key_id="testing", aws_secret_access_key="testing"
        )
        guardrails.install({"log": {"path": str(log)}, "max_fact_age_s": 60})
        try:
            with contextlib.suppress(guardrails.CallDenied):
                client.terminate_instances(InstanceIds=[stand_in.machine_id(number) for number in range(targets)])
        finally:
            guardrails.uninstall()
            logging.disable(logging.NOTSET)
    (line,) = log.read_bytes().splitlines()
    assert json.loads(line)["custom"]["sent"] is False
    return line


def copied(line: bytes, log: Path, count: int) -> None:
    """A log of `count` such entries, each with an id of its own."""
    document = json.loads(line)
    before, after = json.dumps(document).split(json.dumps(document["decision_id"]))[:2]
    with log.open("w") as file:
        for number in range(count):
            file.write(f'{before}"{number:08}"{after}\n')


def _report(log: Path) -> tuple[float, float]:
    """Seconds of processor time, and MB at the peak."""
    command = [sys.executable, "-m", "guardrails", "report", "--log", str(log), "--format", "json"]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, cwd=log.parent)
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == 0, process.returncode
    return used.ru_utime + used.ru_stime, used.ru_maxrss / 1000


def rows(*, quick: bool = False, targets: int = 1000, decisions: int = 20_000) -> Iterator[Row]:
    """The length of a line, and the report."""
    if quick:
        targets, decisions = 10, 100
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        kilobytes = len(denial(targets, folder)) / 1000
        yield Row(
            what=f"log line of a denial of {targets:,} targets",
            figure=f"{kilobytes:.0f} kB",
            goal=f"under {_GOAL_KB:.0f} kB",
            met=kilobytes < _GOAL_KB,
            command=_COMMAND,
        )
        line, found = denial(10, folder), []
        for count in (decisions // 10, decisions):
            log = folder / f"{count}.jsonl"
            copied(line, log, count)
            found.append(_report(log))
        (few_s, few_mb), (many_s, many_mb) = found
        yield Row(
            what=f"report of {decisions:,} denials of 10 targets",
            figure=f"{many_s / few_s:.1f} x the CPU and {many_mb / few_mb:.2f} x the memory of a tenth of them",
            cpu=f"{many_s / decisions * 1000:.2f} ms a denial",
            command=_COMMAND,
        )


def main() -> None:
    """Measure and print."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--targets", type=int, default=1000)
    options.add_argument("--decisions", type=int, default=20_000)
    given = options.parse_args()
    for row in rows(targets=given.targets, decisions=given.decisions):
        print(row.line, flush=True)


if __name__ == "__main__":
    main()
