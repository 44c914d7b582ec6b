"""Making the client a command looks through, from the options every such command has."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import boto3
import botocore.exceptions
import click
from boto3.session import Session

from guardrails.errors import ConfigError


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


def make_client(service: str, profile: str | None, region: str | None, endpoint_url: str | None) -> Any:
    """A boto3 client; what boto3 cannot make is a ConfigError with its reason."""
    try:
        session: Session = boto3.Session(profile_name=profile, region_name=region)
        if service not in session.get_available_services():
            raise ConfigError(f"{service}: no such AWS service; use boto3's name, such as ec2 or autoscaling")
        return session.client(service, endpoint_url=endpoint_url)  # type: ignore[call-overload]
    except botocore.exceptions.BotoCoreError as error:
        raise ConfigError(f"no client for {service}: {error}; see --region, --profile") from error
    except ValueError as error:
        raise ConfigError(f"no client for {service}: {error}") from error
