"""What can go wrong at a change of a cutover. `python -m tests.process.cutover_failures --write` notes it.

That is one change of each kind. With `--every` it goes wrong at each change in turn, which takes twice as long.

Each cell is a `guardrails cutover start` of its own, with a guard that enforces, at a terminal where a person confirms.
The simulated AWS breaks it at one change, and looks after every request whether users get anywhere. Then other
processes `abort` it, or go on, and everything must be as it was.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from attrs import define, field, frozen

from guardrails.cutover.hold import latest
from guardrails.cutover.plan import Record
from guardrails.memory.sqlite.cutovers import SqliteCutovers
from guardrails.testing import SimulatedAWS
from guardrails.testing.request import read
from tests.faults.proxy import LOOKUP
from tests.support import environments, service_models, terminals
from tests.support.cutover_shop import ACCOUNT, NAME, Shop
from tests.support.generated import Generated

PART = Generated("running.md", "cutover failures", "tests.process.cutover_failures --write")
PROGRAM = [sys.executable, str(Path(__file__).parent.parent / "support" / "cutover_process.py")]
KINDS = {
    "AssociateAddress": "an address",
    "ModifyListener": "a listener",
    "ModifyRule": "a rule",
    "rrset": "a record",
}
# First the rule gets the new group, without users. Then two steps, each with an address, the listener, its rule and the
# record. The way back has each of the five once.
FORWARD, ONE_OF_EACH, BACK = range(1, 10), range(2, 6), range(1, 6)
_CONFIG = f"""
lookup_timeout_s = 60
max_fact_age_s = 60
[log]
path = "decisions.jsonl"
[state]
path = "state.db"
[live]
sources = ["eip", "target-group", "dns"]
records = ["{NAME}"]
"""
_START = ("start", "--from", "blue", "--to", "green", "--shares", "50,100", "--bake", "0", "--patience", "0")
# More than any hold that is left.
_LATER_S = 1000.0
WSGI = Callable[[Any, Any], Any]


@define
class Door:
    """In front of the simulated AWS: breaks one change of the process `pid`, or all from there on."""

    shop: Shop
    folder: Path
    app: WSGI
    fault: Callable[[Door, WSGI, Any, Any], Any] | None = None
    at: int = 0
    times: int = 1
    pid: int = 0
    changes: list[str] = field(factory=list)
    requests: int = 0
    struck: threading.Event = field(factory=threading.Event)
    stops: bool = False
    alone: threading.Lock = field(factory=threading.Lock)

    def __call__(self, environ: Any, start_response: Any) -> Any:
        self.requests += 1
        request = read(environ)
        kind = next((kind for name, kind in KINDS.items() if name in request.operation), "")
        if not kind or (request.operation.startswith("GET") and kind == "a record"):
            if LOOKUP in request.user_agent:
                self._stop()
            return self.app(environ, start_response)
        self.changes.append(kind)
        if self.fault is None or not self.at <= len(self.changes) < self.at + self.times:
            return self.app(environ, start_response)
        self.struck.set()
        return self.fault(self, self.app, environ, start_response)

    def _begun(self) -> bool:
        """Whether the next look-ups of the guard are for the change."""
        record = self.record()
        return record is not None and record.begun > 0 and len(self.changes) == self.at - 1

    def record(self) -> Record | None:
        """What is kept of the cutover."""
        return latest(SqliteCutovers(self.folder / "state.db"), f"{ACCOUNT}/{self.shop.aws.region}")

    def _stop(self) -> None:
        """The process stands still between the renewal of its hold and its change, and time goes by."""
        with self.alone:
            if self.stops and self._begun():
                self.stops = False
                os.kill(self.pid, signal.SIGSTOP)
                self.later()
                self.struck.set()

    def later(self) -> None:
        """Time goes by."""
        file, new = self.folder / "clock", self.folder / "clock.new"
        new.write_text(str(float(file.read_text()) + _LATER_S))
        new.replace(file)


# -- what goes wrong ---------------------------------------------------------------------------------------------------


def _refused(_door: Door, _app: WSGI, _environ: Any, start_response: Any) -> Any:
    start_response("503 Service Unavailable", [("Content-Length", "0")])
    return [b""]


def _lost(_door: Door, app: WSGI, environ: Any, _start_response: Any) -> Any:
    b"".join(app(environ, lambda *_: None))
    raise ConnectionAbortedError


def _signalled(number: signal.Signals, *, first: bool) -> Callable[..., Any]:
    def signalled(door: Door, app: WSGI, environ: Any, start_response: Any) -> Any:
        if first and number == signal.SIGKILL:
            os.kill(door.pid, number)
            raise ConnectionAbortedError
        answer = app(environ, start_response)
        os.kill(door.pid, number)
        return answer

    return signalled


def _unhealthy(door: Door, app: WSGI, environ: Any, start_response: Any) -> Any:
    (door.folder / "healthy").unlink()
    return app(environ, start_response)


@frozen
class Row:
    """What goes wrong at a change, for so many `times`; a `stops` has the process stand still before it.

    `ends` is the phase that `start` leaves, and `then` the commands of other processes, with the phase each leaves.
    With `back` it goes wrong at a change of the first of them.
    """

    title: str
    fault: Callable[..., Any] | None
    ends: str
    then: tuple[tuple[str, str], ...]
    outcome: str
    times: int = 1
    stops: bool = False
    back: bool = False
    first: int = 1

    def numbers(self, *, every: bool) -> range:
        """The changes at which it goes wrong: one of each kind, or every one."""
        if self.back:
            return BACK
        return FORWARD[self.first - 1 :] if every else ONE_OF_EACH


_KILLED_BEFORE, _KILLED_AFTER = (_signalled(signal.SIGKILL, first=first) for first in (True, False))
_INTERRUPTED = _signalled(signal.SIGINT, first=False)
ABORT, RESUME = ("abort", "went-back"), ("resume", "switched")
GOES_ON, GOES_BACK, TAKEN_BACK = "goes on to the end", "goes back by itself", "`abort` brings all back"
ROWS = (
    Row("AWS refuses it once", _refused, "switched", (ABORT,), GOES_ON),
    Row("AWS refuses it, however often it is tried", _refused, "went-back", (), GOES_BACK, times=5),
    # Where nothing has changed yet, nothing is stuck.
    Row("AWS refuses this and all that follow", _refused, "stuck", (ABORT,), TAKEN_BACK, times=1000, first=2),
    Row("its answer is lost", _lost, "switched", (ABORT,), GOES_ON),
    Row("the new side is unhealthy after it", _unhealthy, "went-back", (), GOES_BACK),
    Row("Ctrl-C, while it is under way", _INTERRUPTED, "went-back", (), GOES_BACK),
    Row("`kill -9` before AWS has it", _KILLED_BEFORE, "switching", (ABORT,), TAKEN_BACK),
    Row("`kill -9` after AWS has it", _KILLED_AFTER, "switching", (ABORT,), TAKEN_BACK),
    Row("`kill -9`, then `start --resume`", _KILLED_AFTER, "switching", (RESUME, ABORT), GOES_ON),
    Row("`abort` is killed at its change", _KILLED_AFTER, "switched", (("abort", "going-back"), ABORT), TAKEN_BACK,
        back=True),
    Row("the process stands still before it, and another one runs `abort` meanwhile", None, "switching", (ABORT,),
        "is not sent any more", stops=True),
)  # fmt: skip


# -- a cell ------------------------------------------------------------------------------------------------------------


@define
class Cell:
    """One cutover. `wrong` says what is not as it must be; `kind` is what kind of change was broken."""

    row: Row
    number: int
    door: Door
    terminal: terminals.Terminal | None = None
    wrong: list[str] = field(factory=list)

    @property
    def kind(self) -> str:
        """The kind of the change that was broken."""
        if self.row.back:
            return self.door.changes[self.number - 1]
        moves = [move for step in self._record().plan.steps for move in step.moves]
        return f"a{'n' * moves[self.number - 1].key.startswith('a')} {moves[self.number - 1].key.partition(' ')[0]}"

    def run(self) -> None:
        """The cutover, what goes wrong, and what other processes do about it."""
        door, row = self.door, self.row
        before = door.shop.state()
        door.shop.dark.clear()
        if not row.back:
            door.fault, door.at, door.times, door.stops = row.fault, self.number, row.times, row.stops
        terminal = self._confirmed()
        if row.stops:
            self._check("the process stood still", value=door.struck.wait(60))
        else:
            self._ends(terminal, {"switched": 0, "went-back": 1, "stuck": 3}.get(row.ends, -signal.SIGKILL))
        self._phase(row.ends)
        self._then()
        self._check("everything is as it was", value=door.shop.state() == before)
        if row.stops:
            changes = len(door.changes)
            os.kill(door.pid, signal.SIGCONT)
            self._ends(terminal, 2)
            self._check("nothing was sent late", value=len(door.changes) == changes)
            self._check("everything is as it was", value=door.shop.state() == before)
        self._check("the change was broken", value=door.struck.is_set())
        self._check("the guard judged each change", value=self._judged())
        self.wrong += [*door.shop.dark]

    def end(self) -> None:
        """Leave no process behind."""
        if self.terminal is not None:
            os.kill(self.terminal.pid, signal.SIGKILL)
            self._exit_code(self.terminal)

    def _then(self) -> None:
        door = self.door
        for number, (command, ends) in enumerate(self.row.then):
            door.fault = None
            if self.row.back and not number:
                del door.changes[:]
                door.fault, door.at = self.row.fault, self.number
            door.later()
            arguments = ["start", "--resume"] if command == "resume" else [command]
            run, pipe = [*PROGRAM, "clock", "cutover", *arguments], subprocess.PIPE
            other = subprocess.Popen(run, cwd=door.folder, env=self._environment(), stdout=pipe, stderr=pipe)
            if not self.row.stops:
                door.pid = other.pid
            self._phase(ends, b"".join(other.communicate()).decode())

    def _confirmed(self) -> terminals.Terminal:
        """`start`, once a person has confirmed it."""
        command = [*PROGRAM, "clock", "cutover", *_START, "--health", "command:test -e healthy"]
        terminal = terminals.Terminal(command, self._environment(), self.door.folder)
        self.terminal, self.door.pid = terminal, terminal.pid
        terminal.until("\n> ", 300)
        terminal.type("green\n")
        return terminal

    def _environment(self) -> dict[str, str]:
        made: dict[str, str] = terminals.environment(**self.door.shop.aws.environment())
        return made

    def _ends(self, terminal: terminals.Terminal, code: int) -> None:
        terminal.until("\0", 300)
        found = self._exit_code(terminal)
        self._check(f"the exit code {code}", value=found == code, said=terminal.seen)

    def _exit_code(self, terminal: terminals.Terminal) -> int:
        self.terminal = None
        code = os.waitstatus_to_exitcode(os.waitpid(terminal.pid, 0)[1])
        os.close(terminal.fd)
        return code

    def _phase(self, wanted: str, said: str = "") -> None:
        found = self._record().phase
        self._check(f"{found} is {wanted}", value=found == wanted, said=said)

    def _record(self) -> Record:
        record = self.door.record()
        assert record is not None
        return record

    def _judged(self) -> bool:
        lines = (self.door.folder / "decisions.jsonl").read_text().splitlines()
        made = [json.loads(line) for line in lines]
        mine = [each for each in made if str(each.get("input", {}).get("call", {}).get("operation")) in _OPERATIONS]
        return len(mine) >= len(self.door.changes)

    def _check(self, fact: str, *, value: bool, said: str = "") -> None:
        if not value:
            self.wrong.append(f"not true: {fact} {said[-2000:]}")


_OPERATIONS = {"AssociateAddress", "ModifyListener", "ModifyRule", "ChangeResourceRecordSets"}


@contextlib.contextmanager
def shop(aws: SimulatedAWS, folder: Path) -> Iterator[Shop]:
    """One for all cells: each leaves it as it was."""
    made = Shop(aws, folder, addresses=2, rule=True)
    try:
        yield made
    finally:
        made.close()


def measure(row: Row, number: int, there: Shop, folder: Path) -> Cell:
    """One cell, broken at this change."""
    own = Path(tempfile.mkdtemp(dir=folder))
    (own / "guardrails.toml").write_text(_CONFIG)
    (own / "clock").write_text("0")
    (own / "healthy").touch()
    door = there.aws._up.door
    cell = Cell(row, number, Door(there, own, door._app))
    door._app = cell.door
    try:
        cell.run()
    finally:
        cell.end()
        door._app = cell.door.app
    return cell


def table(found: Mapping[str, Mapping[str, str]]) -> str:
    """A line for each row."""
    rows = ([title, *(row.get(kind, "-") for kind in KINDS.values())] for title, row in found.items())
    lines = [["what goes wrong at a change of", *KINDS.values()], ["---"] * (1 + len(KINDS)), *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def outcomes(row: Row, there: Shop, folder: Path, *, every: bool) -> dict[str, str]:
    """By kind of change; what is wrong is printed."""
    found: dict[str, str] = {}
    for number in row.numbers(every=every):
        cell = measure(row, number, there, folder)
        if cell.wrong:
            print(f"{row.title}, change {number}:", *cell.wrong, sep="\n  ", file=sys.stderr)
        if found.get(cell.kind) != "**wrong**":
            found[cell.kind] = "**wrong**" if cell.wrong else row.outcome
    return found


def main() -> None:
    """Print the table, or put it into the page."""
    environments.leave_the_machine_out()
    service_models.read_once()
    with SimulatedAWS() as aws, tempfile.TemporaryDirectory() as folder:
        os.environ.update(aws.environment())
        with shop(aws, Path(folder)) as there:
            every = "--every" in sys.argv
            found = table({row.title: outcomes(row, there, Path(folder), every=every) for row in ROWS})
    PART.write(found) if "--write" in sys.argv else print(found)


if __name__ == "__main__":
    main()
