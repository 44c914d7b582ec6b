"""``guardrails policy new``: a rule to begin with, and its test."""

from __future__ import annotations

from pathlib import Path

import click

from guardrails.config.load import load
from guardrails.policy.new import scaffold


@click.command()
@click.argument("rule", metavar="AREA/RULE")
@click.option("--into", type=click.Path(path_type=Path), help="Folder of policies; default: the configuration's first.")
@click.pass_obj
def new(config: str | None, rule: str, into: Path | None) -> None:
    """Write a new rule AREA/RULE with its METADATA, and a test that fails until you have written the rule."""
    configured = load(config).policies
    folder = into or next((path for path in configured if not path.is_file()), Path("policies"))
    for file in scaffold(folder, rule):
        click.echo(file)
    if folder.resolve() not in [path.resolve() for path in configured]:
        click.echo(f'Name the folder in guardrails.toml: policies = ["{folder}"]')
