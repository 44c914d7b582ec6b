"""``guardrails policy new``: writes a rule to start from, and its test."""

from __future__ import annotations

from pathlib import Path

import click

from guardrails.cli.options import config_option
from guardrails.config.load import load
from guardrails.policy.new import scaffold


@click.command()
@config_option
@click.argument("rule", metavar="AREA/RULE")
@click.option("--into", type=click.Path(path_type=Path), help="The policy folder; default: the first configured one.")
def new(config: str | None, rule: str, into: Path | None) -> None:
    """Start a new rule, with a test that fails until it is written.

    AREA/RULE is its id, for example weekend/terminate.
    """
    configured = load(config).local_policies
    folder = into or next((path for path in configured if not path.is_file()), Path("policies"))
    for file in scaffold(folder, rule):
        click.echo(file)
    if folder.resolve() not in [path.resolve() for path in configured]:
        click.echo(f'Add the folder to guardrails.toml: policies = ["{folder}"]')
