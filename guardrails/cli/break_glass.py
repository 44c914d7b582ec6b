"""``guardrails break-glass``: prints a line that suspends rules for the programs of a shell."""

from __future__ import annotations

import shlex
import time

import click

from guardrails import assembly
from guardrails.cli.options import Number, config_option
from guardrails.config.load import load
from guardrails.enforce.break_glass.grant import ENVIRONMENT, environment_value, parse

_EXAMPLE = """\b
Example:
  eval "$(guardrails break-glass --reason 'INC-42' --rule live-cluster/stop)"
"""


@click.command("break-glass", epilog=_EXAMPLE)
@config_option
@click.option("--reason", required=True, help="Why, with the incident number.")
@click.option("--rule", "rules", multiple=True, required=True, help="The id of a rule to suspend; repeatable.")
@click.option("--minutes", type=Number(), default=15.0, show_default=True, help="Minutes until the rules apply again.")
def break_glass(config: str | None, reason: str, rules: tuple[str, ...], minutes: float) -> None:
    """Print a line that suspends rules in an emergency.

    Programs started from this shell may then do what the named rules block, until the time is up; after that the rules
    apply again, in running programs too. The command itself suspends nothing: evaluate what it prints.
    """
    if not 0 < minutes < 1e6:
        raise click.BadParameter("must be a number of minutes above 0 and below a million", param_hint="--minutes")
    now = time.time()
    value = environment_value(" ".join(reason.replace(";", ",").split()), rules, now + minutes * 60)
    # Checked here, where someone reads the reason, rather than in the program that would refuse it.
    parse(value, assembly.terms(load(config)), now)
    click.echo(f"export {ENVIRONMENT}={shlex.quote(value)}")
