"""The options that several commands share, with the same name and help everywhere."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import click


class Number(click.FloatRange):
    """A finite number within bounds. Click takes NaN for one that is within any."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """The number, or a usage error."""
        number = super().convert(value, param, ctx)
        if not math.isfinite(number):
            self.fail(f"{value} is not a finite number.", param, ctx)
        return number


def _inherited(context: click.Context, _: click.Parameter, value: str | None) -> str | None:
    """The file named at this command, else the one named at its group."""
    if value is not None:
        context.obj = value
    named: str | None = context.obj
    return named


config_option = click.option(
    "--config",
    type=click.Path(),
    callback=_inherited,
    help="The guardrails.toml to use; default: search as install() does.",
)
format_option = click.option(
    "--format",
    "fmt",
    type=click.Choice(["pretty", "json"]),
    default="pretty",
    show_default=True,
    help="For people or for programs.",
)
policies_option = click.option(
    "--policies",
    metavar="NAME",
    help="Ask these instead: named as for `policy compare`.",
)


def aws_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """``--config``, ``--profile``, ``--region``, ``--endpoint-url`` and ``--format``."""
    for option in (
        format_option,
        click.option("--endpoint-url", help="Another endpoint, for example a simulator."),
        click.option("--region", help="AWS region; default: as in boto3."),
        click.option("--profile", help="AWS profile; default: as in boto3."),
        config_option,
    ):
        command = option(command)
    return command
