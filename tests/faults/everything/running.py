"""Makes the calls of a row: in a process of its own, before, during and after the fault, and after the next start."""

from __future__ import annotations

import contextlib
import json
import logging
import os
import re
import signal
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from attrs import evolve, frozen
from botocore.config import Config
from botocore.exceptions import ClientError

import guardrails
from guardrails.show.sentences import DENIAL
from guardrails.testing import SimulatedAWS
from tests.faults.everything.row import Outside, Row, Scene, Site

LIVE, STAGING, UNGOVERNED = "live cluster", "staging", "ungoverned"
SENT, ENDED, NOT_STARTED, NEVER = "sent", "the process ends", "install() raises", "waits for ever"
AFTERWARDS = "works"
# A row's process takes no longer; an ungoverned call is not slowed by more than this, on a machine with other work.
_PATIENCE_S, _SLOWER_S = 60.0, 0.1
_TRIES = 5
_OPERATIONS = {LIVE: "TerminateInstances", STAGING: "TerminateInstances", UNGOVERNED: "CreateKeyPair"}


@frozen
class Cells:
    """What became of a row's calls. `problems` has what must not be; "" as a `sentence` is that there is none."""

    live: str
    staging: str
    ungoverned: str
    afterwards: str
    sentence: str
    problems: tuple[str, ...] = ()


@contextlib.contextmanager
def site() -> Iterator[Site]:
    """An account with both clusters."""
    with SimulatedAWS() as aws:
        blue, green = aws.start_cluster("blue", 2, addresses=1), aws.start_cluster("green", 2)
        for operation in _OPERATIONS.values():
            aws.answer(operation, 400, "Arrived", "it arrived")
        yield Site(aws, blue.instance_ids[0], green.instance_ids[0])


def run(at: Site, row: Row) -> Cells:
    """Make the calls of a row, and count what arrives."""
    at.aws.clear()
    with row.outside(at) as outside, tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)
        scene = Scene(at, folder, _config(folder, row, outside))
        row.prepare(scene)
        told = _in_process(lambda say: _calls(scene, row, outside, say), outside.switch)
        outside.switch(False)
        arrived = _arrived(at)
        problems = _unrecorded(scene, arrived)
        told["next start"] = _in_process(lambda say: _next_start(scene, outside, say), outside.switch).get("works", "")
    return _cells(row, told, arrived, problems, folder)


def _config(folder: Path, row: Row, outside: Outside) -> dict[str, Any]:
    (folder / "log").mkdir()
    config: dict[str, Any] = {
        "log": {"path": str(folder / "log" / "decisions.jsonl")},
        "state": {"path": str(folder / "state.db")},
        "lookup_timeout_s": 10.0,
        # A machine that stalls for some seconds is no reason for a denial. OPA's bundle has its own number.
        **({} if outside.config.get("engine") == "opa" else {"max_fact_age_s": 60}),
    }
    for more in (row.config, outside.config):
        for key, raw in more.items():
            value = json.loads(json.dumps(raw).replace("FOLDER", str(folder)))
            config[key] = {**config.get(key, {}), **value} if isinstance(value, dict) else value
    return config


# -- in the row's process ----------------------------------------------------------------------------------------------


class _Heard(logging.Handler):
    """What the guard's logger reports, except for denials."""

    def __init__(self) -> None:
        super().__init__()
        self.sentences: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        if not hasattr(record, DENIAL):
            self.sentences.append(record.getMessage())


