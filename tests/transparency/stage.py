"""Run a kind and report how it ended: its value or exception, what was sent, and what the guard did."""

from __future__ import annotations

import json
import logging
import shutil
import time
import traceback
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from attrs import asdict, define, field

import guardrails
from tests.transparency import normal
from tests.transparency.control import Control
from tests.transparency.place import Place
from tests.transparency.registry import Kind


@define
class Outcome:
    """What is compared (`lines`), and what only the guard does. `end` is the exception's name, "" for none."""

    end: str = ""
    lines: list[str] = field(factory=list)
    looked_up: list[str] = field(factory=list)
    decisions: list[str] = field(factory=list)
    marks: list[str] = field(factory=list)
    logged: list[str] = field(factory=list)
    trace: str = ""

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


class Installed:
    """One guard for all kinds, installed and uninstalled for each, because loading the policies takes longest."""

    def __init__(self, folder: Path) -> None:
        self._log = folder / "decisions.jsonl"
        config = {
            "log": {"path": str(self._log)},
            # A machine that stalls makes evidence old, which is no difference between with and without.
            "max_fact_age_s": 60,
            # Nothing is live in most of these worlds.
            "enforcement": {
                "live-cluster/unknown-live": "dryrun",
                "live-cluster/nothing-live": "dryrun",
                "indirect/untraced": "dryrun",
            },
        }
        self._guard = guardrails.Guard.from_config(config)

    def install(self) -> None:
        self._log.write_bytes(b"")
        for file in self._log.parent.glob("state.db*"):
            file.unlink()
        # Its facts are of another kind's world.
        self._guard._lookups.forget()
        self._guard.install()

    def uninstall(self) -> None:
        self._guard.uninstall()

    def decisions(self) -> list[dict[str, Any]]:
        lines = [json.loads(line) for line in self._log.read_text().splitlines()]
        # What moto answers in AWS's place inside the process never leaves it, which the log says in a line of its own.
        return [line for line in lines if line.get("type") != "guardrails/not-sent"]


@contextmanager
def warnings_of_the_guard() -> Iterator[list[str]]:
    found: list[str] = []

    class Keep(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            found.append(record.getMessage())

    keep = Keep(logging.INFO)
    logging.getLogger("guardrails").addHandler(keep)
    try:
        yield found
    finally:
        logging.getLogger("guardrails").removeHandler(keep)


@contextmanager
def no_pauses() -> Iterator[None]:
    """Retries and waiters do not wait: nothing happens later."""
    sleep = time.sleep
    time.sleep = lambda seconds: sleep(min(seconds, 0.002))
    try:
        yield
    finally:
        time.sleep = sleep


def play(kind: Kind, control: Control, folder: Path, guard: Installed | None, places: type[Place] = Place) -> Outcome:
    """Run a kind once in a fresh world, with a guard or (None) without."""
    control.begin()
    place = places(control, fresh(folder / "files"))
    if kind.early:
        place.early = place.client(kind.early)
    outcome = Outcome()
    with warnings_of_the_guard() as outcome.logged, no_pauses():
        if guard:
            guard.install()
        try:
            value = ending(outcome, lambda: kind.run(place))
        finally:
            if guard:
                guard.uninstall()
    finish(outcome, value, kind, control, guard)
    return outcome


def ending(outcome: Outcome, run: Callable[[], Any]) -> Any:
    """The value of a kind, or its exception in a form that can be compared."""
    try:
        return {"value": normal.plain(run())}
    except Exception as error:
        outcome.end = type(error).__name__
        outcome.trace = traceback.format_exc()
        return failure(error)


def failure(error: BaseException) -> dict[str, Any]:
    """What a script can see of an exception."""
    kinds = [f"{kind.__module__}.{kind.__qualname__}" for kind in type(error).__mro__]
    response = normal.plain(getattr(error, "response", None))
    cause = type(error.__cause__).__name__ if error.__cause__ else None
    return {"error": kinds, "text": str(error), "response": response, "cause": cause}


def finish(outcome: Outcome, value: Any, kind: Kind, control: Control, guard: Installed | None) -> None:
    """Split what was sent into the kind's own requests and the guard's."""
    sent = control.sent()
    own = [request for request in sent if normal.LOOKUP not in normal.agent(request)]
    requests = [normal.request(request, governed=bool(kind.decisions)) for request in own]
    if kind.unordered:
        requests.sort(key=_place)
    outcome.looked_up = sorted(_action(request) for request in sent if normal.LOOKUP in normal.agent(request))
    arrived = control.arrived()
    outcome.marks = [mark for mark in map(normal.decision_of, sent) if mark]
    outcome.decisions = [found["decision_id"] for found in guard.decisions()] if guard else []
    counted = sorted(map(str, arrived)) if kind.unordered else arrived
    outcome.lines = normal.lines({"ended": value, "sent": requests, "arrived": counted})


def _place(request: Mapping[str, Any]) -> tuple[Any, ...]:
    part = [header for header in request["headers"] if header.startswith("Range: ")]
    return request["first"], request["body"], part


def _action(request: Mapping[str, Any]) -> str:
    form = request["body"].partition("Action=")[2].partition("&")[0]
    return form or next((value for name, value in request["headers"] if name == "X-Amz-Target"), request["target"])


def fresh(folder: Path) -> Path:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    return folder
