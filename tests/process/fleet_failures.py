"""What becomes of calls while a part of the fleet fails. `python -m tests.process.fleet_failures --write` notes it.

Each row breaks one part, each column makes its calls against a simulated AWS that counts what arrives.
"""

from __future__ import annotations

import contextlib
import logging
import os
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import boto3
import pytest
from attrs import evolve, frozen

import guardrails
from guardrails.cutover.hold import Hold
from guardrails.cutover.plan import Plan, Record
from guardrails.cutover.runner import Runner
from guardrails.cutover.times import Times
from guardrails.memory import SqliteStore, StateUnavailable
from guardrails.memory.approvals import Grant
from guardrails.memory.cutovers import FleetCutovers
from guardrails.memory.dynamodb import ApprovalTable, CutoverTable, DynamoStore, Place, Table
from guardrails.memory.dynamodb.administration import create
from guardrails.memory.fleet import FleetStore
from guardrails.memory.pacer import Pacer
from guardrails.memory.sqlite.cutovers import SqliteCutovers
from guardrails.record.spool import SpoolFull
from guardrails.record.upload import spool_of
from guardrails.testing import SimulatedAWS
from tests.process.test_fleet import attempt, break_it
from tests.process.test_pacing import NOW, launch
from tests.support import environments, service_models
from tests.support.generated import Generated
from tests.support.saved_world import SavedWorlds

PART = Generated("running.md", "fleet failures", "tests.process.fleet_failures --write")
HURT, OTHER, LAUNCH = "a bounded cluster", "another cluster", "launches"
APPROVAL, CUTOVER = "the live cluster, approved", "a cutover"
COLUMNS = (HURT, OTHER, LAUNCH, APPROVAL, CUTOVER)
# From the strictest to the laxest.
ORDER = ("denied", "this host's part of the bound", "the bound of all hosts", "sent, with a warning", "sent")
DENIED, PART_OF_HOST, BOUND, WARNED, SENT = ORDER
HOSTS, ALLOWED, RULE = 2, 4, "live-cluster/terminate"
GLASS = "denied; break glass works"
ONLY_BACK, STARTS = "goes back, cannot start", "starts, goes back"
PLACE = Place("guardrails", "eu-west-1", timeout_s=30)
_BROKEN = (
    ("refused", "the table is unreachable"),
    ("throttled", "the table is throttled"),
    ("slow", "the table is too slow"),
    ("missing", "the table is missing"),
    ("another version", "the table is of another version"),
)


@frozen
class Site:
    """Blue is live; half of the workers may go; green is neither. A cutover has begun elsewhere."""

    blue: tuple[str, ...]
    workers: tuple[str, ...]
    green: tuple[str, ...]
    keys: Mapping[str, str]
    begun: Record


@frozen
class Run:
    """A row at work: the account, its machines, and a folder for the files of the hosts."""

    aws: SimulatedAWS
    site: Site
    folder: Path
    patch: pytest.MonkeyPatch
    config: Mapping[str, Any]

    def install(self, host: str, **state: Any) -> guardrails.Guard:
        path = str(self.folder / f"{host}.db")
        own = {**self.config["state"], "path": path, **state}
        return guardrails.install({**self.config, "state": own})


@cache
def _ec2(_key: str) -> Any:
    # boto3's own session would keep the keys that it read first.
    return boto3.Session().client("ec2", region_name="eu-west-1")


@frozen
class Row:
    """What fails, and how: `fails` runs before the calls and says how many workers it took itself."""

    title: str
    fails: Callable[[Run], int]
    state: Mapping[str, Any] = {}


def _broken(how: str) -> Callable[[Run], int]:
    def fail(run: Run) -> int:
        break_it(run.aws, run.patch, how)
        return 0

    return fail


def _nothing(_: Run) -> int:
    return 0


def _lost(times: int | None) -> Callable[[Run], int]:
    """The first writes, or all, are carried out, and their answers are lost."""

    def fail(run: Run) -> int:
        door, left = run.aws._up.door, [times]
        app = door._app

        def losing(environ: Any, start_response: Any) -> Any:
            if not environ.get("HTTP_X_AMZ_TARGET", "").endswith("UpdateItem") or left[0] == 0:
                return app(environ, start_response)
            left[0] = None if left[0] is None else left[0] - 1
            b"".join(app(environ, lambda *_: None))
            start_response("500 Internal Server Error", [("Content-Length", "0")])
            return [b""]

        run.patch.setattr(door, "_app", losing)
        return 0

    return fail


