"""``guardrails demo``: the outage of 9 October 2023, replayed on simulated AWS."""

from __future__ import annotations

import sys
from typing import Literal

import click

from guardrails.activation import environment
from guardrails.cli.options import format_option
from guardrails.cli.show import console
from guardrails.errors import ConfigError


@click.command()
@click.option(
    "--shop",
    type=click.Choice(["addresses", "balancer"]),
    default="addresses",
    show_default=True,
    help="How users come to the shop: by Elastic IPs, or through a load balancer with two target groups.",
)
@format_option
def demo(shop: Literal["addresses", "balancer"], fmt: Literal["pretty", "json"]) -> None:
    """Replay the outage on simulated AWS, unguarded and guarded.

    Needs no credentials and takes about half a minute. Exit code 1 if a claim failed.
    """
    pth = environment.activated()
    if pth is not None:
        raise ConfigError(
            f"{pth} guards every script of this environment, but the demo starts with an unguarded one; "
            "run `guardrails deactivate` first, or the demo in another environment"
        )
    from guardrails.demo import run  # noqa: PLC0415  (moto takes a second to import)

    try:
        code = run(console(), fmt, shop=shop)
    except ImportError as error:
        click.echo(f"guardrails: {error}", err=True)
        code = 2
    sys.exit(code)
