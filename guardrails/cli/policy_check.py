"""``guardrails policy check``: finds mistakes in policies before they guard anything."""

from __future__ import annotations

import json
import shutil
import sys
from importlib.metadata import version
from pathlib import Path

import attrs
import click

from guardrails.cli import own_policies
from guardrails.cli.options import config_option
from guardrails.errors import ConfigError
from guardrails.evaluate.rego.mistake import Mistake
from guardrails.policy.check.check import check as find_mistakes
from guardrails.policy.check.formats import github, sarif
from guardrails.show.sentences import counted


@click.command()
@config_option
@click.argument("folders", nargs=-1, type=click.Path(path_type=Path))
@click.option(
    "--format",
    "fmt",
    type=click.Choice(["pretty", "json", "github", "sarif"]),
    default="pretty",
    help="For people, programs, GitHub Actions or code scanning.",
)
@click.option("--opa/--no-opa", "ask", default=None, help="Run `opa check` too; default: if opa is on PATH.")
def check(config: str | None, folders: tuple[Path, ...], fmt: str, *, ask: bool | None) -> None:
    """Find mistakes in policies, by file and line.

    FOLDERS default to those of this configuration, else to the shipped policies. Checked are the syntax, unknown
    functions and references, recursion, parts of `input` that do not exist, incomplete entries and METADATA, ids and
    packages; and with OPA, what `opa check --strict` refuses. Exit code 1 if a mistake was found.
    """
    opa = None if ask is False else shutil.which("opa")
    if ask and opa is None:
        raise ConfigError("--opa needs the program opa on PATH; install it, or leave the option out")
    mistakes, count = find_mistakes(folders or own_policies.folders(config), opa)
    mistakes = [attrs.evolve(mistake, file=own_policies.short_path(mistake.file)) for mistake in mistakes]
    if fmt == "sarif":
        click.echo(json.dumps(sarif(mistakes, version("botocore-guardrails")), indent=2))
    elif fmt == "json":
        click.echo(json.dumps([attrs.asdict(mistake) for mistake in mistakes], indent=2))
    else:
        for mistake in mistakes:
            click.echo(github(mistake) if fmt == "github" else _line(mistake))
        if fmt == "pretty":
            if opa is None:
                click.echo("opa check was not run; put opa on PATH to include it")
            result = counted(len(mistakes), "mistake") if mistakes else "no mistakes"
            click.echo(f"{counted(count, 'file')}, {result}")
    sys.exit(1 if mistakes else 0)


def _line(mistake: Mistake) -> str:
    return f"{mistake.file}:{mistake.line}:{mistake.column}: {mistake.message} [{mistake.code}]"
