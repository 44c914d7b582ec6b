"""``guardrails policy mutate``: slips in policies that their tests should notice."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click
from attrs import frozen

from guardrails.cli import own_policies
from guardrails.errors import ConfigError
from guardrails.policy.mutate import justified, mutating
from guardrails.policy.mutate.mutants import Mutant
from guardrails.policy.test import suite


@frozen
class _Found:
    mutant: Mutant
    file: str
    source: str

    @property
    def key(self) -> tuple[str, str, str]:
        return self.file, self.source, self.mutant.change


@click.command()
@click.argument("areas", nargs=-1, metavar="[AREA]...")
@click.option("--jobs", type=click.IntRange(1), default=2, show_default=True, help="Processes to run side by side.")
@click.option("--format", "style", type=click.Choice(["pretty", "json"]), default="pretty", show_default=True)
@click.pass_context
def mutate(context: click.Context, areas: tuple[str, ...], *, jobs: int, style: str) -> None:
    """Change the policies of this configuration (the shipped ones without any) slip by slip, and run their tests.

    A slip that no test notices survives. Those that cannot be noticed are listed in mutants.toml beside the policies,
    with a reason. Exit code 1 where another survives, or where an entry of that file fits no survivor.
    """
    folders = [Path(folder).resolve() for folder in own_policies.folders(context.obj)]
    reasons = [entry for folder in folders for entry in justified.read(folder)]
    there = suite.load(folders)
    if not there.cases:
        raise ConfigError(f"no test lies below {', '.join(map(str, folders))}; write one first")
    made = mutating.make(there, areas)
    failing = mutating.failing(there)
    if failing:
        raise ConfigError(f"{failing} fails without any slip; mend it first (guardrails policy test)")
    answers = mutating.run(there, made, jobs, lambda done: _progress(done, len(made)))
    counted = [(mutant, answer) for mutant, answer in zip(made, answers, strict=True) if answer is not None]
    alive = [_found(there, folders, mutant) for mutant, answer in counted if not answer]
    known = {entry.key for entry in reasons}
    survived = [found for found in alive if found.key not in known]
    touched = {_relative(mutant.file, folders) for mutant in made}
    keys = {found.key for found in alive}
    stale = [entry for entry in reasons if entry.key not in keys and (not areas or entry.file in touched)]
    document = {
        "mutants": len(counted),
        "killed": len(counted) - len(alive),
        "justified": len(alive) - len(survived),
        "survived": len(survived),
    }
    if style == "json":
        click.echo(json.dumps({**document, "survivors": [_entry(found) for found in survived],
                               "stale": [entry.key for entry in stale]}, indent=2))  # fmt: skip
    else:
        for found in survived:
            click.echo(f"{own_policies.near(found.mutant.file)}:{found.mutant.line}: {found.mutant.change}")
        for entry in stale:
            click.echo(f"stale: {entry.file}: {entry.change!r} in {entry.line!r}: no such survivor; take the entry out")
        click.echo(", ".join(f"{number} {name}" for name, number in document.items()))
    if survived or stale:
        context.exit(1)


def _progress(done: int, whole: int) -> None:
    if sys.stderr.isatty() or done % 100 == 0 or done == whole:
        click.echo(f"{done} of {whole} mutants", err=True)


def _found(there: suite.Suite, folders: Sequence[Path], mutant: Mutant) -> _Found:
    lines = there.bundle.modules[mutant.file].splitlines()
    return _Found(mutant, _relative(mutant.file, folders), lines[mutant.line - 1].strip())


def _relative(file: str, folders: Sequence[Path]) -> str:
    path = Path(file)
    return next(path.relative_to(folder).as_posix() for folder in folders if path.is_relative_to(folder))


def _entry(found: _Found) -> dict[str, Any]:
    mutant = found.mutant
    return {"file": found.file, "line": mutant.line, "source": found.source, "change": mutant.change}
