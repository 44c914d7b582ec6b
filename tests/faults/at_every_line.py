"""An exception at each line of the guard in turn, in the middle of a governed call.

`python -m tests.faults.at_every_line` tries all of them. A trace function raises it where the line runs for the first
time. Each line has a process of its own, forked from one with an installed guard; whether the call arrived is counted
at the server. Afterwards the process must still work: the same call again, and one on the live cluster, here and in
another thread; and the script's signal handlers are back.
"""

from __future__ import annotations

import argparse
import ast
import contextlib
import contextvars
import dis
import json
import logging
import os
import random
import signal
import sys
import tempfile
import threading
import traceback
from collections import Counter
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from types import FrameType
from typing import Any

from attrs import frozen
from botocore.exceptions import ClientError

import guardrails
from guardrails.testing import SimulatedAWS
from tests.support import environments, service_models

_PACKAGE = f"{Path(guardrails.__file__).parent}{os.sep}"
# The simulated AWS answers in the parent; none of it runs in a child.
_NOT_OURS = f"{_PACKAGE}testing{os.sep}"
# Longer than anything takes here, and than a look-up may: then a lock is held for ever.
_PATIENCE_S = 60.0
_LOOKUPS_S = 10.0
# All lines take hours.
_TOLD_EVERY = 100


class Injected(Exception):
    """What no code of the guard raises, as another thread may put it into this one."""


KINDS: tuple[type[BaseException], ...] = (KeyboardInterrupt, MemoryError, Injected)
LIVE, STAGING = "live", "staging"
# A file below the package, and a line of it.
Line = tuple[str, int]


@frozen
class Site:
    """Clients and machines: blue is live, green is staging. No call changes anything: AWS answers with an error."""

    aws: SimulatedAWS
    ec2: Any
    machines: dict[str, str]
    folder: Path

    def call(self, cluster: str) -> str:
        """``sent``, ``unavailable`` or ``denied`` with the reason, or the name of what was raised."""
        try:
            self.ec2.terminate_instances(InstanceIds=[self.machines[cluster]])
        except guardrails.GuardUnavailable as error:
            return f"unavailable: {error.decision.unavailable}"
        except guardrails.CallDenied as error:
            return "denied: " + " ".join(sorted({each.rule for each in error.decision.violations}))
        except BaseException as error:
            return "sent" if "Arrived" in str(error) else type(error).__name__
        raise AssertionError("AWS answers with an error")


@contextlib.contextmanager
def site() -> Iterator[Site]:
    """An account with both clusters, and a guard that is installed."""
    with SimulatedAWS() as aws, tempfile.TemporaryDirectory() as folder:
        blue, green = aws.start_cluster("blue", 2, addresses=1), aws.start_cluster("green", 2)
        aws.answer("TerminateInstances", 400, "Arrived", "it arrived")
        aws.answer("CreateKeyPair", 400, "Arrived", "it arrived")
        files = {"log": {"path": f"{folder}/log.jsonl"}, "state": {"path": f"{folder}/state.db"}}
        guard = guardrails.install({**files, "lookup_timeout_s": _LOOKUPS_S, "max_fact_age_s": 60})
        ec2 = aws.client("ec2")
        made = Site(aws, ec2, {LIVE: blue.instance_ids[0], STAGING: green.instance_ids[0]}, Path(folder))
        try:
            # What is imported or compiled once belongs to no line of a call.
            for cluster in (LIVE, STAGING):
                made.call(cluster)
            guard._lookups.forget()
            # A child must not share its connections with the next one.
            ec2.close()
            yield made
        finally:
            guardrails.uninstall()


# -- where it is raised ------------------------------------------------------------------------------------------------


def _at(frame: FrameType) -> Line | None:
    name = frame.f_code.co_filename
    return (name[len(_PACKAGE) :], frame.f_lineno) if name.startswith(_PACKAGE) and _NOT_OURS not in name else None


