"""A process of the soak: some threads that make calls without end, and a sample of what the process holds.

``python -m tests.soak.worker FOLDER NAME SEED THREADS``: what is worth a look goes to FOLDER/NAME.jsonl, a line each.
"""

from __future__ import annotations

import json
import os
import random
import sys
import threading
import time
from collections import Counter
from pathlib import Path
from typing import Any

import boto3
from botocore.exceptions import ClientError

import guardrails
from tests.soak import calls

_SERVICES = ("ec2", "s3", "sts", "sqs")
# Of ten calls, how many are of each kind.
_KINDS = (("harmful", calls.HARMFUL, 3), ("innocent", calls.INNOCENT, 3), ("ungoverned", calls.UNGOVERNED, 4))
_SAMPLE_EVERY_S = 2.0
# At most so long between two calls of a thread: the simulated AWS answers about sixty requests a second.
_PAUSE_S = 3.0


class Notes:
    """The worker's file. A line is one write, so a kill leaves whole lines."""

    def __init__(self, path: Path) -> None:
        self._file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT)

    def write(self, **note: Any) -> None:
        os.write(self._file, (json.dumps({"at": time.time(), **note}) + "\n").encode())


class Worker:
    """Threads that call, until the process is ended."""

    def __init__(self, place: Path, name: str, seed: str, threads: int, guard: guardrails.Guard) -> None:
        self._place, self._threads, self._guard = place, threads, guard
        self._seed = f"{seed}-{name}"
        self._notes = Notes(place / f"{name}.jsonl")
        self._done: Counter[str] = Counter()

    def run(self) -> None:
        """Start the threads; never returns."""
        session = boto3.Session()
        for number in range(self._threads):
            clients = {service: session.client(service) for service in _SERVICES}
            hands = calls.Hands(clients, random.Random(f"{self._seed}-{number}"), self._place)
            threading.Thread(target=self._work, args=(hands,), daemon=True).start()
        while True:
            self._notes.write(kind="sample", **held(), done=dict(self._done), revision=self._guard.revision)
            time.sleep(_SAMPLE_EVERY_S)

    def _work(self, hands: calls.Hands) -> None:
        weights = [weight for _, _, weight in _KINDS]
        while True:
            ((kind, choice, _),) = hands.chance.choices(_KINDS, weights)
            self._one(hands, kind, hands.chance.choice(choice))
            time.sleep(hands.chance.uniform(0, _PAUSE_S))

    def _one(self, hands: calls.Hands, kind: str, call: calls.Call) -> None:
        began = time.time()
        outcome, said = "sent", ""
        try:
            call(hands)
        except guardrails.CallDenied as error:
            outcome, said = "denied", str(error)
        except ClientError as error:
            outcome, said = "refused by AWS", str(error)
        except Exception as error:
            outcome, said = "failed", repr(error)
        self._done[f"{kind} {outcome}"] += 1
        expected = outcome == "denied" if kind == "harmful" else outcome in ("sent", "refused by AWS")
        if not expected:
            self._notes.write(
                kind=kind, call=call.__name__, outcome=outcome, said=said, began=began, took=time.time() - began
            )


def held() -> dict[str, int]:
    """What this process holds: resident kB, open handles, threads."""
    lines = Path("/proc/self/status").read_text().splitlines()
    status = dict(line.split(":", 1) for line in lines)
    return {
        "kb": int(status["VmRSS"].split()[0]),
        "handles": len(os.listdir("/proc/self/fd")),
        "threads": int(status["Threads"]),
    }


def main() -> None:
    place, name, seed, threads = sys.argv[1:]
    os.chdir(place)
    guard = guardrails.install(str(Path(place) / f"{name.partition('-')[0]}.toml"))
    Worker(Path(place), name, seed, int(threads), guard).run()


if __name__ == "__main__":
    main()
