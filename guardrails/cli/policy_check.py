"""``guardrails policy check``: what is wrong with policies, before they guard anything."""

from __future__ import annotations

import json
import shutil
import sys
from importlib.metadata import version
from pathlib import Path

import attrs
import click

from guardrails.cli import own_policies
from guardrails.errors import ConfigError
from guardrails.policy.check.check import check as find
from guardrails.policy.check.finding import Finding, github, sarif


@click.command()
@click.argument("folders", nargs=-1, type=click.Path(path_type=Path))
@click.option("--format", "fmt", type=click.Choice(["pretty", "json", "github", "sarif"]), default="pretty")
@click.option("--opa/--no-opa", "ask", default=None, help="Ask `opa check`, too; by default where opa is on PATH.")
@click.pass_obj
def check(config: str | None, folders: tuple[Path, ...], fmt: str, *, ask: bool | None) -> None:
    """Name every mistake in the policies below FOLDERS, or in those of this configuration (else the shipped ones).

    Syntax, unknown functions and references, recursion, parts of `input` that are not there, entries and METADATA that
    lack something, ids, packages, and what a strict OPA refuses. Exit code 1 when there is one.
    """
    opa = None if ask is False else shutil.which("opa")
    if ask and opa is None:
        raise ConfigError("--opa needs the program opa on PATH; install it, or leave the option out")
    own = own_policies.folders(config)
    found, count = find(folders or own, opa)
    found = [attrs.evolve(one, file=own_policies.near(one.file)) for one in found]
    if fmt == "sarif":
        click.echo(json.dumps(sarif(found, version("botocore-guardrails")), indent=2))
    elif fmt == "json":
        click.echo(json.dumps([attrs.asdict(one) for one in found], indent=2))
    else:
        for one in found:
            click.echo(github(one) if fmt == "github" else _line(one))
        if fmt == "pretty":
            if opa is None:
                click.echo("OPA was not asked: put opa on PATH to have its strict check as well")
            click.echo(f"{count} files, {len(found) or 'no'} finding{'s' * (len(found) != 1)}")
    sys.exit(1 if found else 0)


def _line(one: Finding) -> str:
    return f"{one.file}:{one.line}:{one.column}: {one.message} [{one.code}]"
