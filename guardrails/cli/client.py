"""The options of every command that looks at AWS."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import click


def aws_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """``--config``, ``--profile``, ``--region``, ``--endpoint-url`` and ``--format``."""
    for option in (
        click.option("--format", "fmt", type=click.Choice(["pretty", "json"]), default="pretty", show_default=True),
        click.option("--endpoint-url", help="Another endpoint, such as a simulator's."),
        click.option("--region", help="AWS region; default as in boto3."),
        click.option("--profile", help="AWS profile; default as in boto3."),
        click.option("--config", type=click.Path(), help="guardrails.toml to use instead of the one that is found."),
    ):
        command = option(command)
    return command
