"""``guardrails activate`` and ``deactivate``: guard every Python of this virtual environment."""

from __future__ import annotations

import sys

import click

from guardrails.activation import environment
from guardrails.config.load import load
from guardrails.errors import ConfigError


@click.command()
def activate() -> None:
    """Guard every process of this virtual environment that imports botocore, from now on.

    The configuration is found as install() finds it, at the start of each process.
    """
    if sys.prefix == sys.base_prefix:
        raise ConfigError(
            f"{sys.prefix} is not a virtual environment; activate one, with the guardrails that is installed in it"
        )
    # A configuration that does not load would end every process.
    load(None)
    try:
        written = environment.activate()
    except OSError as error:
        raise ConfigError(f"{error.filename}: {error.strerror}; use an account that may write there") from error
    click.echo(f"activated {sys.prefix} ({written}); every Python of it that imports botocore is guarded")


@click.command()
def deactivate() -> None:
    """Undo `guardrails activate`."""
    try:
        removed = environment.deactivate()
    except OSError as error:
        raise ConfigError(f"{error.filename}: {error.strerror}; use an account that may write there") from error
    click.echo(f"{sys.prefix} was not activated" if removed is None else f"deactivated {sys.prefix}")