def _died(event: str) -> Callable[[Run], int]:
    """A process of another host takes two workers, and is killed at this event of its call."""

    def fail(run: Run) -> int:
        run.install("dead")
        child = os.fork()
        if not child:
            ec2 = _ec2(os.environ["AWS_ACCESS_KEY_ID"])
            ec2.meta.events.register_last(event, lambda **_: os.kill(os.getpid(), signal.SIGKILL))
            try:
                ec2.terminate_instances(InstanceIds=list(run.site.workers[6:]))
            finally:
                os._exit(1)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGKILL
        guardrails.uninstall()
        return 2

    return fail


def _full(run: Run) -> int:
    spool = spool_of(guardrails.Guard.from_config(dict(run.config)).settings.log)
    with contextlib.suppress(SpoolFull):
        while True:
            spool.append(b'{"decision_id": "filler", "timestamp": "2026-11-28T10:00:00Z"}\n')
    return 0


# A row that fails waits for no answer that comes.
_SHORT = {"timeout_s": 0.2, "hosts": HOSTS}
_ALONE = {**_SHORT, "fallback": "host"}
ROWS = (
    Row("nothing", _nothing),
    *(Row(f'{title}, `fallback = "deny"`', _broken(how), _SHORT) for how, title in _BROKEN),
    *(Row(f'{title}, `fallback = "host"`', _broken(how), _ALONE) for how, title in _BROKEN),
    Row("an answer is lost after the write", _lost(1)),
    Row("every answer is lost after the write", _lost(None), _SHORT),
    Row("a process died after its claim", _died("before-send.ec2.TerminateInstances")),
    Row("a process died after it sent", _died("response-received.ec2.TerminateInstances")),
    Row("the decision log's sink is down and the spool is full", _full),
)


# -- columns -----------------------------------------------------------------------------------------------------------


def _sent(run: Run, machines: tuple[str, ...]) -> bool:
    """Whether the call arrived, at the server."""
    before = run.aws.count("TerminateInstances")
    attempt(_ec2(os.environ["AWS_ACCESS_KEY_ID"]), machines)
    return run.aws.count("TerminateInstances") > before


def _hurt(run: Run, taken: int) -> str:
    number = 0
    while number < 6 and _sent(run, run.site.workers[number : number + 1]):
        number += 1
    if not number:
        return DENIED
    number += taken
    return PART_OF_HOST if number <= ALLOWED // HOSTS else BOUND if number <= ALLOWED else SENT


def _other(run: Run) -> str:
    said = list[str]()
    handler = logging.Handler()
    handler.emit = lambda record: said.append(record.getMessage())  # type: ignore[method-assign]
    logger = logging.getLogger("guardrails")
    logger.addHandler(handler)
    try:
        if not _sent(run, run.site.green[:1]):
            return DENIED
    finally:
        logger.removeHandler(handler)
    return WARNED if any("decided without what other hosts did" in each for each in said) else SENT


def _launch(run: Run, store: DynamoStore) -> str:
    try:
        _ec2(os.environ["AWS_ACCESS_KEY_ID"]).run_instances(
            ImageId="ami-12345678", MinCount=1, MaxCount=1, InstanceType="t3.small"
        )
    except guardrails.CallDenied:
        return DENIED
    assert run.aws.count("RunInstances") == 1
    pacer = Pacer(FleetStore(store, SqliteStore(run.folder / "paced.db"), HOSTS), share=1.0)
    # AWS allows a thousand machines at once.
    _, more, most = (pacer.take("1/eu-west-1", launch(count), NOW).seconds for count in (300, 300, 500))
    return PART_OF_HOST if more else BOUND if most else SENT


def _approval(run: Run) -> str:
    """A call that a second person approved before the part failed."""
    blue = run.site.blue[:1]
    if _sent(run, blue):
        return SENT
    with guardrails.break_glass(reason="INC-1", rules=[RULE, "remaining/shared-memory"]):
        return GLASS if _sent(run, blue) else DENIED


def _cutover(run: Run, store: DynamoStore) -> str:
    """One that began before is taken back, and another one starts. What both change has tests of its own."""
    cutovers = FleetCutovers(CutoverTable(store.table), SqliteCutovers(run.folder / "cutover.db"))
    said = list[str]()
    times = Times(sleep=lambda _: None)
    Runner(Hold(cutovers, run.site.begun), lambda _: None, _Healthy(), said.append, times).back("it was aborted")
    if said[-1] != "everything is as before":
        return DENIED
    try:
        Hold.begin(cutovers, Plan("blue", "green", "2", "eu-west-1", (), ()))
    except StateUnavailable:
        return ONLY_BACK
    return STARTS


