"""``guardrails demo``: the outage of 9 October 2023, replayed on simulated AWS."""

from __future__ import annotations

import sys
from typing import Any, Literal

import click

from guardrails.activation import environment
from guardrails.aws.clients import make_client
from guardrails.cli.options import aws_options
from guardrails.cli.show import console
from guardrails.config.load import load
from guardrails.errors import ConfigError


@click.command()
@aws_options
@click.option(
    "--shop",
    type=click.Choice(["addresses", "balancer"]),
    default="addresses",
    show_default=True,
    help="How users come to the shop: by Elastic IPs, or through a load balancer with two target groups.",
)
@click.option("--mine", is_flag=True, help="Rehearse ten accidents in a copy of your own account instead.")
def demo(
    shop: Literal["addresses", "balancer"],
    config: str | None,
    profile: str | None,
    region: str | None,
    endpoint_url: str | None,
    fmt: Literal["pretty", "json"],
    *,
    mine: bool,
) -> None:
    """Replay the outage on simulated AWS, unguarded and guarded.

    Needs no credentials and takes about half a minute. Exit code 1 if a claim failed.

    With --mine, your account is read (only look-ups are sent), built again in the simulated AWS, and your configuration
    decides on ten typical accidents in it. The options --config, --profile, --region and --endpoint-url are for that.
    """
    try:
        code = _rehearse(make_client("ec2", profile, region, endpoint_url), config, fmt) if mine else _replay(shop, fmt)
    except ImportError as error:
        click.echo(f"guardrails: {error}", err=True)
        code = 2
    sys.exit(code)


def _replay(shop: Literal["addresses", "balancer"], fmt: Literal["pretty", "json"]) -> int:
    pth = environment.activated()
    if pth is not None:
        raise ConfigError(
            f"{pth} guards every script of this environment, but the demo starts with an unguarded one; "
            "run `guardrails deactivate` first, or the demo in another environment"
        )
    from guardrails.demo import run  # noqa: PLC0415  (moto takes a second to import)

    return run(console(), fmt, shop=shop)


def _rehearse(client: Any, config: str | None, fmt: Literal["pretty", "json"]) -> int:
    from guardrails.demo.mine import page, rehearse  # noqa: PLC0415  (moto takes a second to import)

    rehearsal = rehearse(load(config), client)
    if fmt == "json":
        click.echo(page.as_json(rehearsal))
    else:
        page.show(rehearsal, console())
    return 0
