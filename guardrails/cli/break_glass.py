"""``guardrails break-glass``: the line that sets rules aside for the programs of a shell."""

from __future__ import annotations

import shlex
import time

import click

from guardrails import assembly
from guardrails.config.load import load
from guardrails.enforce.break_glass.grant import ENVIRONMENT, environment_value, parse


@click.command("break-glass")
@click.option("--config", type=click.Path(), help="guardrails.toml to use instead of the one that is found.")
@click.option("--reason", required=True, help="Why, with the number of the incident.")
@click.option("--rule", "rules", multiple=True, required=True, help="The id of a rule that stands in the way.")
@click.option("--minutes", type=float, default=15.0, show_default=True)
def break_glass(config: str | None, reason: str, rules: tuple[str, ...], minutes: float) -> None:
    """Print the line to type so that the programs of this shell may do what the named rules block.

    eval "$(guardrails break-glass --reason 'INC-42 disk full' --rule live-cluster/stop)"

    Nothing is set aside by this command itself. The time ends it, in running programs, too.
    """
    if not 0 < minutes < 1e6:
        raise click.BadParameter("must be a number of minutes above 0 and below a million", param_hint="--minutes")
    now = time.time()
    value = environment_value(" ".join(reason.replace(";", ",").split()), rules, now + minutes * 60)
    # What a program would refuse is refused here, where somebody reads it.
    parse(value, assembly.terms(load(config)), now)
    click.echo(f"export {ENVIRONMENT}={shlex.quote(value)}")
