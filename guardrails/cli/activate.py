"""``guardrails activate`` and ``deactivate``: guard every Python process of this virtual environment."""

from __future__ import annotations

import sys

import click

from guardrails.activation import environment
from guardrails.config.load import load
from guardrails.errors import ConfigError


@click.command()
def activate() -> None:
    """Guard every Python process of this virtual environment.

    Processes that import botocore are guarded from now on. Each searches its configuration at its start, as install()
    does. `guardrails deactivate` undoes it.
    """
    if sys.prefix == sys.base_prefix:
        raise ConfigError(
            f"{sys.prefix} is not a virtual environment; run the guardrails command of the environment to activate"
        )
    # A configuration that does not load would stop every process of the environment.
    load(None)
    try:
        written = environment.activate()
    except OSError as error:
        raise ConfigError(f"{error.filename}: {error.strerror}; run it as a user who can write there") from error
    click.echo(f"activated {sys.prefix} ({written}): every Python process of it that imports botocore is guarded")


@click.command()
def deactivate() -> None:
    """Undo `guardrails activate`."""
    try:
        removed = environment.deactivate()
    except OSError as error:
        raise ConfigError(f"{error.filename}: {error.strerror}; run it as a user who can write there") from error
    click.echo(f"{sys.prefix} was not activated" if removed is None else f"deactivated {sys.prefix}")