def _traced(run: Callable[[], str], meet: Callable[[Line], None], only: str = "") -> str:
    """Run it, and call `meet` before each line of the guard, in the threads of its look-ups as well.

    With `only`, before each line of this file: tracing takes longer than the rest.

    Where a line begins to clean up (the first of a `finally` or `except`), after the next call, there or further on:
    Python itself raises nothing of another thread's, and no Ctrl-C, between the last call before that and this one.
    """

    wanted = _PACKAGE + only

    def trace(frame: FrameType, event: str, _: Any) -> Any:
        if only and frame.f_code.co_filename != wanted:
            return None
        line = _at(frame)
        if line is None:
            return None
        waits = _CLEANING.get(frame)
        if event == "opcode" and waits is not None:
            operation = dis.opname[frame.f_code.co_code[frame.f_lasti]]
            if waits[1]:
                del _CLEANING[frame]
                frame.f_trace_opcodes = False
                meet(waits[0])
            elif operation.startswith("CALL"):
                _CLEANING[frame] = (waits[0], True)
        if event == "line":
            if waits is not None:
                return trace
            if line[1] in _cleanups(frame.f_code.co_filename):
                _CLEANING[frame] = (line, False)
                frame.f_trace_opcodes = True
            else:
                meet(line)
        return trace

    threading.settrace(trace)
    sys.settrace(trace)
    try:
        return run()
    finally:
        sys.settrace(None)
        threading.settrace(None)  # type: ignore[arg-type]


# Frames in the first line of a clean-up, with that line and whether its first call has begun.
_CLEANING: dict[FrameType, tuple[Line, bool]] = {}


@cache
def _cleanups(file: str) -> frozenset[int]:
    """The lines in which `finally` and `except` begin."""
    nodes = [node for node in ast.walk(ast.parse(Path(file).read_text("utf-8"))) if isinstance(node, ast.Try)]
    first = [
        body[0].lineno for node in nodes for body in (node.finalbody, *(each.body for each in node.handlers)) if body
    ]
    return frozenset((*first, *(each.lineno for node in nodes for each in node.handlers)))


def lines(at: Site, cluster: str) -> list[Line]:
    """Every line of the guard that such a call runs, in this order."""
    met: dict[Line, None] = {}

    def run() -> list[Line]:
        _traced(lambda: at.call(cluster), met.setdefault)
        return list(met)

    return [(file, number) for file, number in _in_child(run)]


def _in_child(run: Callable[[], Any]) -> Any:
    """What it returns in a forked process; None where that does not end in time."""
    reader, writer = os.pipe()
    child = os.fork()
    if not child:
        try:
            os.close(reader)
            with os.fdopen(writer, "w") as file:
                json.dump(run(), file)
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(0)
    os.close(writer)
    timer = threading.Timer(_PATIENCE_S, os.kill, (child, signal.SIGKILL))
    timer.start()
    with os.fdopen(reader) as file:
        text = file.read()
    timer.cancel()
    os.waitpid(child, 0)
    return json.loads(text) if text else None


# -- what becomes of it ------------------------------------------------------------------------------------------------


@frozen
class Outcome:
    """What became of a call with an exception at this line; `problems` is empty where all is as it must be."""

    cluster: str
    line: Line
    kind: str
    word: str
    problems: tuple[str, ...]


def attempt(at: Site, cluster: str, line: Line, kind: type[BaseException]) -> Outcome:
    """Make the call in a process of its own, with `kind` raised at `line`, and then others."""
    for file in at.folder.iterdir():
        file.unlink()
    at.aws.clear()
    found = _in_child(lambda: _interrupted(at, cluster, line, kind))
    if found is None:
        return Outcome(cluster, line, kind.__name__, "", ("it never ends",))
    operations = [each.operation for each in at.aws.requests]
    arrived = operations[: operations.index("CreateKeyPair")].count("TerminateInstances")
    problems = [*_of_the_call(cluster, kind, arrived, found["word"], found["logged"]), *found["problems"]]
    return Outcome(cluster, line, kind.__name__, found["word"], tuple(problems))


def _in_destructor() -> bool:
    """Where Python drops every exception."""
    frame: FrameType | None = sys._getframe()
    while frame is not None and frame.f_code.co_name != "__del__":
        frame = frame.f_back
    return frame is not None


def _interrupted(at: Site, cluster: str, line: Line, kind: type[BaseException]) -> dict[str, Any]:
    threw: list[Line] = []
    in_main: list[bool] = []

    def meet(here: Line) -> None:
        if here == line and not threw:
            threw.append(here)
            in_main.append(threading.current_thread() is threading.main_thread() and not _in_destructor())
            raise kind("at this line")

    # A shell without job control makes its background jobs ignore Ctrl-C.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    context = dict(contextvars.copy_context())
    word = _traced(lambda: at.call(cluster), meet, line[0])
    file = at.folder / "log.jsonl"
    logged = [json.loads(each) for each in file.read_text().splitlines()] if file.exists() else []
    problems = _left_behind(context)
    with contextlib.suppress(ClientError):
        at.ec2.create_key_pair(KeyName="afterwards")
    problems += [*_afterwards(at, ""), *_elsewhere(at)]
    if word == "sent" and kind is KeyboardInterrupt and in_main == [True]:
        problems.append("the interrupt is lost")
    # Which lines of the look-ups' threads run depends on who is first.
    word = word if threw else "other lines ran"
    return {
        "word": word,
        "logged": [[each["decision_id"], each["custom"]["sent"]] for each in logged],
        "problems": problems,
    }