class _Healthy:
    def problem(self) -> str:
        return ""


# -- the table ---------------------------------------------------------------------------------------------------------


def _build(aws: SimulatedAWS, folder: Path) -> Site:
    """The site, its table, and a call of alice's that someone else has approved."""
    clusters = aws.start_cluster("blue", 3, addresses=1), aws.start_cluster("workers", 8), aws.start_cluster("green", 2)
    iam = aws.client("iam")
    iam.create_user(UserName="alice")
    key = iam.create_access_key(UserName="alice")["AccessKey"]
    keys = {"AWS_ACCESS_KEY_ID": key["AccessKeyId"], "AWS_SECRET_ACCESS_KEY": key["SecretAccessKey"]}
    for _ in create(PLACE):
        pass
    begun = Hold.begin(CutoverTable(Table(PLACE)), Plan("blue", "green", "1", "eu-west-1", (), ())).record
    site = Site(*(tuple(each.instance_ids) for each in clusters), keys, begun)
    with pytest.MonkeyPatch.context() as patch:
        _become(patch, site)
        run = Run(aws, site, folder, patch, _config(folder))
        run.install("asker")
        assert not _sent(run, site.blue[:1])
        guardrails.uninstall()
        board = ApprovalTable(Table(PLACE))
        (asked,) = (each.request for each in board.all())
        name = "arn:aws:iam::123456789012:user/bob"
        board.grant(asked, Grant("AIDABOB", name, "INC-42", asked.digest, time.time(), asked.leaves))
    return site


def _become(patch: pytest.MonkeyPatch, site: Site) -> None:
    for name, value in site.keys.items():
        patch.setenv(name, value)
    patch.delenv("AWS_SESSION_TOKEN", raising=False)


def _config(folder: Path) -> dict[str, Any]:
    log = {"path": str(folder / "log"), "sink": "http://127.0.0.1:1", "upload": False, "fsync": "none"}
    approvals = {rule: {"minutes": 60} for rule in (RULE, "remaining/shared-memory")}
    return {
        "log": {**log, "spool_max_bytes": 1_000_000},
        "lookup_timeout_s": 60,
        "max_fact_age_s": 60,
        "state": {"store": "dynamodb", "region": "eu-west-1", "timeout_s": 30},
        "params": {"remaining": {"clusters": {"workers": {"max_share": 0.5}}}, "approvals": approvals},
    }


def outcomes(aws: SimulatedAWS, worlds: SavedWorlds, folder: Path, row: Row) -> dict[str, str]:
    """The outcome of each column of a row, by title."""
    own = Path(tempfile.mkdtemp(dir=folder))
    aws.reset()
    site = worlds.once("fleet", lambda: _build(aws, own))
    aws.clear()
    with _made(Run(aws, site, own, pytest.MonkeyPatch(), _config(own)), row) as (run, taken):
        store = DynamoStore(evolve(PLACE, timeout_s=row.state.get("timeout_s", PLACE.timeout_s)))
        return {
            OTHER: _other(run),
            LAUNCH: _launch(run, store),
            HURT: _hurt(run, taken),
            APPROVAL: _approval(run),
            CUTOVER: _cutover(run, store),
        }


@contextlib.contextmanager
def _made(run: Run, row: Row) -> Iterator[tuple[Run, int]]:
    _become(run.patch, run.site)
    # Its canaries have tests of their own.
    run.patch.setattr(guardrails.Guard, "self_test", lambda _: {})
    try:
        taken = row.fails(run)
        run.install("one", **row.state)
        yield run, taken
    finally:
        guardrails.uninstall()
        run.patch.undo()
        run.aws.repair()


def table(found: Mapping[str, Mapping[str, str]]) -> str:
    """A line for each row."""
    rows = ([title, *(row[each] for each in COLUMNS)] for title, row in found.items())
    lines = [["what fails", *COLUMNS], ["---"] * 6, *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def main() -> None:
    """Print the table, or put it into the page."""
    environments.leave_the_machine_out()
    service_models.read_once()
    with SimulatedAWS() as aws, tempfile.TemporaryDirectory() as folder:
        os.environ.update(aws.environment())
        worlds = SavedWorlds()
        found = table({row.title: outcomes(aws, worlds, Path(folder), row) for row in ROWS})
    PART.write(found) if "--write" in sys.argv else print(found)


if __name__ == "__main__":
    main()
