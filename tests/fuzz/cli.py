"""The command line: every command with odd arguments ends with a documented exit code, a sentence, and no traceback."""

from __future__ import annotations

import contextlib
import os
import random
import signal
import tempfile
from collections.abc import Iterator
from pathlib import Path
from types import FrameType

import click
import pytest
from click.testing import CliRunner, Result

from guardrails.cli.app import app
from tests.fuzz.area import Run
from tests.fuzz.mutations import mutated

# They change this installation, tell a story for a minute, or run what they are given.
_LEFT_OUT = ("activate", "deactivate", "demo", "run")
_DOCUMENTED = (0, 1, 2, 3)
_WORDS = (
    "", "x", "-", "--", "--no-such", "-9", "0", "1e999", "é🦆", "a=b", "=", "../..", "/dev/null", "/no/such/file", ".",
    "broken.toml", "broken.json", "empty", "log.jsonl", "x" * 3000, "2023-10-09T15:22:00Z", "ec2", "json", "pretty",
    "TerminateInstances", "InstanceIds=i-1", "live-cluster/terminate", "i-0a1", "blue", "\udce9",
)  # fmt: skip
_SLOWEST_S = 60


class _Hangs(Exception):
    """A command took too long."""


def fuzz(run: Run, most: int = 10**9) -> None:
    """Commands while there is time, `most` at most."""
    dice = random.Random(run.seed)
    commands = sorted(_commands(app, ()))
    with tempfile.TemporaryDirectory() as folder, _away_from_aws(Path(folder), dice):
        for number in range(most):
            if not run.time_left:
                return
            path = commands[number % len(commands)] if number < len(commands) else dice.choice(commands)
            _one(run, [*path, *_arguments(dice, path)])


def _commands(command: click.Command, path: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    if not isinstance(command, click.Group):
        yield path
        return
    context = click.Context(command)
    for name in command.list_commands(context):
        inner = command.get_command(context, name)
        if inner is not None and name not in _LEFT_OUT:
            yield from _commands(inner, (*path, name))


@contextlib.contextmanager
def _away_from_aws(folder: Path, dice: random.Random) -> Iterator[None]:
    """A folder with some files, and an AWS that no one can reach."""
    (folder / "broken.toml").write_bytes(mutated(dice, b'mode = "warn"\n[log]\npath = "x"\n'))
    (folder / "broken.json").write_text('{"a": [')
    (folder / "log.jsonl").write_text('{"decision_id": "1", "input": 3}\nnot a decision\n')
    (folder / "empty").write_text("")
    before = Path.cwd()
    with pytest.MonkeyPatch.context() as patch:
        for name in [name for name in os.environ if name.startswith(("AWS_", "GUARDRAILS_"))]:
            patch.delenv(name)
        # The discard port: nothing listens there.
        for name, value in {
            "AWS_ENDPOINT_URL": "http://127.0.0.1:9", "AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "b",
            "AWS_DEFAULT_REGION": "eu-west-1", "AWS_MAX_ATTEMPTS": "1", "AWS_EC2_METADATA_DISABLED": "true",
            "HOME": str(folder), "XDG_STATE_HOME": str(folder / "state"), "BROWSER": "true",
        }.items():  # fmt: skip
            patch.setenv(name, value)
        os.chdir(folder)
        try:
            yield
        finally:
            os.chdir(before)


def _arguments(dice: random.Random, path: tuple[str, ...]) -> list[str]:
    command: click.Command = app
    for name in path:
        found = command.get_command(click.Context(command), name) if isinstance(command, click.Group) else None
        command = found or command
    options = [name for each in command.params for name in each.opts if name.startswith("--")]
    given: list[str] = []
    for _ in range(dice.choice([0, 1, 1, 2, 3])):
        given += [dice.choice(options), *([dice.choice(_WORDS)] if dice.random() < 0.8 else [])] if options else []
    return [*given, *dice.choices(_WORDS, k=dice.choice([0, 1, 1, 2, 3]))]


def _one(run: Run, arguments: list[str]) -> None:
    run.counts["command lines"] += 1
    try:
        done = _invoked(arguments)
    except _Hangs:
        run.found(f"hangs: {' '.join(arguments[:2])}", repr(arguments)[:300])
        return
    run.counts[f"exit code {done.exit_code}"] += 1
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        kind = f"{type(done.exception).__name__}: {str(done.exception)[:60]}"
        run.found(kind, repr(arguments)[:300])
    elif done.exit_code not in _DOCUMENTED:
        run.found(f"exit code {done.exit_code}", repr(arguments)[:300])
    elif done.exit_code == 2 and not done.output.strip():
        run.found("fails without a word", repr(arguments)[:300])
    elif "Traceback (most recent call last)" in done.output:
        run.found("a traceback", repr(arguments)[:300])


def _invoked(arguments: list[str]) -> Result:
    def end(_: int, __: FrameType | None) -> None:
        raise _Hangs

    before = signal.signal(signal.SIGALRM, end)
    signal.alarm(_SLOWEST_S)
    try:
        return CliRunner().invoke(app, arguments, input="")
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)