class _Script:
    """A script's calls. `told` is what became of them."""

    def __init__(self, scene: Scene, outside: Outside) -> None:
        config = Config(retries={"total_max_attempts": 1})
        self.ec2 = scene.site.aws.session().client("ec2", endpoint_url=outside.endpoint, config=config)
        self._site = scene.site

    def call(self, column: str) -> tuple[str, str]:
        """A word, and the sentence that the script gets."""
        try:
            if column == UNGOVERNED:
                self.ec2.create_key_pair(KeyName="deploy")
            else:
                machine = self._site.live if column == LIVE else self._site.staging
                self.ec2.terminate_instances(InstanceIds=[machine])
        except guardrails.GuardUnavailable as error:
            return "unavailable", error.decision.unavailable or str(error)
        except guardrails.CallDenied as error:
            rules = ", ".join(sorted({each.rule for each in error.decision.violations}))
            return f"denied ({rules})", error.decision.reason
        except ClientError as error:
            if error.response["Error"]["Code"] == "Arrived":
                return SENT, ""
            return "failed", str(error)
        except BaseException as error:
            return f"raises {type(error).__name__}", f"{type(error).__name__}: {error}"
        raise AssertionError("AWS answers with an error")

    def warm(self) -> None:
        """What is made once, such as the clients of look-ups, is there when something breaks."""
        guard = guardrails.process.current()
        assert guard is not None
        guard.check(self.ec2, "TerminateInstances", InstanceIds=[self._site.live])
        guard._lookups.forget()

    def fastest(self) -> float:
        times = []
        for _ in range(_TRIES):
            started = time.perf_counter()
            self.call(UNGOVERNED)
            times.append(time.perf_counter() - started)
        return min(times)


Say = Callable[..., None]


def _calls(scene: Scene, row: Row, outside: Outside, say: Say) -> None:
    _at_home(scene)
    logger, heard = logging.getLogger("guardrails"), _Heard()
    logger.addHandler(heard)
    logger.propagate = False
    script = _Script(scene, outside)
    before = script.fastest()
    with ExitStack() as broken:
        if row.at_start:
            _break(row, scene, broken, say)
        try:
            guardrails.install(scene.config)
        except guardrails.GuardrailsError as error:
            say(install=f"{type(error).__name__}: {error}")
            return
        script.warm()
        if not row.at_start:
            _break(row, scene, broken, say)
        heard.sentences.clear()
        say(**{UNGOVERNED: script.call(UNGOVERNED)})
        say(slower=script.fastest() - before)
        for column in (LIVE, STAGING):
            say(**{column: script.call(column)})
        say(heard=heard.sentences)
        scene.guard.uninstall()
        say(unguarded=script.call(UNGOVERNED))
        scene.guard.install()
    if not row.until_next_start:
        say(afterwards=_works(script))


def _break(row: Row, scene: Scene, broken: ExitStack, say: Say) -> None:
    say(switch=True)
    broken.callback(lambda: say(switch=False))
    broken.enter_context(row.strike(scene))


def _works(script: _Script) -> str:
    """Whether the guard decides as if nothing had been."""
    words = {column: script.call(column) for column in (LIVE, STAGING)}
    if words[LIVE][0] == "denied (live-cluster/terminate)" and words[STAGING][0] == SENT:
        return AFTERWARDS
    return "; ".join(f"{column} {word}: {sentence}" for column, (word, sentence) in words.items())


def _at_home(scene: Scene) -> None:
    os.environ.update(HOME=str(scene.folder), XDG_STATE_HOME=str(scene.folder))
    # A shell without job control makes its background jobs ignore Ctrl-C.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    os.environ["GUARDRAILS_APPROVALS"] = str(scene.folder / "approvals")


def _next_start(scene: Scene, outside: Outside, say: Say) -> None:
    _at_home(scene)
    try:
        guardrails.install(scene.config)
    except guardrails.GuardrailsError as error:
        say(works=f"{type(error).__name__}: {error}")
        return
    say(works=_works(_Script(scene, outside)))


