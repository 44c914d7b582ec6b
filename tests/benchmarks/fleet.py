"""What a fleet's memory and engine cost: a DynamoDB table and an OPA server beside a file and the embedded engine.

    python -m tests.benchmarks.fleet [--seconds S] [--processes N]

Both ways run side by side in one run, in turns, each in processes of its own that make governed calls one after the
other at a stand-in for EC2 (stand_in.py). dynalite and a real OPA server are behind the fault proxies of the tests.
The fleet's log has a sink, which is down for ten seconds under that load: what was recorded has to arrive.
Absolute times depend on the machine: the ratio of the two ways is the figure.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import boto3
from click.testing import CliRunner

import guardrails
from guardrails.cli.app import app
from guardrails.config.load import load
from guardrails.memory.dynamodb import Place
from guardrails.memory.dynamodb.administration import create
from guardrails.record.upload import Uploader, sink_of, spool_of
from tests.benchmarks import stand_in
from tests.benchmarks.row import Row
from tests.faults.proxy import Proxy
from tests.support import dynalite, environments
from tests.support.log_sinks import LogService, log_service
from tests.support.opa_servers import Proxy as OpaProxy
from tests.support.opa_servers import opa_server

_COMMAND = "python -m tests.benchmarks.fleet"
_MACHINES = 200
_TURNS = 2
_DOWN_S = 10.0
_KEYS = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_DEFAULT_REGION": "eu-west-1"}
_ALIKE: Mapping[str, Any] = {"pacing": {"enabled": False}, "lookup_timeout_s": 60, "max_fact_age_s": 60}


def work(config: str, address: str, seconds: float, machine: int) -> None:
    """Make governed calls for so long, and print how long each took, in seconds."""
    guardrails.install(json.loads(config))
    client = boto3.client("ec2", "eu-west-1", endpoint_url=address)
    took = []
    end = time.perf_counter() + seconds
    while time.perf_counter() < end or not took:
        began = time.perf_counter()
        with contextlib.suppress(guardrails.CallDenied):
            client.terminate_instances(InstanceIds=[stand_in.machine_id(machine)])
        took.append(time.perf_counter() - began)
    # The first one opens connections.
    print(json.dumps(took[1:] or took))


def _load(
    config: Mapping[str, Any], address: str, url: str, seconds: float, processes: int, folder: Path
) -> list[float]:
    """How long every decision of all processes took, sorted."""
    folder.mkdir(parents=True)
    given = json.dumps({**_ALIKE, **config, "log": {**config.get("log", {}), "path": str(folder / "log")}})
    command = [sys.executable, "-m", "tests.benchmarks.fleet", "--worker", given, address, str(seconds)]
    environment = {**os.environ, **_KEYS, "AWS_ENDPOINT_URL_DYNAMODB": url}
    workers = [
        subprocess.Popen([*command, str(_MACHINES - 1 - number)], stdout=subprocess.PIPE, text=True, env=environment)
        for number in range(processes)
    ]
    return sorted(each for worker in workers for each in json.loads(worker.communicate()[0]))


@contextlib.contextmanager
def _parts(folder: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    """The table's address and the configuration of a fleet, each part behind a proxy."""
    built = folder / "bundle.tar.gz"
    (folder / "guardrails.toml").write_text("max_fact_age_s = 60\n")
    arguments = ["policy", "build", "--config", str(folder / "guardrails.toml"), "--output", str(built)]
    done = CliRunner().invoke(app, arguments, catch_exceptions=False)
    assert done.exit_code == 0, done.output
    with (
        dynalite.running(dynalite.program()) as table,
        Proxy(table) as before_table,
        opa_server(_opa(), built) as server,
        contextlib.ExitStack() as stack,
    ):
        before_server = OpaProxy(server)
        stack.callback(before_server.stop)
        os.environ.update(_KEYS | {"AWS_ENDPOINT_URL_DYNAMODB": before_table.endpoint})
        list(create(Place("guardrails", "eu-west-1", timeout_s=30)))
        state = {"store": "dynamodb", "table": "guardrails", "region": "eu-west-1", "timeout_s": 30}
        opa = {"url": before_server.url, "timeout_s": 30}
        yield before_table.endpoint, {"engine": "opa", "opa": opa, "state": state}


def _opa() -> str:
    program = shutil.which("opa") or shutil.which("opa", path=str(environments.CACHE))
    if program is None:
        raise SystemExit("there is no opa on PATH")
    return program


def rows(*, seconds: float = 60, processes: int = 8) -> Iterator[Row]:
    """Decisions a second of both ways, with their p50 and p99; and what did not arrive at the sink."""
    with tempfile.TemporaryDirectory() as name, stand_in.account(_MACHINES) as address:
        folder = Path(name)
        with _parts(folder) as (url, fleet):
            took: dict[str, list[float]] = {"file": [], "fleet": []}
            recorded: set[str] = set()
            with log_service() as sink:
                log = {"sink": sink.url, "upload_delay_s": 0.1}
                for turn in range(_TURNS):
                    for way, config in (("file", {}), ("fleet", {**fleet, "log": log})):
                        place = folder / f"{way}-{turn}"
                        with _down(sink, seconds / _TURNS):
                            took[way] += _load(config, address, url, seconds / _TURNS, processes, place)
                    recorded |= _uploaded({**log, "path": str(place / "log")})
                received = set(sink.ids)
        rate = {way: len(each) / seconds for way, each in took.items()}
        yield Row(
            what=f"decisions with a table and an OPA server behind proxies, {processes} processes, {seconds:g} s",
            figure=f"{rate['fleet'] / rate['file']:.2f} of the rate with a file and the embedded engine: "
            f"{_words(rate['fleet'], took['fleet'])}; {_words(rate['file'], took['file'])}",
            command=_COMMAND,
        )
        yield Row(
            what=f"decisions recorded under that load, with the sink down for {_DOWN_S:g} s twice, that did not arrive",
            figure=f"{len(recorded - received)} of {len(recorded)}",
            goal="0",
            met=recorded <= received,
            command=_COMMAND,
        )


@contextlib.contextmanager
def _down(sink: LogService, seconds: float) -> Iterator[None]:
    """The sink is down for ten seconds of these, or the half of them."""
    first = min(1.0, seconds / 4)
    timers = [
        threading.Timer(at, setattr, (sink, "down", down)) for at, down in ((first, True), (first + _DOWN_S, False))
    ]
    for timer in timers:
        timer.start()
    yield
    for timer in timers:
        timer.cancel()
    sink.down = False


def _uploaded(log: Mapping[str, Any]) -> set[str]:
    """The decisions that were recorded, once what still waited in the spool is uploaded."""
    settings = load({"log": log}).log
    spool = spool_of(settings)
    assert spool is not None
    Uploader(spool, sink_of(settings)).upload()
    return {json.loads(line)["decision_id"] for line in settings.path.read_text().splitlines()}


def _words(rate: float, took: list[float]) -> str:
    times = sorted(took)
    half, most = (times[int(len(times) * share)] * 1000 for share in (0.5, 0.99))
    return f"{rate:.0f}/s, p50 {half:.0f} ms, p99 {most:.0f} ms"


def main() -> None:
    """Measure and print."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--seconds", type=float, default=60)
    options.add_argument("--processes", type=int, default=8)
    options.add_argument("--worker", nargs=4, help=argparse.SUPPRESS)
    given = options.parse_args()
    if given.worker:
        config, address, seconds, machine = given.worker
        work(config, address, float(seconds), int(machine))
        return
    for row in rows(seconds=given.seconds, processes=given.processes):
        print(row.line, flush=True)


if __name__ == "__main__":
    main()
