"""What a decision of the policies costs: the embedded engine beside OPA, for many targets and for many rules.

    python -m tests.benchmarks.engine [--rounds N] [--against CHECKOUT]

Only the engine is measured: from the input document to the result. OPA runs as a server on the loopback interface, with
the same policies; `opa eval` starts a process for each question. --against compares with another checkout.
"""

from __future__ import annotations

import argparse
import contextlib
import http.client
import json
import math
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from urllib.parse import urlsplit

from attrs import frozen

from guardrails.config.policy_settings import OpaSettings
from guardrails.evaluate import bundle, rego_input
from guardrails.evaluate.embedded import EmbeddedEngine
from guardrails.evaluate.opa_server import OpaServer
from guardrails.values import Call, Caller, Cluster, Facts, Live, SourceReport, Target, TargetRef
from tests.benchmarks.row import Row
from tests.support import environments
from tests.support.opa_servers import opa_server

TARGETS = (1, 10, 100, 1000)
COMMAND = "python -m tests.benchmarks.engine"
_OURS = Path(__file__).resolve().parents[2]
_CHILD = """
import json, sys, time
from guardrails.evaluate import bundle
from guardrails.evaluate.embedded import EmbeddedEngine
engine = EmbeddedEngine(bundle.read([bundle.shipped()]))
for line in sys.stdin:
    document, rounds = json.loads(line)
    engine.evaluate(document)
    taken = []
    for _ in range(rounds):
        started = time.process_time()
        engine.evaluate(document)
        taken.append(time.process_time() - started)
    print(min(taken), flush=True)
"""
# How often the checkouts are asked in turn: a busy machine is slow for a while, and then for both.
_TURNS = 20


@frozen
class _Cost:
    """Seconds of time (the median) and of processor time (the least), for one decision."""

    time_s: float
    cpu_s: float


def _document(count: int) -> dict:
    """The input for terminating so many machines of a cluster that is not live; it is allowed."""
    ids = [f"i-{number:017x}" for number in range(count)]
    call = Call("ec2", "TerminateInstances", {"InstanceIds": ids}, region="us-east-1", endpoint="",
                effects=("terminate", "ip", "storage"), severity="critical",
                targets=tuple(TargetRef(name, "instance") for name in ids))  # fmt: skip
    machines = [
        Target(name, "instance", "target", resolved=True, clusters=("green",), state="running", vpc="vpc-1",
               subnet="subnet-1", private_ips=(f"10.0.0.{number % 250}",), facts={"zone": "us-east-1a", "serves": True},
               tags={"Cluster": "green", "Name": f"green-{number}"})
        for number, name in enumerate(ids)
    ]  # fmt: skip
    blue = Cluster("blue", True, 3, 3, 0, 3, 0, ("203.0.113.7",), ("subnet-1",))
    green = Cluster("green", False, count, count, count, 0, 0, (), ("subnet-1",))
    now = time.time()
    live = Live(True, False, ("blue",), (SourceReport("eip", ("blue",), now, "203.0.113.7 is on i-1"),))
    caller = Caller(None, "", "", "", interactive=False, notebook=False, pid=0)
    return rego_input.build(call, Facts(tuple(machines), (blue, green), live, now), caller, now)


def _cost(decide: Callable[[], object], rounds: int) -> _Cost:
    decide()
    times, cpu = [], []
    for _ in range(rounds):
        started, used = time.perf_counter(), time.process_time()
        decide()
        cpu.append(time.process_time() - used)
        times.append(time.perf_counter() - started)
    return _Cost(statistics.median(times), min(cpu))


def _opa() -> str | None:
    return shutil.which("opa") or shutil.which("opa", path=str(environments.CACHE))


def _questions(opa: str, url: str, folder: Path, document: dict) -> dict[str, Callable[[], object]]:
    """The ways to ask OPA, by their name."""
    connection = http.client.HTTPConnection(urlsplit(url).netloc)
    client = OpaServer(OpaSettings(url=url))
    path, body = "/v1/data/guardrails/main/decision", json.dumps({"input": document})
    given = folder.parent / "input.json"
    given.write_text(json.dumps(document))
    evaluated = [opa, "eval", "-d", str(folder), "-i", str(given), "data.guardrails.main.decision"]

    def post() -> object:
        connection.request("POST", path, body, {"Content-Type": "application/json"})
        return json.loads(connection.getresponse().read())["result"]

    return {
        "a raw POST on an open connection": post,
        "opa-python-client": lambda: client.evaluate(document),
        "`opa eval`": lambda: subprocess.run(evaluated, check=True, capture_output=True),
    }


def _policies(folder: Path) -> Path:
    """The shipped policies without their tests, for OPA."""
    ignored = shutil.ignore_patterns("*_test", "*_test.rego", "schemas", "*.md", "*.toml")
    return Path(shutil.copytree(bundle.shipped(), folder / "policies", ignore=ignored))


def _copies(folder: Path, count: int) -> None:
    """So many copies of every area, which concern the call as much as the shipped ones."""
    for source in sorted((bundle.shipped() / "guardrails").iterdir()):
        files = {path.name: path.read_text() for path in source.glob("*.rego")}
        if source.name.endswith("_test") or not any("contains lib.violation(" in text for text in files.values()):
            continue
        for number in range(count):
            (folder / f"{source.name}_{number}").mkdir(parents=True)
            for name, text in files.items():
                copy = re.sub(r"^package guardrails\.\w+", rf"\g<0>_{number}", text, flags=re.MULTILINE)
                (folder / f"{source.name}_{number}" / name).write_text(copy)