def _in_process(act: Callable[[Say], None], switch: Callable[[bool], None]) -> dict[str, Any]:
    """What a forked process says, which may end at any moment. `switch` is what it may have broken out here."""
    (heard, says), (asks, answers) = os.pipe(), os.pipe()
    child = os.fork()
    if not child:
        os.close(heard)
        os.close(answers)

        def say(**what: Any) -> None:
            os.write(says, json.dumps(what).encode() + b"\n")
            if "switch" in what:
                os.read(asks, 1)

        try:
            act(say)
        except BaseException:
            logging.getLogger("tests").exception("a row's process failed")
        finally:
            os._exit(0)
    os.close(says)
    os.close(asks)
    lost = threading.Event()

    def end() -> None:
        lost.set()
        os.kill(child, signal.SIGKILL)

    timer = threading.Timer(_PATIENCE_S, end)
    timer.start()
    told: dict[str, Any] = {}
    with os.fdopen(heard) as lines, os.fdopen(answers, "wb", buffering=0) as answer:
        for line in lines:
            told |= (said := json.loads(line))
            if "switch" in said:
                switch(said["switch"])
                answer.write(b".")
    timer.cancel()
    os.waitpid(child, 0)
    told["patience"] = lost.is_set()
    return told


# -- what became of them -----------------------------------------------------------------------------------------------


def _arrived(at: Site) -> dict[str, int]:
    machines = {LIVE: at.live, STAGING: at.staging}
    return {
        column: sum(
            each.operation == operation and machines.get(column, "deploy") in each.params.values()
            for each in at.aws.requests
        )
        for column, operation in _OPERATIONS.items()
    }


def _unrecorded(scene: Scene, arrived: Mapping[str, int]) -> list[str]:
    """Each governed call that arrived is in the log, and every line of the log is whole."""
    if not scene.log.is_file():
        return []
    sent = 0
    for line in scene.log.read_bytes().splitlines():
        with contextlib.suppress(ValueError):
            sent += json.loads(line)["custom"]["sent"]
    counted = arrived[LIVE] + arrived[STAGING]
    return [] if sent >= counted else [f"{counted} calls arrived, and the log has {sent}"]


def _cells(row: Row, told: dict[str, Any], arrived: Mapping[str, int], problems: list[str], folder: Path) -> Cells:
    if "install" in told:
        words = dict.fromkeys((LIVE, STAGING, UNGOVERNED), NOT_STARTED)
        sentences = [told["install"]]
    else:
        end = NEVER if told["patience"] else ENDED
        calls = {column: told.get(column, (end, "")) for column in (UNGOVERNED, LIVE, STAGING)}
        words = {column: word for column, (word, _) in calls.items()}
        sentences = [calls[STAGING][1], calls[LIVE][1], *told.get("heard", [])]
        if words[UNGOVERNED] != SENT and told.get("unguarded") == calls[UNGOVERNED]:
            words[UNGOVERNED] += ", as without the guard"
    if told.get("slower", 0.0) > _SLOWER_S:
        words[UNGOVERNED] += f", {told['slower'] * 1000:.0f} ms later"
    after = {*(told[each] for each in ("afterwards", "next start") if each in told)}
    afterwards = " / ".join(sorted(after)) + (" at the next start" if row.until_next_start else "")
    if arrived[LIVE]:
        problems = [*problems, f"{arrived[LIVE]} calls on the live cluster arrived"]
    tries = _TRIES * 2 + 1 + ("unguarded" in told)
    if words[UNGOVERNED] == SENT and arrived[UNGOVERNED] != tries:
        problems = [*problems, f"{arrived[UNGOVERNED]} of {tries} ungoverned calls arrived"]
    sentence = next((each for each in sentences if each), "")
    return evolve(
        Cells(words[LIVE], words[STAGING], words[UNGOVERNED], afterwards, plain(sentence, folder), tuple(problems))
    )


def plain(sentence: str, folder: Path) -> str:
    """Without what differs from run to run: folders, ids, ports, sizes, revisions."""
    sentence = " ".join(sentence.split()).replace(str(folder), "…")
    sentence = re.sub(r"\b(i|subnet)-[0-9a-f]{17}", r"\1-…", sentence)
    sentence = re.sub(r"127\.0\.0\.1:\d+", "127.0.0.1:…", sentence)
    sentence = re.sub(r"\d+ of \d+ bytes", "a part of it", sentence)
    sentence = re.sub(r"Revision [0-9a-f]{12}", "Revision …", sentence)
    return sentence.replace("|", "\\|")
