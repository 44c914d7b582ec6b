"""Puts this process into a plan: in `guardrails.plan()`, under `guardrails run --plan`, and as a child of either."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

from attrs import define

from guardrails.guard import Guard
from guardrails.intercept.gates import Gates
from guardrails.intercept.request.outgoing import Outgoing
from guardrails.intercept.tripwire import BypassingRequest, Tripwire
from guardrails.planning.accounts import Accounts
from guardrails.planning.asked_before import pipeline_of
from guardrails.planning.gates import Handler, gates
from guardrails.planning.journal import Journal
from guardrails.planning.planner import Planner
from guardrails.planning.progress import Progress
from guardrails.planning.rehearsal import Rehearsal
from guardrails.planning.running import Running

# The folder of the plan, for the processes that this one starts.
VARIABLE = "GUARDRAILS_PLAN"
# The folder of an approved plan that is being run.
APPROVED = "GUARDRAILS_APPROVED"


@define
class Joined:
    """A process in a plan. `leave` takes it out again."""

    handler: Handler
    guard: Guard
    folder: Path
    _gates: Gates
    _after: Callable[[], None] | None = None

    def leave(self) -> None:
        """Calls are sent again."""
        wire = _wire()
        if wire.joined is not self:
            return
        wire.joined = None
        self.handler.judge.planning = False
        self.handler.active = False
        self._gates.uninstall()
        wire.tripwire.disarm()
        if self._after is not None:
            self._after()


def join(guard: Guard, folder: Path) -> Joined:
    """From now on, no call of this process that may change something is sent."""
    judge, admission, lookups, models = guard.parts
    joined = enter(Rehearsal(Planner(Journal(folder), judge, admission.pipeline, lookups, models)), guard, folder)
    judge.planning = True
    usual = judge.splitter
    judge.splitter = usual and usual.rehearsing()
    joined._after = lambda: setattr(judge, "splitter", usual)
    return joined


def leave() -> None:
    """Take this process out of the plan that it is in, whichever guard joined it last."""
    joined = _wire().joined
    if joined is not None:
        joined.leave()


def enter(handler: Handler, guard: Guard, folder: Path) -> Joined:
    """Let the handler answer every call of this process. A process is in one plan, with one guard."""
    leave()
    joined = Joined(handler, guard, folder, Gates(gates(handler)))
    handler.active = True
    wire = _wire()
    wire.joined = joined
    wire.tripwire.arm()
    joined._gates.install()
    return joined


@define(eq=False)
class _Wire:
    """What sees requests that pass no gate. Python cannot take its hook out again, so there is one in a process."""

    tripwire: Any = None
    joined: Joined | None = None

    def tripped(self, request: BypassingRequest) -> None:
        handler = self.joined.handler if self.joined is not None else None
        if handler is None or not handler.active or _through_a_gate():
            return
        service, name = request.service or None, request.operation
        if handler.kind(service, name) != "read" and not (_downloads(request) or _asks_only(request)):
            out = Outgoing(request.method, f"https://{request.host}{request.path}", {}, b"")
            raise handler.refused(service, name, out, f"a request to {request.host} that did not come from botocore")


@cache
def _wire() -> _Wire:
    wire = _Wire()
    wire.tripwire = Tripwire(wire.tripped)
    return wire


def _downloads(request: BypassingRequest) -> bool:
    """Whether this gets something from S3, perhaps with a presigned URL: there the method says what is done."""
    labels = request.host.split(".")
    return request.method in ("GET", "HEAD") and (request.service == "s3" or "s3" in labels)


def _asks_only(request: BypassingRequest) -> bool:
    """Whether this gets a public page of AWS, such as its address ranges: no signature, no operation."""
    return request.method in ("GET", "HEAD") and not request.service and not request.operation


def _through_a_gate() -> bool:
    """Whether the request comes from botocore's own session, which the gate has seen, or is the guard's own."""
    frame = sys._getframe(2)
    while frame is not None:
        name = frame.f_globals.get("__name__", "")
        if name.endswith("botocore.httpsession") or name == "guardrails.waiting.http":
            return True
        frame = frame.f_back  # type: ignore[assignment]
    return False


def run_approved(guard: Guard, folder: Path) -> Joined:
    """From now on, only what is in the approved plan leaves this process. Raises ConfigError."""
    judge, admission, lookups, _ = guard.parts
    progress, usual = Progress.of(folder), admission.pipeline
    joined = enter(Running(progress, judge, usual.catalogue, Accounts(lookups)), guard, folder)
    judge.planning = True
    admission.pipeline = pipeline_of(usual, progress)
    joined._after = lambda: setattr(admission, "pipeline", usual)
    return joined


def from_environment(guard: Guard, find: Callable[[str], str | None] = os.environ.get) -> Joined | None:
    """Join the plan that a parent process or `guardrails run` is making or running, if there is one."""
    planned = find(VARIABLE)
    folder = planned or find(APPROVED)
    joined = _wire().joined
    if not folder or (joined is not None and joined.guard is guard and joined.folder == Path(folder)):
        return joined
    return join(guard, Path(folder)) if planned else run_approved(guard, Path(folder))
