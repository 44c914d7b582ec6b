"""What goes wrong during the soak, one thing after the other with calm in between: a schedule that a seed repeats."""

from __future__ import annotations

import contextlib
import random
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

from attrs import frozen

from tests.faults import answers
from tests.faults.proxy import Proxy

RULE = """package guardrails.quiet

# METADATA
# title: Machines with a certain name are left alone
# custom:
#   rule: quiet/name
deny contains {
	"rule": "quiet/name",
	"target": id,
	"message": "It is quiet.",
	"remediation": "Leave it.",
} if {
	some id, target in input.targets
	target.tags.Name == "VALUE"
}
"""


@frozen
class Parts:
    """What can be broken."""

    folder: Path
    lookups: Proxy
    sink: Any
    opa: Any | None
    kill: Callable[[int], None]
    switch: Callable[[], None]
    chance: random.Random


Trouble = Callable[[Parts], AbstractContextManager[None]]


def _of_lookups(*faults: Any, share: float = 1.0) -> Trouble:
    @contextlib.contextmanager
    def trouble(parts: Parts) -> Iterator[None]:
        parts.lookups.answer = answers.sometimes(random.Random(parts.chance.random()), share, *faults)
        yield
        parts.lookups.answer = None

    return trouble


@contextlib.contextmanager
def _state_locked(parts: Parts) -> Iterator[None]:
    with contextlib.closing(sqlite3.connect(parts.folder / "state.db", timeout=30)) as connection:
        connection.execute("BEGIN EXCLUSIVE")
        yield
        connection.rollback()


@contextlib.contextmanager
def _sink_down(parts: Parts) -> Iterator[None]:
    parts.sink.down = True
    yield
    parts.sink.down = False


@contextlib.contextmanager
def _opa_down(parts: Parts) -> Iterator[None]:
    if parts.opa is not None:
        parts.opa.fault = lambda handler: None
    yield
    if parts.opa is not None:
        parts.opa.fault = None


def _policies(text: str) -> Trouble:
    """Somebody edits a policy, and saves it well or broken; afterwards it is as before."""

    @contextlib.contextmanager
    def trouble(parts: Parts) -> Iterator[None]:
        file = parts.folder / "own" / "quiet.rego"
        file.write_text(text)
        yield
        file.write_text(RULE)

    return trouble


@contextlib.contextmanager
def _killed(parts: Parts) -> Iterator[None]:
    parts.kill(parts.chance.randrange(1, 4))
    yield


@contextlib.contextmanager
def _switched(parts: Parts) -> Iterator[None]:
    parts.switch()
    yield


TROUBLES: dict[str, Trouble] = {
    "look-ups throttled": _of_lookups(answers.refused(503, "RequestLimitExceeded")),
    "look-ups refused": _of_lookups(answers.refused(403, "UnauthorizedOperation")),
    "credentials expired": _of_lookups(answers.refused(400, "RequestExpired")),
    "look-ups fail": _of_lookups(answers.refused(500, "InternalError")),
    "look-ups slow": _of_lookups(*map(answers.late, (0.5, 2, 8))),
    "connections reset": _of_lookups(answers.reset, answers.lost, share=0.5),
    "answers cut": _of_lookups(answers.cut, answers.document(answers.half), share=0.5),
    "answers empty": _of_lookups(answers.document(answers.empty), answers.document(answers.hollow)),
    "answers foreign": _of_lookups(answers.document(answers.foreign), answers.document(answers.other_types)),
    "first pages only": _of_lookups(answers.document(answers.first_page)),
    "state locked": _state_locked,
    "sink down": _sink_down,
    "OPA down": _opa_down,
    "policy broken": _policies(RULE + "deny contains {"),
    "policy edited": _policies(RULE.replace("VALUE", "somebody")),
    "policy emptied": _policies(""),
    "process killed": _killed,
    "cutover": _switched,
}


@frozen
class Moment:
    """A trouble, from `begins` to `ends`; seconds since the start of the run."""

    name: str
    begins: float
    ends: float


def schedule(seed: int, seconds: float, calm_s: float) -> list[Moment]:
    """Every trouble in an order of chance, again and again, each for some seconds with calm behind it."""
    chance = random.Random(seed)
    moments: list[Moment] = []
    waiting: list[str] = []
    at = calm_s
    while True:
        if not waiting:
            waiting = [*TROUBLES]
            chance.shuffle(waiting)
        lasts = chance.uniform(2, 8)
        if at + lasts + calm_s > seconds:
            return moments
        moments.append(Moment(waiting.pop(), at, at + lasts))
        at += lasts + calm_s