def _others(folder: Path, count: int) -> None:
    """So many rules in areas of 50 that concern other calls: by their effect, or by their operation."""
    entry = '{"rule": "others/rule", "target": id, "message": "m", "remediation": "r"}'
    for number in range(count):
        line = f'input.call.operation == "Operation{number}"' if number % 2 else '"opaque" in lib.effects'
        rule = f"deny contains {entry} if {{\n\t{line}\n\tsome id, _ in lib.live_targets\n}}\n\n"
        file = folder / f"others_{number // 50}.rego"
        head = f"package guardrails.others_{number // 50}\n\nimport data.guardrails.lib\n\n"
        file.write_text((file.read_text() if file.exists() else head) + rule)


def _with(make: Callable[[Path, int], None], count: int) -> EmbeddedEngine:
    with tempfile.TemporaryDirectory() as folder:
        make(Path(folder), count)
        return EmbeddedEngine(bundle.read([bundle.shipped(), Path(folder)]))


def _in_turn(checkouts: Sequence[Path], documents: list[dict], rounds: int) -> list[list[float]]:
    """For each checkout the least seconds of processor time for each document, in processes that are asked in turn."""
    command = [sys.executable, "-c", _CHILD]
    with contextlib.ExitStack() as stack:
        children = [
            stack.enter_context(
                subprocess.Popen(command, cwd=place, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
            )
            for place in checkouts
        ]
        least = [[math.inf] * len(documents) for _ in children]
        for number in [*range(len(documents))] * _TURNS:
            for child, best in zip(children, least, strict=True):
                print(json.dumps([documents[number], max(2, rounds // _TURNS)]), file=child.stdin, flush=True)
                best[number] = min(best[number], float(child.stdout.readline()))
    return least


def rows(*, quick: bool, rounds: int = 200, against: Path | None = None) -> Iterator[Row]:
    """The rows of the table. Counts of rounds are for one target; fewer for many."""
    rounds = 2 if quick else rounds
    counts = TARGETS[:2] if quick else TARGETS
    engine = EmbeddedEngine(bundle.read([bundle.shipped()]))
    costs = {}
    for count in counts:
        document = _document(count)
        costs[count] = _cost(lambda document=document: engine.evaluate(document), max(2, rounds // count))
        per_target = (costs[count].cpu_s - costs[1].cpu_s) / max(1, count - 1)
        more = f", {per_target * 1e6:.0f} µs for each further target" if count > 1 else ""
        what = f"decision of the embedded engine, {count:,} target{'s' if count > 1 else ''}"
        figure = f"{costs[count].time_s * 1000:.2f} ms{more}"
        yield Row(what, figure, COMMAND, cpu=f"{costs[count].cpu_s * 1000:.2f} ms")
    if against is not None:
        ours, former = _in_turn((_OURS, against), [_document(1), _document(101)], rounds)
        yield _compared("CPU of one target beside the other checkout", ours[0] / former[0], 0.4, against)
        further = (ours[1] - ours[0]) / (former[1] - former[0])
        yield _compared("CPU of each further target beside the other checkout", further, 0.35, against)
    yield from _beside_opa(engine, counts[:2], rounds)
    yield from _more_rules(costs[1], rounds, quick=quick)


def _compared(what: str, ratio: float, most: float, against: Path) -> Row:
    return Row(what, f"{ratio:.2f}", f"{COMMAND} --against {against}", goal=f"at most {most}", met=ratio <= most)


def _beside_opa(engine: EmbeddedEngine, counts: Sequence[int], rounds: int) -> Iterator[Row]:
    """How many times faster than OPA the embedded engine answers; both asked in turn."""
    opa = _opa()
    if opa is None:
        yield Row("embedded engine beside OPA", "missing: there is no opa on PATH", COMMAND)
        return
    with tempfile.TemporaryDirectory() as place:
        folder = _policies(Path(place))
        with opa_server(opa, folder) as url:
            for count in counts:
                document = _document(count)
                for name, ask in _questions(opa, url, folder, document).items():
                    few = max(2, min(rounds, 5) if "eval" in name else rounds // count)
                    theirs, ours = _cost(ask, few), _cost(lambda document=document: engine.evaluate(document), few)
                    goal = "at least 5" if count == 1 and name == "opa-python-client" else ""
                    times = theirs.time_s / ours.time_s
                    yield Row(f"times faster than OPA by {name}, {count} target{'s' if count > 1 else ''}",
                              f"{times:.1f}", COMMAND, goal=goal, met=times >= 5 if goal else None)  # fmt: skip


def _more_rules(one: _Cost, rounds: int, *, quick: bool) -> Iterator[Row]:
    document = _document(1)
    for times in (1,) if quick else (5, 25):
        engine = _with(_copies, times - 1 or 1)
        cost = _cost(lambda engine=engine: engine.evaluate(document), max(2, rounds // times))
        yield Row(
            f"CPU with {max(2, times)} times the rules, all for this call", f"{cost.cpu_s / one.cpu_s:.1f}", COMMAND
        )
    engine = _with(_others, 100 if quick else 1000)
    ratio = _cost(lambda: engine.evaluate(document), rounds).cpu_s / one.cpu_s
    yield Row("CPU with 1,000 more rules in areas for other calls", f"{ratio:.2f}", COMMAND, goal="at most 1.5",
              met=ratio <= 1.5)  # fmt: skip


def main() -> None:
    """Measure and print."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--rounds", type=int, default=200)
    options.add_argument("--against", type=Path, help="a checkout of the project to compare with")
    given = options.parse_args()
    for row in rows(quick=False, rounds=given.rounds, against=given.against):
        print(row.line, flush=True)


if __name__ == "__main__":
    main()
