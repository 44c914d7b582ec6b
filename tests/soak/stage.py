"""What the soak runs on: the account behind a proxy, an OPA server, a sink for the log, files, and the workers."""

from __future__ import annotations

import contextlib
import json
import os
import random
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from attrs import Factory, define, frozen
from click.testing import CliRunner

from guardrails.cli.app import app
from guardrails.testing import SimulatedAWS
from tests.faults.proxy import Proxy
from tests.soak.account import Account
from tests.soak.troubles import RULE, Parts
from tests.support import environments
from tests.support.log_sinks import log_service
from tests.support.opa_servers import Proxy as OpaProxy
from tests.support.opa_servers import opa_server

# The first lines of a worker's configuration; a test has others.
FIRST = 'policies = ["own"]\n'
_VIA_PROXY = ("EC2", "AUTO_SCALING", "ELASTIC_LOAD_BALANCING", "ELASTIC_LOAD_BALANCING_V2")


@define
class Workers:
    """The processes; number 0 is never killed, so its memory shows the whole run."""

    folder: Path
    environment: dict[str, str]
    seed: int
    threads: int
    running: dict[int, subprocess.Popen[bytes]] = Factory(dict)
    starts: int = 0

    def start(self, number: int) -> None:
        name = f"w{number}-{self.starts}"
        self.starts += 1
        command = [sys.executable, "-m", "tests.soak.worker", str(self.folder), name, str(self.seed), str(self.threads)]
        with (self.folder / f"{name}.err").open("wb") as errors:
            self.running[number] = subprocess.Popen(command, env=self.environment, stderr=errors)

    def kill(self, number: int) -> None:
        """SIGKILL, and another one in its place."""
        number = min(number, len(self.running) - 1)
        self.running[number].send_signal(signal.SIGKILL)
        self.running[number].wait()
        self.start(number)

    def end(self) -> None:
        """End all; each one's death by itself is an error."""
        died = [number for number, process in self.running.items() if process.poll() is not None]
        for process in self.running.values():
            process.kill()
            process.wait()
        if died:
            raise RuntimeError(f"workers ended by themselves: {died}; see their .err in {self.folder}")


@frozen
class Stage:
    """Everything that runs. `parts` is what troubles break, `refused` has what refused the tries of each cutover."""

    folder: Path
    account: Account
    workers: Workers
    parts: Parts
    refused: list[list[str]]

    def note_account(self) -> None:
        """Write down what is where, for the workers."""
        account = self.account
        known = {
            "sides": {name: list(ids) for name, ids in account.sides.items()},
            "spares": list(account.spares), "allocations": list(account.allocations), "serving": account.serving,
            "switched": account.switched, "queue": f"{account.aws.endpoint_url}/123456789012/soak",
        }  # fmt: skip
        file = self.folder / "account.json"
        new = file.with_suffix(".new")
        new.write_text(json.dumps(known))
        new.replace(file)


@contextlib.contextmanager
def stage(folder: Path, seed: int, processes: int, threads: int) -> Iterator[Stage]:
    """Set everything up, and end what was started."""
    with contextlib.ExitStack() as stack:
        aws = stack.enter_context(SimulatedAWS())
        account = Account(aws)
        account.begin()
        aws.client("s3").create_bucket(Bucket="soak", CreateBucketConfiguration={"LocationConstraint": aws.region})
        aws.client("sqs").create_queue(QueueName="soak")
        lookups = stack.enter_context(Proxy(aws.endpoint_url))
        sink = stack.enter_context(log_service())
        opa = _opa(stack, folder)
        _write_configurations(folder, sink.url, opa, processes)
        environment = _environment(aws, lookups)
        workers = Workers(folder, environment, seed, threads)
        stack.callback(workers.end)
        refused: list[list[str]] = []
        switch = _switcher(folder, environment, account, refused)
        parts = Parts(folder, lookups, sink, opa, workers.kill, switch, random.Random(seed))
        made = Stage(folder, account, workers, parts, refused)
        made.note_account()
        for number in range(processes):
            workers.start(number)
        yield made


def _environment(aws: SimulatedAWS, lookups: Proxy) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "GUARDRAILS_"))}
    # Faults are for the guard's look-ups at these services; what is not governed reaches the account directly.
    return {**kept, **aws.environment(), **{f"AWS_ENDPOINT_URL_{each}": lookups.endpoint for each in _VIA_PROXY}}


def _write_configurations(folder: Path, sink: str, opa: Any, processes: int) -> None:
    (folder / "own").mkdir()
    (folder / "own" / "quiet.rego").write_text(RULE)
    log = f'[log]\npath = "decisions.jsonl"\nsink = "{sink}"\nupload_delay_s = 1\n'
    state = '[state]\npath = "state.db"\n'
    for number in range(processes):
        first = FIRST
        if opa is not None and number == processes - 1:
            first = f'engine = "opa"\n[opa]\nurl = "{opa.url}"\n'
        (folder / f"w{number}.toml").write_text(f"{first}{log}{state}")


def _opa(stack: contextlib.ExitStack, folder: Path) -> Any | None:
    """A proxy before a real OPA server; None where there is no OPA."""
    program = shutil.which("opa") or shutil.which("opa", path=str(environments.CACHE))
    if program is None:
        return None
    (folder / "plain.toml").write_text('[log]\npath = "plain.jsonl"\n')
    built = folder / "bundle.tar.gz"
    arguments = ["policy", "build", "--config", str(folder / "plain.toml"), "--output", str(built)]
    done = CliRunner().invoke(app, arguments, catch_exceptions=False)
    assert done.exit_code == 0, done.output
    proxy = OpaProxy(stack.enter_context(opa_server(program, built)))
    stack.callback(proxy.stop)
    return proxy


def _switcher(folder: Path, environment: dict[str, str], account: Account, refused: list[list[str]]) -> Any:
    """Moves the addresses to the side that does not serve, one call each, in a guarded process, until it is done."""

    def switch() -> None:
        new = "green" if account.serving == "blue" else "blue"
        account.switched = True
        command = [sys.executable, "-m", "tests.soak.switch", str(folder / "w0.toml")]
        machines = account.sides[new][: len(account.allocations)]
        moves = zip(account.allocations, machines, strict=True)
        command += [f"{address}={machine}" for address, machine in moves]
        refused.append([])
        while account.serving != new:
            done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False, cwd=folder)
            if done.returncode:
                refused[-1].append(done.stderr[-2000:])

    return switch
