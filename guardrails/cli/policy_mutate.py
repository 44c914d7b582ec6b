"""``guardrails policy mutate``: small mistakes in policies that their tests should notice."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from guardrails.cli import own_policies
from guardrails.cli.options import config_option, format_option
from guardrails.errors import ConfigError
from guardrails.policy.mutate import justified, run
from guardrails.policy.mutate.justified import Justified
from guardrails.policy.mutate.mutants import Mutant
from guardrails.policy.test import suite
from guardrails.values import frozen


@frozen
class _Survivor:
    """A mutant that no test notices; `file` is relative to its policy folder, `source` the line it changes."""

    mutant: Mutant
    file: str
    source: str

    @property
    def key(self) -> tuple[str, str, str]:
        return self.file, self.source, self.mutant.change

    def document(self) -> dict[str, Any]:
        """As JSON."""
        return {"file": self.file, "line": self.mutant.line, "source": self.source, "change": self.mutant.change}


@click.command()
@config_option
@click.argument("areas", nargs=-1, metavar="[AREA]...")
@click.option("--jobs", type=click.IntRange(1), default=2, show_default=True, help="Number of processes.")
@format_option
def mutate(config: str | None, areas: tuple[str, ...], *, jobs: int, fmt: str) -> None:
    """Find mistakes in policies that no test would notice.

    Each mutant is the policies of this configuration (else the shipped ones) with one small mistake. A mutant that no
    test notices survives. Survivors that no test can notice are listed in mutants.toml beside the policies, with a
    reason. Exit code 1 if another one survives, or if an entry of that file matches no survivor.
    """
    folders = [Path(folder).resolve() for folder in own_policies.folders(config)]
    justifications = [entry for folder in folders for entry in justified.read(folder)]
    tests = suite.load(folders)
    if not tests.tests:
        raise ConfigError(f"{', '.join(map(str, folders))}: no tests; write one first")
    mutants = run.mutants_of(tests, areas)
    failing = run.failing(tests)
    if failing:
        raise ConfigError(f"{failing} fails without any mutant; fix it first (guardrails policy test)")
    noticed_by = run.run(tests, mutants, jobs, lambda done: _progress(done, len(mutants)))
    # None: the mutant does not compile, so no test could notice it.
    counted = [(mutant, test) for mutant, test in zip(mutants, noticed_by, strict=True) if test is not None]
    alive = [_survivor(tests, folders, mutant) for mutant, test in counted if not test]
    known = {entry.key for entry in justifications}
    survivors = [survivor for survivor in alive if survivor.key not in known]
    touched = {_relative(mutant.file, folders) for mutant in mutants}
    keys = {survivor.key for survivor in alive}
    stale = [entry for entry in justifications if entry.key not in keys and (not areas or entry.file in touched)]
    _report(len(counted), len(alive), survivors, stale, fmt)
    sys.exit(1 if survivors or stale else 0)


def _report(counted: int, alive: int, survivors: Sequence[_Survivor], stale: Sequence[Justified], fmt: str) -> None:
    counts = {
        "mutants": counted,
        "killed": counted - alive,
        "justified": alive - len(survivors),
        "survived": len(survivors),
    }
    if fmt == "json":
        lists = {"survivors": [each.document() for each in survivors], "stale": [entry.key for entry in stale]}
        click.echo(json.dumps({**counts, **lists}, indent=2))
        return
    for survivor in survivors:
        mutant = survivor.mutant
        click.echo(f"{own_policies.short_path(mutant.file)}:{mutant.line}: {mutant.change}")
    for entry in stale:
        click.echo(f"stale: {entry.file}: {entry.change!r} in {entry.line!r} matches no survivor; remove the entry")
    click.echo(", ".join(f"{number} {name}" for name, number in counts.items()))


def _progress(done: int, total: int) -> None:
    if sys.stderr.isatty() or done % 100 == 0 or done == total:
        click.echo(f"{done} of {total} mutants", err=True)


def _survivor(tests: suite.Suite, folders: Sequence[Path], mutant: Mutant) -> _Survivor:
    lines = tests.bundle.modules[mutant.file].splitlines()
    return _Survivor(mutant, _relative(mutant.file, folders), lines[mutant.line - 1].strip())


def _relative(file: str, folders: Sequence[Path]) -> str:
    path = Path(file)
    return next(path.relative_to(folder).as_posix() for folder in folders if path.is_relative_to(folder))
