"""``guardrails demo``: the outage of 9 October 2023, replayed on simulated AWS."""

from __future__ import annotations

import sys
from typing import Literal

import click

from guardrails.activation import environment
from guardrails.cli.show import console
from guardrails.errors import ConfigError


@click.command()
@click.option("--format", "fmt", type=click.Choice(["pretty", "json"]), default="pretty", show_default=True)
def demo(fmt: Literal["pretty", "json"]) -> None:
    """Replay the outage on simulated AWS, without the guard and with it. Needs no credentials.

    Exit code 0 only if every claim held.
    """
    pth = environment.activated()
    if pth is not None:
        raise ConfigError(
            f"{pth} guards every script of this environment, and the demo's first act needs one without; "
            "run it in another environment, or `guardrails deactivate` first"
        )
    from guardrails.demo import run  # noqa: PLC0415  (moto takes a second to import)

    try:
        code = run(console(), fmt)
    except ImportError as error:
        click.echo(f"guardrails: {error}", err=True)
        code = 2
    sys.exit(code)
