"""How far a run is: a file that is written before and after each call, so that a run that died goes on where it was."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

import attrs
from attrs import define, field

from guardrails.config.settings import Settings
from guardrails.errors import ConfigError
from guardrails.memory.file_lock import LockedElsewhere, locked
from guardrails.rebuild import folder
from guardrails.rebuild.machine import Machine
from guardrails.rebuild.plan import Plan
from guardrails.rebuild.snapshot import machine_of
from guardrails.rebuild.steps import Step
from guardrails.system.files import make_folder

FORMAT = 1
SENT, DONE, REFUSED = "sent", "done", "refused"
_ID = re.compile(r"[0-9a-f]{8,32}")


@define
class Progress:
    """A run: its calls, and what became of each by the step's key.

    An entry has `state` (SENT: perhaps received by AWS; DONE; REFUSED), the number of `refusals`, `unsure` once an
    answer was lost, and for a launch `machines`: the new machine's id by the old one's, and `at`: when it was launched,
    in seconds since the epoch. `checks` are the names of the health checks that it waits for.
    """

    id: str
    cluster: str
    scope: str
    started_at: float
    machines: tuple[Machine, ...]
    waves: tuple[tuple[Step, ...], ...]
    addresses: bool
    share: float
    running_s: float
    ready_s: float
    path: Path
    entries: dict[str, dict[str, Any]] = field(factory=dict)
    reservations: dict[str, str] = field(factory=dict)
    finished: bool = False
    checks: tuple[str, ...] = ()

    def state(self, step: Step) -> str:
        """What became of a call; "" for one that was not sent."""
        return str(self.entries.get(step.key, {}).get("state", ""))

    def token(self, step: Step) -> str:
        """AWS starts the machines of a token once. Only after AWS has refused a call, the next attempt has another."""
        return self.tokens(step)[-1]

    def tokens(self, step: Step) -> list[str]:
        """All tokens that a call has had, the newest last."""
        refusals = int(self.entries.get(step.key, {}).get("refusals", 0))
        return [f"guardrails-{self.id}-{step.key}" + (f"-{n}" if n else "") for n in range(refusals + 1)]

    def note(self, step: Step, state: str, **more: Any) -> None:
        """Write down what became of a call."""
        entry = {**self.entries.get(step.key, {}), "state": state, **more}
        # Where an answer was lost, AWS may know the token: with another one it could start the machines twice.
        if state == REFUSED and not entry.get("unsure"):
            entry["refusals"] = entry.get("refusals", 0) + 1
        self.entries[step.key] = entry
        self.write()

    def write(self) -> None:
        """Write the file. Raises ConfigError."""
        folder.write(self.path, {"format": FORMAT, **attrs.asdict(self, filter=lambda a, _: a.name != "path")})

    @property
    def new(self) -> dict[str, str]:
        """The id of the new machine by that of the old one."""
        return {old: new for entry in self.entries.values() for old, new in entry.get("machines", {}).items()}

    @property
    def left(self) -> tuple[tuple[Step, ...], ...]:
        """The waves without the calls that are done."""
        waves = (tuple(step for step in wave if self.state(step) != DONE) for wave in self.waves)
        return tuple(wave for wave in waves if wave)

    @property
    def resume(self) -> str:
        """The command that goes on with it."""
        return f"guardrails rebuild run --resume {self.id}"


def begin(settings: Settings, plan: Plan, run_id: str, now: float) -> Progress:
    """A run of a plan, not yet written."""
    return Progress(
        run_id,
        plan.wish.cluster,
        plan.scope,
        now,
        plan.machines,
        plan.waves,
        plan.wish.addresses,
        plan.share,
        plan.boot.running[1],
        plan.boot.ready[1],
        _path(settings, run_id),
    )


def resumed(settings: Settings, run_id: str, scope: str) -> Progress:
    """The run with this id, in this account and region. Raises ConfigError."""
    if not _ID.fullmatch(run_id):
        raise ConfigError(f"--resume {run_id}: that is not the id of a run; `guardrails rebuild run` prints it")
    path = _path(settings, run_id)
    run = _read(folder.load(path), path)
    if run.scope != scope:
        raise ConfigError(f"run {run_id} is of {run.scope}, and this is {scope}; use its credentials and region")
    later = [
        each
        for each in runs(settings, run.cluster, scope, lambda _: None)
        if each.id != run_id and each.started_at >= run.started_at
    ]
    if later and not run.finished:
        raise ConfigError(
            f"run {later[-1].id} of {run.cluster} was started after run {run_id}, and may have started its machines; "
            f"go on with it: {later[-1].resume}, or plan a new run"
        )
    return run


def runs(settings: Settings, cluster: str, scope: str, tell: Callable[[str], None]) -> list[Progress]:
    """The runs of a cluster, the newest last. `tell` gets a sentence about each file that cannot be read."""
    found = []
    for path in _path(settings, "").parent.glob("*.json"):
        try:
            found.append(_read(folder.load(path), path))
        except ConfigError as error:
            tell(f"left out, so a run that has not finished may be missing: {error}")
    own = [run for run in found if run.cluster == cluster and run.scope == scope]
    return sorted(own, key=lambda run: (run.started_at, run.id))


@contextmanager
def alone(progress: Progress) -> Iterator[None]:
    """Only one process of this host rebuilds a cluster. Raises ConfigError where another does."""
    # A cluster's name may have a slash.
    name = quote(f"{progress.scope}-{progress.cluster}", safe="")
    path = progress.path.parent / f"{name}.lock"
    make_folder(path.parent)
    handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        with locked(handle):
            yield
    except LockedElsewhere as error:
        raise ConfigError(f"another process rebuilds {progress.cluster}; wait until it has ended") from error
    finally:
        os.close(handle)


def _path(settings: Settings, run_id: str) -> Path:
    return folder.folder(settings) / "runs" / f"{run_id}.json"


def _read(document: Any, path: Path) -> Progress:
    try:
        values: dict[str, Any] = dict(document)
        if values.pop("format") != FORMAT:
            raise ConfigError(f"{path} was written by another version; finish it with that version, or plan a new run")
        values["machines"] = tuple(map(machine_of, values["machines"]))
        values["waves"] = tuple(tuple(map(_step, wave)) for wave in values["waves"])
        # Runs of earlier versions do not have it.
        values["checks"] = tuple(values.get("checks", ()))
        return Progress(**values, path=path)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise ConfigError(f"{path} is damaged ({type(error).__name__}: {error}); plan a new run") from error


def _step(entry: Mapping[str, Any]) -> Step:
    machines: Sequence[str] = entry["machines"]
    return Step(**{**entry, "machines": tuple(machines)})