def _of_the_call(
    cluster: str, kind: type[BaseException], arrived: int, word: str, logged: list[tuple[str, bool]]
) -> Iterator[str]:
    sent = {decision for decision, was_sent in logged if was_sent}
    said = sent - {decision for decision, was_sent in logged if not was_sent}
    if arrived > (cluster == STAGING):
        yield f"{arrived} arrived"
    if arrived and not said:
        yield "it arrived, and no decision allows it"
    if said and not arrived:
        yield "the log says that it was sent"
    if word not in {"sent", "other lines ran", kind.__name__} and not word.startswith(
        ("denied: live-cluster/terminate", "unavailable: ")
    ):
        yield f"it ends with {word}"


def _left_behind(before: dict[Any, Any]) -> list[str]:
    now = dict(contextvars.copy_context())
    changed = {each.name for each in {*before, *now} if before.get(each) is not now.get(each)}
    left = [f"{name} is still set" for name in sorted(changed) if name.startswith("guardrails") and _is_set(name, now)]
    try:
        signal.raise_signal(signal.SIGINT)
    except KeyboardInterrupt:
        return left
    return [*left, "signal handlers are held back"]


def _is_set(name: str, now: dict[Any, Any]) -> bool:
    return any(value is not None for variable, value in now.items() if variable.name == name)


def _afterwards(at: Site, where: str) -> list[str]:
    words = {STAGING: "sent", LIVE: "denied: live-cluster/terminate"}
    made = [(cluster, at.call(cluster), wanted) for cluster, wanted in words.items()]
    return [f"{cluster}, afterwards{where}: {word}" for cluster, word, wanted in made if not word.startswith(wanted)]


def _elsewhere(at: Site) -> list[str]:
    found = ["another thread waits for ever"]

    def run() -> None:
        found[:] = _afterwards(at, " in another thread")

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    thread.join(_PATIENCE_S / 2)
    return found


# -- the command -------------------------------------------------------------------------------------------------------


def main() -> None:
    """Try every line, or those that were asked for; the exit code is 1 where one has a problem."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--sample", type=int, help="so many lines by chance instead of all")
    parser.add_argument("--seed", type=int, default=1, help="which lines those are")
    parser.add_argument("--at", help="only the lines of this file, as FILE or FILE:LINE")
    parser.add_argument("--part", default="1/1", help="only this part of them, as in 1/2 and 2/2")
    parser.add_argument("--in-turn", action="store_true", help="at each line one of the exceptions, not all")
    parser.add_argument("--raise", dest="kind", help="only this exception", choices=[kind.__name__ for kind in KINDS])
    asked = parser.parse_args()
    environments.leave_the_machine_out()
    service_models.read_once()
    logging.disable(logging.CRITICAL)
    with site() as at:
        every = [(cluster, line) for cluster in (LIVE, STAGING) for line in lines(at, cluster)]
        wanted = [
            (cluster, line, kind) for number, (cluster, line) in enumerate(every)
            for kind in (KINDS[number % len(KINDS) :][:1] if asked.in_turn else KINDS)
            if asked.kind in (None, kind.__name__) and f"{line[0]}:{line[1]}:".startswith(f"{asked.at or ''}")
        ]  # fmt: skip
        chosen = random.Random(asked.seed).sample(wanted, asked.sample) if asked.sample else wanted
        part, parts = map(int, asked.part.split("/"))
        outcomes = []
        for cluster, line, kind in chosen[part - 1 :: parts]:
            outcomes.append(outcome := attempt(at, cluster, line, kind))
            if len(outcomes) % _TOLD_EVERY == 0:
                print(
                    f"{len(outcomes)} of {len(chosen[part - 1 :: parts])}, at {cluster} {line[0]}:{line[1]}", flush=True
                )
            if outcome.problems:
                print(f"{cluster} {line[0]}:{line[1]} {outcome.kind}: {'; '.join(outcome.problems)}", flush=True)
    bad = sum(bool(outcome.problems) for outcome in outcomes)
    words = Counter(outcome.word.partition(":")[0] for outcome in outcomes)
    ends = ", ".join(f"{number} {word}" for word, number in sorted(words.items()))
    print(f"{len(outcomes)} calls ({ends}), {bad} with problems")
    sys.exit(bad > 0)


if __name__ == "__main__":
    main()
